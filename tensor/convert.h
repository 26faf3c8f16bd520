#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna {

namespace detail {
template <class T>
inline constexpr double lowest_of = std::numeric_limits<T>::lowest();
template <class T>
inline constexpr double largest_of = std::numeric_limits<T>::max();
}  // namespace detail

/// x as an element of type T: rounded to nearest; to integers also clamped to the range, NaN being 0.
template <class T>
LACUNA_HD T convert(double x) {
  if constexpr (std::is_same_v<T, bf16>) {
    return bf16(static_cast<float>(x));
  } else if constexpr (std::is_integral_v<T>) {
    constexpr double lowest = detail::lowest_of<T>, largest = detail::largest_of<T>;
    const double whole = x != x ? 0.0 : nearbyint(x);
    return static_cast<T>(whole < lowest ? lowest : whole > largest ? largest : whole);
  } else {
    return static_cast<T>(x);
  }
}

template <class T>
LACUNA_HD double widen(T x) {
  if constexpr (std::is_same_v<T, bf16>) {
    return static_cast<float>(x);
  } else {
    return static_cast<double>(x);
  }
}

namespace functors {

template <class T>
struct Fill {
  T* y;
  T value;

  LACUNA_HD void operator()(int64_t i) const { y[i] = value; }
};

template <class From, class To>
struct Convert {
  const From* x;
  To* y;

  LACUNA_HD void operator()(int64_t i) const { y[i] = convert<To>(widen(x[i])); }
};

}  // namespace functors

namespace kernels {

/// Every element of y set to value.
void fill(const CpuStream& stream, double value, Tensor& y);
void fill(const CudaStream& stream, double value, Tensor& y);
/// y = x in y's element type.
void convert(const CpuStream& stream, const Tensor& x, Tensor& y);
void convert(const CudaStream& stream, const Tensor& x, Tensor& y);

}  // namespace kernels
}  // namespace lacuna
