#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lacuna {

/// One comparison of a golden case, or one reason why the case could not be carried out.
struct GoldenResult {
  std::string name;  ///< the file's name without its extension
  std::string
      tensor;        ///< the expectation, with the formulation where there are several: "out.y (fused)"; "-": the file
  double error = 0;  ///< largest |computed - expected| / max(1, largest |expected|); infinite where it has no number
  double tolerance = 0;  ///< 0 for indices, which must be equal
  bool passed = false;
  std::string reason = {};  ///< why it failed, where that is not simply a large error
};

/// Carries out a golden case: a safetensors file whose metadata say what to compute (`case`, `args` as JSON,
/// `tolerance`) and whose tensors are inputs `in.*`, `weight.*`, cotangents `seed.*` and expectations `out.*`,
/// `grad.in.*`, `grad.weight.*`. The loss that is differentiated is the sum over outputs of sum(out * seed).
///
/// Nothing passes by being overlooked: an unreadable file, an unknown case, an argument, input or seed that is not used
/// and an expectation that is not checked are failures. Never throws for what is wrong with the case.
std::vector<GoldenResult> run_golden_case(const std::filesystem::path& file);

/// The safetensors files at `path`: itself if it is no folder, else all in it and below, in the order of their names.
/// Throws Error if there is none.
std::vector<std::filesystem::path> golden_files(const std::filesystem::path& path);

/// The cases that run_golden_case knows.
std::vector<std::string> golden_kinds();

}  // namespace lacuna
