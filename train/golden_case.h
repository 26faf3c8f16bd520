#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nets/params.h"
#include "tensor/safetensors.h"
#include "train/golden.h"

namespace lacuna {

/// Factors 1 + size and 1 - size, as the draw has it, on each number of a case.
struct Disturbance {
  double size = 0;
  uint64_t draw = 0;
};

/// A golden file at work: hands out what it holds, compares what was computed and keeps account of both.
class GoldenCase {
 public:
  using Outputs = std::vector<std::pair<std::string, Variable>>;

  /// With the file's numbers as `dtype`, on `device`. Throws Error if the file is no golden case.
  GoldenCase(const std::filesystem::path& file, DType dtype, Device device, const Disturbance& disturbance = {});

  const std::string& kind() const { return kind_; }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }

  /// An argument; throws if it is missing or of another type.
  template <class T>
  T arg(const std::string& name) {
    used_args_.insert(name);
    check(args_.contains(name), "[golden] args lack '", name, "'");
    try {
      return args_.at(name).get<T>();
    } catch (const nlohmann::json::exception&) {
      fail("[golden] argument '", name, "' cannot be ", args_.at(name).dump());
    }
  }
  template <class T>
  T arg(const std::string& name, const T& fallback) {
    return args_.contains(name) ? arg<T>(name) : fallback;
  }

  bool has_input(const std::string& name) const { return file_.has("in." + name); }
  /// in.NAME as a leaf, the same one on every call; throws if there is none.
  const Variable& input(const std::string& name);
  /// All weight.*, without the prefix.
  std::vector<std::pair<std::string, Tensor>> weights();

  /// Compares the outputs with out.*, and the derivatives of the seeded sum of the outputs with grad.in.* and, given
  /// params, grad.weight.*. `how` names the formulation where there are several. A defined `loss` is differentiated
  /// instead of the sum.
  void compare(const std::string& how, const Outputs& outputs, const Params* params = nullptr,
               const Variable& loss = {});
  /// Compares whole numbers, which must be equal, with out.NAME.
  void compare_indices(const std::string& how, const std::string& name, const Tensor& computed);

  /// All results, with a failure for everything that was left unused or unchecked.
  std::vector<GoldenResult> finish();

 private:
  void add(const std::string& tensor, const std::string& how, const Tensor& computed, double tolerance);
  Variable seeded_sum(const Outputs& outputs);

  std::string name_, kind_;
  nlohmann::json args_;
  DType dtype_;
  Device device_;
  double tolerance_ = 0;
  Safetensors file_;
  std::map<std::string, Variable> leaves_;
  std::set<std::string> used_args_, used_tensors_;
  std::vector<GoldenResult> results_;
};

/// A kind of case: computes it and compares.
using GoldenKind = void (*)(GoldenCase&);
/// By name, in alphabetical order.
const std::map<std::string, GoldenKind>& golden_kind_table();

}  // namespace lacuna
