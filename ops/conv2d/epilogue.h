#pragma once

#include <cstdint>

#include "ops/activation/functors.h"
#include "ops/conv2d/conv2d.h"

namespace lacuna::kernels {

/// What happens to a finished sum before it is stored.
template <class T>
struct Epilogue {
  const T* bias = nullptr;
  Activation activation;

  void operator()(const T* sums, int64_t channel, int64_t count, T* y) const {
    for (int64_t j = 0; j < count; ++j) y[j] = bias ? sums[j] + bias[channel + j] : sums[j];
    using Kind = Activation::Kind;
    const T slope = static_cast<T>(activation.kind == Kind::relu ? 0 : activation.slope);
    switch (activation.kind) {
      case Kind::none:
        return;
      case Kind::elu:
        for (int64_t j = 0; j < count; ++j) y[j] = functors::elu(y[j]);
        return;
      case Kind::relu:
      case Kind::leaky_relu:
        for (int64_t j = 0; j < count; ++j) y[j] = functors::leaky_relu(y[j], slope);
        return;
    }
  }
};

}  // namespace lacuna::kernels
