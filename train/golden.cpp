#include "train/golden.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/reduce/reduce.h"
#include "tensor/philox.h"
#include "train/golden_case.h"

namespace lacuna {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::string_view gradient_of_input = "grad.in.", gradient_of_weight = "grad.weight.", weight = "weight.";

std::string metadata(const Safetensors& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  check(found != file.metadata.end(), "[golden] the file's metadata lack '", key, "': it is no golden case");
  return found->second;
}

double positive_number(const std::string& text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  check(error == std::errc() && end == text.data() + text.size() && x > 0 && std::isfinite(x), "[golden] tolerance '",
        text, "' is not a positive number");
  return x;
}

/// Scalars are written with shape (1) as well as ().
bool same_shape(const Shape& computed, const Shape& expected) {
  return computed == expected || (computed.rank() == 0 && expected == Shape{1});
}

double relative_error(const Tensor& computed, const Tensor& expected) {
  const std::vector<double> a = computed.to_vector(), b = expected.to_vector();
  double difference = 0, largest = 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(a[i] - b[i]);
    if (std::isnan(d)) return infinity;
    difference = std::max(difference, d);
    largest = std::max(largest, std::abs(b[i]));
  }
  return difference / largest;
}

double share_of_differences(const Tensor& computed, const Tensor& expected) {
  const std::vector<double> a = computed.to_vector(), b = expected.to_vector();
  int64_t different = 0;
  for (size_t i = 0; i < a.size(); ++i) different += a[i] != b[i];
  return static_cast<double>(different) / static_cast<double>(a.size());
}

/// Relative error of an operand of a product.
double rounding(Precision precision) {
  switch (precision) {
    case Precision::highest:
      return std::ldexp(1, -24);
    case Precision::high:
      return std::ldexp(1, -16);
    case Precision::medium:
      return std::ldexp(1, -8);
  }
  fail("[golden] unknown precision");
}

bool is_expectation(const std::string& name) { return name.starts_with("out.") || name.starts_with("grad."); }

/// Masks and the like, which are exact in any arithmetic.
bool holds_flags(const Tensor& x) {
  const std::vector<double> values = x.to_vector();
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0 || v == 1; });
}

/// x with each element times 1 + size or 1 - size.
Tensor disturbed(const Tensor& x, double size, const Philox& random) {
  Tensor y = x.clone();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const bool up = random.uniform(static_cast<uint64_t>(i)) < 0.5;
    y.data<double>()[i] *= up ? 1 + size : 1 - size;
  }
  return y;
}

/// How many indices of a best match may differ: two matches that are as good up to rounding change places.
double share_of_ties(Precision precision) { return precision == Precision::medium ? 0.05 : 0; }

}  // namespace

GoldenCase::GoldenCase(const std::filesystem::path& file, DType dtype, Device device, const Disturbance& disturbance)
    : name_(file.stem().string()), dtype_(dtype), device_(device) {
  file_ = read_safetensors(file);
  kind_ = metadata(file_, "case");
  tolerance_ = positive_number(metadata(file_, "tolerance"));
  args_ = nlohmann::json::parse(metadata(file_, "args"), nullptr, false);
  check(args_.is_object(), "[golden] 'args' is not a JSON object");
  uint64_t index = 0;
  for (auto& [name, tensor] : file_.tensors) {
    if (tensor.dtype() != DType::f64 || is_expectation(name)) continue;
    if (disturbance.size > 0 && !holds_flags(tensor)) {
      tensor = disturbed(tensor, disturbance.size, {disturbance.draw, ++index});
    }
    tensor = tensor.to(dtype);
  }
}

const Variable& GoldenCase::input(const std::string& name) {
  const auto [leaf, is_new] = leaves_.try_emplace(name);
  if (is_new) leaf->second = Variable::leaf(file_.at("in." + name).to(device_));
  used_tensors_.insert("in." + name);
  return leaf->second;
}

std::vector<std::pair<std::string, Tensor>> GoldenCase::weights() {
  std::vector<std::pair<std::string, Tensor>> found;
  for (const auto& [name, tensor] : file_.tensors) {
    if (!name.starts_with(weight)) continue;
    used_tensors_.insert(name);
    found.emplace_back(name.substr(weight.size()), tensor);
  }
  return found;
}

Variable GoldenCase::seeded_sum(const Outputs& outputs) {
  Variable total;
  for (const auto& [name, y] : outputs) {
    if (!file_.has("seed." + name)) continue;
    used_tensors_.insert("seed." + name);
    const Tensor seed = file_.at("seed." + name).to(y.device());
    check(seed.shape() == y.shape(), "[golden] seed.", name, " ", seed.shape(), " and the output ", y.shape(),
          " differ in shape");
    const Variable part = sum(y * Variable(seed));
    total = total.defined() ? total + part : part;
  }
  return total;
}

