#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tensor/tensor.h"

namespace lacuna::test {

/// Largest |a - b| / max(1, largest |b|) over all elements; infinite if a shape differs or a value is NaN on one side
/// only.
double relative_error(const Tensor& a, const Tensor& b);

/// Whether both have the same shape, type and bytes.
bool same_bits(const Tensor& a, const Tensor& b);

/// <a, b> in f64.
double inner(const Tensor& a, const Tensor& b);

/// The message of the Error that f throws; "" if it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace lacuna::test

/// Checks that two tensors agree to a relative error, and shows the error where they do not.
#define CHECK_CLOSE(actual, expected, tolerance) CHECK(lacuna::test::relative_error(actual, expected) <= (tolerance))
