#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/functor.h"

/// The functions on one value, host+device. NaN stays NaN in all of them.
namespace lacuna::functors {

/// What exp needs to know about a type: e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2.
template <class T>
struct ExpTraits;

template <>
struct ExpTraits<float> {
  using Bits = uint32_t;
  static constexpr int mantissa = 23, terms = 7;                           // Taylor's remainder is below 2^-27
  static constexpr float lowest = -104, highest = 89;                      // beyond these the result is 0 and infinity
  static constexpr float ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f;  // n ln2_hi is exact
};

template <>
struct ExpTraits<double> {
  using Bits = uint64_t;
  static constexpr int mantissa = 52, terms = 13;  // below 2^-57
  static constexpr double lowest = -746, highest = 710;
  static constexpr double ln2_hi = 6.93145751953125e-1, ln2_lo = 1.42860682030941723212e-6;
};

LACUNA_HD constexpr double factorial(int k) { return k <= 1 ? 1 : k * factorial(k - 1); }

/// The terms r^(i-k) / i! of the exponential series for i = k .. last, by Horner's rule.
template <int k, int last, class T>
LACUNA_HD T exp_series(T r) {
  constexpr T coefficient = static_cast<T>(1 / factorial(k));
  if constexpr (k == last) {
    return coefficient;
  } else {
    return coefficient + r * exp_series<k + 1, last>(r);
  }
}

/// 2^n for a whole n within the exponents of normal numbers.
template <class T>
LACUNA_HD T power_of_two(T n) {
  using Bits = typename ExpTraits<T>::Bits;
  constexpr int mantissa = ExpTraits<T>::mantissa;
  constexpr T shifter = T(1.5) * static_cast<T>(Bits{1} << mantissa);  // puts a whole number into the lowest bits
  return bit_cast<T>((bit_cast<Bits>(n + shifter) << mantissa) + bit_cast<Bits>(T(1)));
}

/// e^x within about one unit in the last place, down to the denormals. Without branches or calls, so that loops over it
/// vectorise.
template <class T>
LACUNA_HD inline T exp(T x) {
  using Traits = ExpTraits<T>;
  constexpr T shifter = T(1.5) * static_cast<T>(typename Traits::Bits{1} << Traits::mantissa);
  x = x < Traits::lowest ? Traits::lowest : (x > Traits::highest ? Traits::highest : x);
  const T n = (x * T(1.44269504088896340736) + shifter) - shifter;  // rounds to a whole number
  const T r = (x - n * Traits::ln2_hi) - n * Traits::ln2_lo;
  const T half = (n * T(0.5) + shifter) - shifter;  // two factors, as 2^n itself may be out of range
  return exp_series<0, Traits::terms>(r) * power_of_two(half) * power_of_two(n - half);
}

template <class T>
LACUNA_HD T rsqrt(T x) {
  return x == 0 ? T(0) : 1 / std::sqrt(x);
}

template <class T>
LACUNA_HD T sign(T x) {
  return x > 0 ? T(1) : (x < 0 ? T(-1) : x);
}

template <class T>
LACUNA_HD T sigmoid(T x) {
  return 1 / (1 + functors::exp(-x));
}

template <class T>
LACUNA_HD T softplus(T x) {
  return (x < 0 ? 0 : x) + std::log1p(functors::exp(-std::abs(x)));
}

template <class T>
LACUNA_HD T tanh(T x) {
  return std::tanh(x);
}

// As types, so that loops can be compiled for each.

struct Exp {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::exp(x);
  }
};

struct Log {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return std::log(x);
  }
};

struct Sqrt {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return std::sqrt(x);
  }
};

struct Rsqrt {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::rsqrt(x);
  }
};

struct Square {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return x * x;
  }
};

struct Abs {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return std::abs(x);
  }
};

struct Sign {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::sign(x);
  }
};

struct Sigmoid {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::sigmoid(x);
  }
};

struct Softplus {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::softplus(x);
  }
};

struct Tanh {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::tanh(x);
  }
};

}  // namespace lacuna::functors