void GoldenCase::compare(const std::string& how, const Outputs& outputs, const Params* params, const Variable& loss) {
  for (const auto& [name, y] : outputs) {
    if (file_.has("out." + name)) add("out." + name, how, y.value(), tolerance_);
  }
  std::vector<std::string> names;
  Variables leaves;
  for (const auto& [name, tensor] : file_.tensors) {
    if (name.starts_with(gradient_of_input)) {
      const auto leaf = leaves_.find(name.substr(gradient_of_input.size()));
      if (leaf == leaves_.end()) continue;
      leaves.push_back(leaf->second);
    } else if (name.starts_with(gradient_of_weight) && params != nullptr) {
      leaves.push_back(params->at(name.substr(gradient_of_weight.size())));
    } else {
      continue;
    }
    names.push_back(name);
  }
  if (leaves.empty()) return;
  const Variable differentiated = loss.defined() ? loss : seeded_sum(outputs);
  check(differentiated.defined(), "[golden] there are gradients to check but no seed.* to say of what");
  const Variables gradients = grad(differentiated, leaves);
  for (size_t k = 0; k < names.size(); ++k) add(names[k], how, gradients[k].value(), tolerance_);
}

void GoldenCase::compare_indices(const std::string& how, const std::string& name, const Tensor& computed) {
  if (file_.has("out." + name)) add("out." + name, how, computed, 0);
}

void GoldenCase::add(const std::string& tensor, const std::string& how, const Tensor& computed, double tolerance) {
  used_tensors_.insert(tensor);
  GoldenResult result{
      .name = name_, .tensor = how.empty() ? tensor : tensor + " (" + how + ")", .tolerance = tolerance};
  const Tensor& expected = file_.at(tensor);
  if (!computed.defined() || !same_shape(computed.shape(), expected.shape())) {
    result.error = infinity;
    result.reason = "expected " + expected.shape().str() + ", computed " +
                    (computed.defined() ? computed.shape().str() : "nothing");
  } else if (expected.numel() == 0) {
    result.error = infinity;
    result.reason = "nothing to compare";
  } else {
    result.error =
        computed.dtype() == DType::i32 ? share_of_differences(computed, expected) : relative_error(computed, expected);
    result.passed = result.error <= tolerance;
  }
  results_.push_back(std::move(result));
}

std::vector<GoldenResult> GoldenCase::finish() {
  const auto refuse = [&](const std::string& tensor, const std::string& reason) {
    results_.push_back({.name = name_, .tensor = tensor, .error = infinity, .tolerance = tolerance_, .reason = reason});
  };
  for (const auto& [name, tensor] : file_.tensors) {
    if (!used_tensors_.contains(name)) refuse(name, "case '" + kind_ + "' does not use or check it");
  }
  for (const auto& argument : args_.items()) {
    if (!used_args_.contains(argument.key()))
      refuse("-", "case '" + kind_ + "' has no argument '" + argument.key() + "'");
  }
  if (results_.empty()) refuse("-", "the file expects nothing");
  return std::move(results_);
}

std::vector<GoldenResult> run_golden_case(const std::filesystem::path& file, const GoldenArithmetic& arithmetic) {
  const auto results_of = [](GoldenCase c) {
    const auto kind = golden_kind_table().find(c.kind());
    check(kind != golden_kind_table().end(), "[golden] unknown case '", c.kind(), "'");
    kind->second(c);
    return c.finish();
  };
  try {
    if (arithmetic.dtype == DType::f64) return results_of(GoldenCase(file, DType::f64, arithmetic.device));
    constexpr int disturbances = 3;
    const double allowance = arithmetic.precision == Precision::highest ? 128 : 16;
    const double stored = 64 * rounding(Precision::highest);
    const std::vector<GoldenResult> exact = results_of(GoldenCase(file, DType::f64, {}));
    std::vector<std::vector<GoldenResult>> disturbed;
    for (uint64_t draw = 0; draw < disturbances; ++draw) {
      disturbed.push_back(results_of(GoldenCase(file, DType::f64, {}, {rounding(arithmetic.precision), draw})));
    }
    const WithPrecision in_force(arithmetic.precision);
    std::vector<GoldenResult> results = results_of(GoldenCase(file, DType::f32, arithmetic.device));
    for (size_t k = 0; k < results.size(); ++k) {
      GoldenResult& r = results[k];
      if (!r.reason.empty()) continue;
      if (!exact.at(k).passed) {  // a wrong expectation or definition would pass for ill-conditioned
        r = exact[k];
        continue;
      }
      const bool indices = r.tolerance == 0;
      r.tolerance = std::max(r.tolerance, indices ? share_of_ties(arithmetic.precision) : stored);
      for (const auto& run : disturbed) r.tolerance = std::max(r.tolerance, allowance * run.at(k).error);
      r.passed = std::isfinite(r.error) && r.error <= r.tolerance;
      r.meaningless = r.tolerance > 0.5;
    }
    return results;
  } catch (const std::exception& error) {
    return {{.name = file.stem().string(), .tensor = "-", .error = infinity, .reason = error.what()}};
  }
}

std::vector<std::filesystem::path> golden_files(const std::filesystem::path& path) {
  check(std::filesystem::exists(path), "[golden] ", path.string(), ": no such file or folder");
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file() && entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  check(!files.empty(), "[golden] ", path.string(), ": the folder holds no .safetensors file");
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> golden_kinds() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : golden_kind_table()) names.push_back(name);
  return names;
}

}  // namespace lacuna
