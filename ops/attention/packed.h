#pragma once

#include <functional>

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels::attention {

/// A matrix (depth x columns) laid out once for many products in which it is the right operand. f32 is multiplied at
/// the stream's precision.
template <class T>
class PackedMatrix {
 public:
  /// Writes rows [begin, end) of the matrix one after the other; called from several threads.
  using Rows = std::function<void(int64_t begin, int64_t end, T* rows)>;

  PackedMatrix() = default;
  PackedMatrix(const CpuStream& stream, int64_t depth, int64_t columns, const Rows& rows);

  /// y (rows x columns) = a (rows x depth) times the matrix, on the calling thread; elements from a row to the next are
  /// a_step and y_step.
  void multiply(const T* a, int64_t a_step, int64_t rows, T* y, int64_t y_step) const;

 private:
  void multiply_reduced(const T* a, int64_t a_step, int64_t rows, T* y, int64_t y_step) const;

  int64_t depth_ = 0, columns_ = 0;
  CpuStream stream_;
  const void* unit_ = nullptr;  // what multiplies in reduced precision, if that is wanted
  Tensor packed_;
};

}  // namespace lacuna::kernels::attention
