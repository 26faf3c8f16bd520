#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "tensor/check.h"
#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace lacuna {

/// Memory with a shape: a handle to shared storage, always contiguous, innermost axis last. Copying a
/// Tensor copies the handle; clone() copies the elements. Arithmetic lives in ops/.
class Tensor {
 public:
  /// An undefined tensor, which only defined() may be asked of.
  Tensor() = default;

  /// Uninitialised elements.
  explicit Tensor(Shape shape, DType dtype = DType::f32, Device device = {});

  static Tensor zeros(Shape shape, DType dtype = DType::f32, Device device = {});
  /// Every element set to `value`, rounded to dtype.
  static Tensor full(Shape shape, double value, DType dtype = DType::f32, Device device = {});
  /// A rank-0 tensor.
  static Tensor scalar(double value, DType dtype = DType::f32) { return full({}, value, dtype); }
  /// The given elements in row-major order; throws if their count is not shape.numel().
  template <class T>
  static Tensor from(Shape shape, const std::vector<T>& values);

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t dim(int axis) const { return shape_.dim(axis); }
  int64_t numel() const { return shape_.numel(); }
  int64_t nbytes() const { return numel() * size_of(dtype_); }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }

  /// The elements; throws if T is not the tensor's element type, or if they lie on another device than the kernel that
  /// runs (outside kernels: than the CPU).
  template <class T>
  T* data() {
    check_access(dtype_of<T>());
    return static_cast<T*>(storage_.get());
  }
  template <class T>
  const T* data() const {
    check_access(dtype_of<T>());
    return static_cast<const T*>(storage_.get());
  }
  /// The address of the first element, whatever its type and device.
  void* raw() { return storage_.get(); }
  const void* raw() const { return storage_.get(); }

  /// The same storage under another shape of as many elements.
  Tensor reshaped(const Shape& shape) const;
  Tensor clone() const;
  /// Converted elements (rounded to nearest; to u8 and i32 also clamped to the range). The tensor itself if it has that
  /// type already.
  Tensor to(DType dtype) const;
  /// The elements on another device. The tensor itself if it is there already.
  Tensor to(Device device) const;

  /// The one element as a double; throws if there is not exactly one.
  double item() const;
  /// Element `index` in row-major order as a double, on any element type (slow: for tests and reports).
  double at(int64_t index) const;
  std::vector<double> to_vector() const;

 private:
  void check_access(DType requested) const;

  std::shared_ptr<void> storage_;
  Shape shape_;
  DType dtype_ = DType::f32;
  Device device_;
};

/// An uninitialised tensor of the same shape, type and device.
inline Tensor empty_like(const Tensor& x) { return Tensor(x.shape(), x.dtype(), x.device()); }

template <class T>
Tensor Tensor::from(Shape shape, const std::vector<T>& values) {
  check(static_cast<int64_t>(values.size()) == shape.numel(), "[tensor] ", values.size(), " values given for shape ",
        shape);
  Tensor t(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), t.data<T>());
  return t;
}

}  // namespace lacuna
