#pragma once

#include "ops/pointwise/functors.h"

/// The activations on one value: host+device code that the family's kernels and the epilogue of conv2d_bias_act share.
namespace lacuna::functors {

template <class T>
LACUNA_HD T elu(T x) {
  const T e = exp(x) - 1;
  return x > 0 ? x : e;
}

template <class T>
LACUNA_HD T elu_grad(T g, T y) {
  return y > 0 ? g : g * (y + 1);
}

template <class T>
LACUNA_HD T leaky_relu(T x, T slope) {
  return x > 0 ? x : slope * x;
}

/// NaN stays NaN, so that a diverged run is noticed.
template <class T>
LACUNA_HD T clip(T x, T lo, T hi) {
  return x < lo ? lo : (x > hi ? hi : x);
}

// The same as types, so that loops can be compiled for each.

struct Elu {
  template <class T>
  LACUNA_HD T operator()(T x) const {
    return functors::elu(x);
  }
};

struct EluGrad {
  template <class T>
  LACUNA_HD T operator()(T g, T y) const {
    return functors::elu_grad(g, y);
  }
};

template <class T>
struct LeakyRelu {
  T slope;

  LACUNA_HD T operator()(T x) const { return functors::leaky_relu(x, slope); }
};

template <class T>
struct Clip {
  T lo, hi;

  LACUNA_HD T operator()(T x) const { return functors::clip(x, lo, hi); }
};

/// g gated by x.
template <class T>
struct GateBy {
  T lo, hi, inside, outside;

  LACUNA_HD T operator()(T g, T x) const { return g * (lo <= x && x <= hi ? inside : outside); }
};

}  // namespace lacuna::functors
