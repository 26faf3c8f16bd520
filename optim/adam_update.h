#pragma once

#include <cstdint>

namespace lacuna {

/// The numbers of one update; `rate` already holds the corrections for the means' start at zero.
struct AdamStep {
  double beta1, beta2, epsilon, rate;
};

/// Adam's update of n parameters p and their moments m and v for the gradients g, compiled for one instruction set.
/// The same bits whatever that is.
template <class T>
using AdamUpdate = void (*)(const AdamStep& step, int64_t n, const T* g, T* m, T* v, T* p);

extern const AdamUpdate<float> adam_update_portable_f32, adam_update_avx2_f32, adam_update_avx512_f32;
extern const AdamUpdate<double> adam_update_portable_f64, adam_update_avx2_f64, adam_update_avx512_f64;

}  // namespace lacuna
