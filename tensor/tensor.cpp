#include "tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tensor/memory.h"

namespace lacuna {
namespace {

template <class T>
T convert(double x) {
  if constexpr (std::is_same_v<T, bf16>) {
    return bf16(static_cast<float>(x));
  } else if constexpr (std::is_integral_v<T>) {
    const double lowest = std::numeric_limits<T>::lowest(), highest = std::numeric_limits<T>::max();
    return static_cast<T>(std::isnan(x) ? 0.0 : std::clamp(std::nearbyint(x), lowest, highest));
  } else {
    return static_cast<T>(x);
  }
}

template <class T>
double widen(T x) {
  if constexpr (std::is_same_v<T, bf16>) {
    return static_cast<float>(x);
  } else {
    return static_cast<double>(x);
  }
}

}  // namespace

Tensor::Tensor(Shape shape, DType dtype, Device device)
    : storage_(allocate(shape.numel() * size_of(dtype), device)), shape_(shape), dtype_(dtype), device_(device) {}

Tensor Tensor::zeros(Shape shape, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  std::memset(t.raw(), 0, static_cast<size_t>(t.nbytes()));  // all-zero bits are 0 in every element type
  return t;
}

Tensor Tensor::full(Shape shape, double value, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  visit_any(dtype, [&]<class T>(T) { std::fill_n(t.data<T>(), t.numel(), convert<T>(value)); });
  return t;
}

Tensor Tensor::reshaped(const Shape& shape) const {
  check(shape.numel() == numel(), "[reshape] ", shape_, " has ", numel(), " elements and cannot become ", shape);
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::clone() const {
  Tensor t(shape_, dtype_, device_);
  std::memcpy(t.raw(), raw(), static_cast<size_t>(nbytes()));
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t(shape_, dtype, device_);
  visit_any(dtype_, [&]<class From>(From) {
    visit_any(dtype, [&]<class To>(To) {
      const From* x = data<From>();
      std::transform(x, x + numel(), t.data<To>(), [](From v) { return convert<To>(widen(v)); });
    });
  });
  return t;
}

double Tensor::item() const {
  check(numel() == 1, "[tensor] item() needs one element, the shape is ", shape_);
  return at(0);
}

double Tensor::at(int64_t index) const {
  check(index >= 0 && index < numel(), "[tensor] there is no element ", index, " in ", shape_);
  double value = 0;
  visit_any(dtype_, [&]<class T>(T) { value = widen(data<T>()[index]); });
  return value;
}

std::vector<double> Tensor::to_vector() const {
  const Tensor wide = to(DType::f64);
  return {wide.data<double>(), wide.data<double>() + numel()};
}

void Tensor::check_type(DType requested) const {
  check(defined(), "[tensor] an undefined tensor has no elements");
  check(requested == dtype_, "[tensor] the elements are ", name_of(dtype_), ", not ", name_of(requested));
}

}  // namespace lacuna
