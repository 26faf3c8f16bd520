#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/stream.h"

namespace lacuna {

/// One comparison of a golden case, or one reason why the case could not be carried out.
struct GoldenResult {
  std::string name;  ///< the file's name without its extension
  std::string
      tensor;        ///< the expectation, with the formulation where there are several: "out.y (fused)"; "-": the file
  double error = 0;  ///< largest |computed - expected| / max(1, largest |expected|); infinite where it has no number
  double tolerance = 0;  ///< for indices: the share of them that may differ
  bool passed = false;
  /// The tolerance exceeds half of the largest value: the case is too ill-conditioned for this arithmetic.
  bool meaningless = false;
  std::string reason = {};  ///< why it failed, where that is not simply a large error
};

/// The arithmetic that a case is carried out in. f64 is held to the file's own tolerance. What f32 may cost is measured
/// for each expectation: the case is carried out in f64 with all its numbers off by the relative error u of a product's
/// operand (f32 2^-24; at `high` two bf16 terms, 2^-16; at `medium` one, 2^-8), each up or down at random, which is
/// what rounding the weights and the inputs does. Allowed is 16 times the largest change in three such runs, as all
/// activations are rounded too; at `highest` 128 times, as Winograd's filtering magnifies an error by about 15; and
/// always 64 times 2^-24, as every result is stored in f32.
struct GoldenArithmetic {
  DType dtype = DType::f64;  ///< f32 or f64
  Precision precision = Precision::highest;
  Device device = {};
};

/// Carries out a golden case: a safetensors file whose metadata say what to compute (`case`, `args` as JSON,
/// `tolerance`) and whose tensors are inputs `in.*`, `weight.*`, cotangents `seed.*` and expectations `out.*`,
/// `grad.in.*`, `grad.weight.*`. The loss that is differentiated is the sum over outputs of sum(out * seed).
///
/// Nothing passes by being overlooked: an unreadable file, an unknown case, an argument, input or seed that is not used
/// and an expectation that is not checked are failures. Never throws for what is wrong with the case.
std::vector<GoldenResult> run_golden_case(const std::filesystem::path& file, const GoldenArithmetic& arithmetic = {});

/// The safetensors files at `path`: itself if it is no folder, else all in it and below, in the order of their names.
/// Throws Error if there is none.
std::vector<std::filesystem::path> golden_files(const std::filesystem::path& path);

/// The cases that run_golden_case knows.
std::vector<std::string> golden_kinds();

}  // namespace lacuna
