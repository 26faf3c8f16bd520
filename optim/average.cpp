#include "optim/average.h"

#include <cmath>

#include "optim/optimizer.h"

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
  const Named own = this->state();
  copy_state("average", state, own);
  updates_ = static_cast<int64_t>(own[0].second.item());
}

}  // namespace lacuna
