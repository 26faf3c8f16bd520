#include "optim/adam.h"

#include <cmath>

#include "optim/kernels.h"
#include "tensor/stream.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

/// A kernel's sums over each of the tensors.
template <class Kernel>
std::vector<double> sums_of(const std::vector<Tensor>& tensors, Kernel kernel) {
  std::vector<double> sums(tensors.size(), 0.0);
  if (tensors.empty()) return sums;
  Tensor parts({static_cast<int64_t>(tensors.size()), kernels::sum_parts}, DType::f64, tensors[0].device());
  on(parts.device(), [&](auto& stream) { kernel(stream, parts); });
  const std::vector<double> values = parts.to(Device{}).to_vector();
  for (size_t i = 0; i < values.size(); ++i) sums[i / static_cast<size_t>(kernels::sum_parts)] += values[i];
  return sums;
}

}  // namespace

Adam::Adam(Named parameters, const AdamOptions& options) : options_(options), parameters_(std::move(parameters)) {
  check(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
        "[adam] the betas must be in [0, 1), not ", options.beta1, " and ", options.beta2);
  check(options.epsilon > 0, "[adam] epsilon must be positive, not ", options.epsilon);
  check_parameters("adam", parameters_);
  for (const auto& [name, parameter] : parameters_) {
    values_.push_back(parameter);
    means_.push_back(Tensor::zeros(parameter.shape(), parameter.dtype(), parameter.device()));
    squares_.push_back(Tensor::zeros(parameter.shape(), parameter.dtype(), parameter.device()));
  }
}

void Adam::step(const std::vector<Tensor>& gradients, double lr) {
  const TraceSpan span("Adam");
  check_gradients("adam", parameters_, gradients);
  ++updates_;
  const double t = static_cast<double>(updates_);
  const double rate = lr * std::sqrt(1 - std::pow(options_.beta2, t)) / (1 - std::pow(options_.beta1, t));
  const AdamStep numbers{options_.beta1, options_.beta2, options_.epsilon, rate};
  if (values_.empty()) return;
  on(values_[0].device(), [&](auto& stream) { kernels::adam(stream, numbers, gradients, means_, squares_, values_); });
}

Adam::Named Adam::state() const {
  Named state{{"updates", Tensor::from<int32_t>({}, {static_cast<int32_t>(updates_)})}};
  for (size_t k = 0; k < parameters_.size(); ++k) {
    state.emplace_back("m/" + parameters_[k].first, means_[k]);
    state.emplace_back("v/" + parameters_[k].first, squares_[k]);
  }
  return state;
}

void Adam::load(const Named& state) {
  const Named own = this->state();
  copy_state("adam", state, own);
  updates_ = static_cast<int64_t>(own[0].second.item());
}

std::optional<size_t> first_not_finite(const std::vector<Tensor>& tensors) {
  const std::vector<double> counts =
      sums_of(tensors, [&](auto& stream, Tensor& sums) { kernels::count_not_finite(stream, tensors, sums); });
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] > 0) return k;
  }
  return std::nullopt;
}

double global_norm(const std::vector<Tensor>& tensors) {
  double all = 0;
  for (const double sum :
       sums_of(tensors, [&](auto&stream, Tensor&sums) { kernels::sum_squares(stream, tensors, sums); })) {
    all += sum;
  }
  return std::sqrt(all);
}

std::vector<Tensor> clip_by_global_norm(const std::vector<Tensor>& gradients, double max_norm) {
  check(max_norm > 0, "[clip_by_global_norm] the largest norm must be positive, not ", max_norm);
  const double norm = global_norm(gradients);
  if (!(norm > max_norm)) return gradients;
  // New tensors: gradients may share their storage with each other.
  std::vector<Tensor> clipped;
  for (const Tensor& g : gradients) clipped.push_back(empty_like(g));
  on(gradients[0].device(), [&](auto& stream) { kernels::scale(stream, max_norm / norm, gradients, clipped); });
  return clipped;
}

}  // namespace lacuna
