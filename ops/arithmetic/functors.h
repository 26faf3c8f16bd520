#pragma once

#include "tensor/functor.h"

/// The binary operations on one pair of values, as types so that loops can be compiled for each.
namespace lacuna::functors {

struct Add {
  template <class T>
  LACUNA_HD T operator()(T a, T b) const {
    return a + b;
  }
};

struct Sub {
  template <class T>
  LACUNA_HD T operator()(T a, T b) const {
    return a - b;
  }
};

struct Mul {
  template <class T>
  LACUNA_HD T operator()(T a, T b) const {
    return a * b;
  }
};

struct Div {
  template <class T>
  LACUNA_HD T operator()(T a, T b) const {
    return a / b;
  }
};

template <class T>
struct Affine {
  T factor, offset;

  LACUNA_HD T operator()(T x) const { return factor * x + offset; }
};

}  // namespace lacuna::functors
