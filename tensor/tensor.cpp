#include "tensor/tensor.h"

#include <algorithm>

#include "tensor/convert.h"
#include "tensor/memory.h"

namespace lacuna {
Tensor::Tensor(Shape shape, DType dtype, Device device)
    : storage_(allocate(shape.numel() * size_of(dtype), device)), shape_(shape), dtype_(dtype), device_(device) {}

Tensor Tensor::zeros(Shape shape, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  zero_memory(t.raw(), device, t.nbytes());  // all-zero bits are 0 in every element type
  return t;
}

Tensor Tensor::full(Shape shape, double value, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  on(device, [&](auto& stream) { kernels::fill(stream, value, t); });
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
  copy_memory(t.raw(), device_, raw(), device_, nbytes());
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t(shape_, dtype, device_);
  on(device_, [&](auto& stream) { kernels::convert(stream, *this, t); });
  return t;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  Tensor t(shape_, dtype_, device);
  copy_memory(t.raw(), device, raw(), device_, nbytes());
  return t;
}

double Tensor::item() const {
  check(numel() == 1, "[tensor] item() needs one element, the shape is ", shape_);
  return at(0);
}

double Tensor::at(int64_t index) const {
  check(index >= 0 && index < numel(), "[tensor] there is no element ", index, " in ", shape_);
  double value = 0;
  visit_any(dtype_, [&]<class T>(T) {
    T element;
    copy_memory(&element, {}, static_cast<const T*>(raw()) + index, device_, sizeof(T));
    value = widen(element);
  });
  return value;
}

std::vector<double> Tensor::to_vector() const {
  const Tensor wide = to(Device{}).to(DType::f64);
  return {wide.data<double>(), wide.data<double>() + numel()};
}

void Tensor::check_access(DType requested) const {
  check(defined(), "[tensor] an undefined tensor has no elements");
  check(requested == dtype_, "[tensor] the elements are ", name_of(dtype_), ", not ", name_of(requested));
  check(device_ == detail::kernel_device, "[tensor] the elements lie on ", device_, " and are asked for on ",
        detail::kernel_device, "; move the tensor with to()");
}

}  // namespace lacuna
