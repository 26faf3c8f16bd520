#include "optim/average.h"

#include <cmath>
#include <map>

namespace lacuna {

MovingAverage::MovingAverage(Named parameters, Named averages, double decay)
    : parameters_(std::move(parameters)), averages_(std::move(averages)), decay_(decay) {
  check(decay > 0 && decay < 1, "[average] the decay must be in (0, 1), not ", decay);
  check(parameters_.size() == averages_.size(), "[average] ", averages_.size(), " averages for ", parameters_.size(),
        " parameters");
  for (size_t k = 0; k < parameters_.size(); ++k) {
    const auto& [name, p] = parameters_[k];
    const Tensor& average = averages_[k].second;
    check(average.shape() == p.shape() && average.dtype() == p.dtype() && average.device() == p.device(),
          "[average] the average of ", name, " is ", average.shape(), " ", name_of(average.dtype()), ", the parameter ",
          p.shape(), " ", name_of(p.dtype()));
  }
}

void MovingAverage::update() {
  ++updates_;
  const double weight = (1 - decay_) / (1 - std::pow(decay_, static_cast<double>(updates_)));
  for (size_t k = 0; k < parameters_.size(); ++k) {
    const Tensor& p = parameters_[k].second;
    on(p.device(), [&](auto& stream) { kernels::blend(stream, weight, p, averages_[k].second); });
  }
}

MovingAverage::Named MovingAverage::state() const {
  Named state{{"updates", Tensor::from<int32_t>({}, {static_cast<int32_t>(updates_)})}};
  for (size_t k = 0; k < parameters_.size(); ++k) {
    state.emplace_back("average/" + parameters_[k].first, averages_[k].second);
  }
  return state;
}

void MovingAverage::load(const Named& state) {
  const std::map<std::string, Tensor> given(state.begin(), state.end());
  const Named own = this->state();
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    check(found != given.end(), "[average] the state lacks ", name);
    check(found->second.shape() == tensor.shape() && found->second.dtype() == tensor.dtype(), "[average] ", name,
          " is saved as ", found->second.shape(), " ", name_of(found->second.dtype()), " but must be ", tensor.shape(),
          " ", name_of(tensor.dtype()));
  }
  check(given.size() == own.size(), "[average] the state holds ", given.size(), " tensors, ", own.size(), " are known");
  updates_ = static_cast<int64_t>(given.at("updates").item());
  for (auto& [name, average] : averages_) {
    const Tensor saved = given.at("average/" + name).to(average.device());
    on(average.device(), [&](auto& stream) { kernels::blend(stream, 1, saved, average); });
  }
}

}  // namespace lacuna
