#include "optim/adam.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "optim/adam_update.h"
#include "tensor/cpu_level.h"
#include "tensor/stream.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

constexpr int64_t block_elements = 1 << 15;

/// All elements of all tensors in blocks of at most block_elements, in order.
std::vector<TensorBlock> blocks_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorBlock> blocks;
  for (size_t k = 0; k < tensors.size(); ++k) {
    for (int64_t begin = 0; begin < tensors[k].numel(); begin += block_elements) {
      blocks.push_back({k, begin, std::min(tensors[k].numel(), begin + block_elements)});
    }
  }
  return blocks;
}

/// Calls f(index of the block, block) on the threads, for all tensors at once.
template <class F>
void for_each_block(const std::vector<TensorBlock>& blocks, const std::vector<Tensor>& tensors, F f) {
  if (blocks.empty()) return;
  on(tensors[0].device(), [&](auto& stream) {
    parallel_for(stream, static_cast<int64_t>(blocks.size()), 1,
                 [&](int64_t b, int64_t) { f(static_cast<size_t>(b), blocks[static_cast<size_t>(b)]); });
  });
}

template <class T>
AdamUpdate<T> of_level(AdamUpdate<T> portable, [[maybe_unused]] AdamUpdate<T> avx2,
                       [[maybe_unused]] AdamUpdate<T> avx512) {
#ifdef __x86_64__
  if (cpu_level() >= CpuLevel::avx512) return avx512;
  if (cpu_level() >= CpuLevel::avx2) return avx2;
#endif
  return portable;
}

AdamUpdate<float> adam_update(float) {
  return of_level(adam_update_portable_f32, adam_update_avx2_f32, adam_update_avx512_f32);
}
AdamUpdate<double> adam_update(double) {
  return of_level(adam_update_portable_f64, adam_update_avx2_f64, adam_update_avx512_f64);
}

void copy(const Tensor& from, Tensor to) {
  visit_float(to.dtype(), "adam", [&]<class T>(T) { std::copy_n(from.data<T>(), from.numel(), to.data<T>()); });
}

}  // namespace

Adam::Adam(Named parameters, const AdamOptions& options) : options_(options), parameters_(std::move(parameters)) {
  check(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
        "[adam] the betas must be in [0, 1), not ", options.beta1, " and ", options.beta2);
  check(options.epsilon > 0, "[adam] epsilon must be positive, not ", options.epsilon);
  std::set<std::string> names;
  for (const auto& [name, parameter] : parameters_) {
    check(parameter.dtype() == DType::f32 || parameter.dtype() == DType::f64, "[adam] ", name, " is ",
          name_of(parameter.dtype()), "; only f32 and f64 can be trained");
    check(names.insert(name).second, "[adam] two parameters are named ", name);
    means_.push_back(Tensor::zeros(parameter.shape(), parameter.dtype(), parameter.device()));
    squares_.push_back(Tensor::zeros(parameter.shape(), parameter.dtype(), parameter.device()));
  }
  blocks_ = blocks_of(means_);
}

