#include "optim/adam.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "tensor/stream.h"

namespace lacuna {
namespace {

constexpr int64_t grain = 1 << 15;

template <class T>
void update(const CpuStream& stream, const Tensor& gradient, const AdamOptions& options, double rate, Tensor& parameter,
            Tensor& mean, Tensor& square) {
  const T b1 = static_cast<T>(options.beta1), b2 = static_cast<T>(options.beta2);
  const T a1 = static_cast<T>(1 - options.beta1), a2 = static_cast<T>(1 - options.beta2);
  const T lr = static_cast<T>(rate), epsilon = static_cast<T>(options.epsilon);
  const T* g = gradient.data<T>();
  T *p = parameter.data<T>(), *m = mean.data<T>(), *v = square.data<T>();
  parallel_for(stream, parameter.numel(), grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      m[i] = b1 * m[i] + a1 * g[i];
      v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
      p[i] -= lr * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  });
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
}

void Adam::step(const std::vector<Tensor>& gradients, double lr) {
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
  for (size_t k = 0; k < gradients.size(); ++k) {
    Tensor& parameter = parameters_[k].second;
    on(parameter.device(), [&](auto& stream) {
      visit_float(parameter.dtype(), "adam", [&]<class T>(T) {
        update<T>(stream, gradients[k], options_, rate, parameter, means_[k], squares_[k]);
      });
    });
  }
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

double global_norm(const std::vector<Tensor>& tensors) {
  double total = 0;
  for (const Tensor& x : tensors) {
    std::vector<double> blocks(static_cast<size_t>((x.numel() + grain - 1) / grain), 0.0);
    on(x.device(), [&](auto& stream) {
      visit_float(x.dtype(), "global_norm", [&]<class T>(T) {
        const T* values = x.data<T>();
        parallel_for(stream, x.numel(), grain, [&](int64_t begin, int64_t end) {
          double sum = 0;
          for (int64_t i = begin; i < end; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
          blocks[static_cast<size_t>(begin / grain)] = sum;
        });
      });
    });
    for (const double block : blocks) total += block;
  }
  return std::sqrt(total);
}

std::vector<Tensor> clip_by_global_norm(const std::vector<Tensor>& gradients, double max_norm) {
  check(max_norm > 0, "[clip_by_global_norm] the largest norm must be positive, not ", max_norm);
  const double norm = global_norm(gradients);
  if (!(norm > max_norm)) return gradients;
  // New tensors: gradients may share their storage with each other.
  std::vector<Tensor> clipped;
  for (const Tensor& g : gradients) {
    Tensor scaled = empty_like(g);
    on(g.device(), [&](auto& stream) {
      visit_float(g.dtype(), "clip_by_global_norm", [&]<class T>(T) {
        const T factor = static_cast<T>(max_norm / norm);
        const T* x = g.data<T>();
        T* y = scaled.data<T>();
        parallel_for(stream, g.numel(), grain, [=](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) y[i] = factor * x[i];
        });
      });
    });
    clipped.push_back(scaled);
  }
  return clipped;
}

}  // namespace lacuna