void Adam::step(const std::vector<Tensor>& gradients, double lr) {
  const TraceSpan span("Adam");
  check(gradients.size() == parameters_.size(), "[adam] ", gradients.size(), " gradients for ", parameters_.size(),
        " parameters");
  for (size_t k = 0; k < gradients.size(); ++k) {
    const auto& [name, parameter] = parameters_[k];
    check(gradients[k].shape() == parameter.shape() && gradients[k].dtype() == parameter.dtype(),
          "[adam] the gradient of ", name, " is ", gradients[k].shape(), " ", name_of(gradients[k].dtype()),
          ", the parameter ", parameter.shape(), " ", name_of(parameter.dtype()));
  }
  ++updates_;
  const double t = static_cast<double>(updates_);
  const double rate = lr * std::sqrt(1 - std::pow(options_.beta2, t)) / (1 - std::pow(options_.beta1, t));
  const AdamStep numbers{options_.beta1, options_.beta2, options_.epsilon, rate};
  for_each_block(blocks_, means_, [&](size_t, const TensorBlock& block) {
    const size_t k = block.tensor;
    visit_float(means_[k].dtype(), "adam", [&]<class T>(T) {
      const auto from = [&](Tensor& x) { return x.data<T>() + block.begin; };
      adam_update(T{})(numbers, block.end - block.begin, gradients[k].data<T>() + block.begin, from(means_[k]),
                       from(squares_[k]), from(parameters_[k].second));
    });
  });
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
  const std::map<std::string, Tensor> given(state.begin(), state.end());
  const Named own = this->state();
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    check(found != given.end(), "[adam] the state lacks ", name);
    check(found->second.shape() == tensor.shape() && found->second.dtype() == tensor.dtype(), "[adam] ", name,
          " is saved as ", found->second.shape(), " ", name_of(found->second.dtype()), " but must be ", tensor.shape(),
          " ", name_of(tensor.dtype()));
  }
  check(given.size() == own.size(), "[adam] the state holds ", given.size(), " tensors, ", own.size(), " are known");
  for (const auto& [name, tensor] : own) {
    if (name != "updates") copy(given.at(name), tensor);
  }
  updates_ = static_cast<int64_t>(given.at("updates").item());
}

std::optional<size_t> first_not_finite(const std::vector<Tensor>& tensors) {
  const std::vector<TensorBlock> blocks = blocks_of(tensors);
  std::vector<unsigned char> bad(blocks.size(), 0);
  for_each_block(blocks, tensors, [&](size_t b, const TensorBlock& block) {
    visit_float(tensors[block.tensor].dtype(), "first_not_finite", [&]<class T>(T) {
      const T* values = tensors[block.tensor].data<T>();
      int beyond = 0;  // without a way out of the loop, so that it vectorises
      for (int64_t i = block.begin; i < block.end; ++i) {
        beyond |= !(std::abs(values[i]) <= std::numeric_limits<T>::max());
      }
      bad[b] = beyond != 0;
    });
  });
  const auto first = std::find(bad.begin(), bad.end(), 1);
  if (first == bad.end()) return std::nullopt;
  return blocks[static_cast<size_t>(first - bad.begin())].tensor;
}

double global_norm(const std::vector<Tensor>& tensors) {
  const std::vector<TensorBlock> blocks = blocks_of(tensors);
  std::vector<double> sums(blocks.size(), 0.0);
  for_each_block(blocks, tensors, [&](size_t b, const TensorBlock& block) {
    visit_float(tensors[block.tensor].dtype(), "global_norm", [&]<class T>(T) {
      const T* values = tensors[block.tensor].data<T>();
      constexpr int64_t lanes = 16;  // sums side by side, so that the loop vectorises
      double side[lanes] = {};
      int64_t i = block.begin;
      for (; i + lanes <= block.end; i += lanes) {
        for (int64_t k = 0; k < lanes; ++k)
          side[k] += static_cast<double>(values[i + k]) * static_cast<double>(values[i + k]);
      }
      for (; i < block.end; ++i) side[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
      sums[b] = std::accumulate(std::begin(side), std::end(side), 0.0);
    });
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

std::vector<Tensor> clip_by_global_norm(const std::vector<Tensor>& gradients, double max_norm) {
  check(max_norm > 0, "[clip_by_global_norm] the largest norm must be positive, not ", max_norm);
  const double norm = global_norm(gradients);
  if (!(norm > max_norm)) return gradients;
  // New tensors: gradients may share their storage with each other.
  std::vector<Tensor> clipped;
  for (const Tensor& g : gradients) clipped.push_back(empty_like(g));
  for_each_block(blocks_of(gradients), gradients, [&](size_t, const TensorBlock& block) {
    visit_float(gradients[block.tensor].dtype(), "clip_by_global_norm", [&]<class T>(T) {
      const T factor = static_cast<T>(max_norm / norm);
      const T* x = gradients[block.tensor].data<T>();
      T* y = clipped[block.tensor].data<T>();
      for (int64_t i = block.begin; i < block.end; ++i) y[i] = factor * x[i];
    });
  });
  return clipped;
}

}  // namespace lacuna
