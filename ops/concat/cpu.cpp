#include <algorithm>
#include <cstring>

#include "ops/concat/kernels.h"
#include "ops/concat/layout.h"

namespace lacuna::kernels {
namespace {

constexpr int64_t block_bytes = 1 << 16;
constexpr int64_t tile = 16;  // a row of an f32 tile is one cache line

// Rows of one or a few elements, for which a call of memcpy each would take longer than the copy.
template <size_t bytes>
void copy_short_rows(const std::byte* x, int64_t x_pitch, std::byte* y, int64_t y_pitch, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r) std::memcpy(y + r * y_pitch, x + r * x_pitch, bytes);
}

void copy_rows(const CpuStream& stream, int64_t rows, int64_t bytes, const std::byte* x, int64_t x_pitch, std::byte* y,
               int64_t y_pitch) {
  if (bytes == 0) return;
  parallel_for(stream, rows, std::max<int64_t>(1, block_bytes / bytes), [=](int64_t begin, int64_t end) {
    const std::byte* from = x + begin * x_pitch;
    std::byte* to = y + begin * y_pitch;
    switch (bytes) {
      case 4:
        return copy_short_rows<4>(from, x_pitch, to, y_pitch, end - begin);
      case 8:
        return copy_short_rows<8>(from, x_pitch, to, y_pitch, end - begin);
      case 12:
        return copy_short_rows<12>(from, x_pitch, to, y_pitch, end - begin);
      case 24:
        return copy_short_rows<24>(from, x_pitch, to, y_pitch, end - begin);
      default:
        for (int64_t r = begin; r < end; ++r, from += x_pitch, to += y_pitch) {
          std::memcpy(to, from, static_cast<size_t>(bytes));
        }
    }
  });
}

/// y(p, q) = x(q, p) for p < np, q < nq, in tiles.
template <class T>
void transpose(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t np, int64_t nq) {
  for (int64_t q0 = 0; q0 < nq; q0 += tile) {
    const int64_t q1 = std::min(nq, q0 + tile);
    for (int64_t p = 0; p < np; ++p) {
      for (int64_t q = q0; q < q1; ++q) y[p * y_stride + q] = x[q * x_stride + p];
    }
  }
}

}  // namespace

void slice(const CpuStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y) {
  const Rows from = rows_from(x, axis), to = rows_from(y, axis);
  copy_rows(stream, to.count, to.bytes, static_cast<const std::byte*>(x.raw()) + start * from.step, from.bytes,
            static_cast<std::byte*>(y.raw()), to.bytes);
}

void place(const CpuStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y) {
  const Rows from = rows_from(x, axis), to = rows_from(y, axis);
  copy_rows(stream, from.count, from.bytes, static_cast<const std::byte*>(x.raw()), from.bytes,
            static_cast<std::byte*>(y.raw()) + start * to.step, to.bytes);
}

void permute(const CpuStream& stream, const Tensor& x, const std::vector<int>& axes, Tensor& y) {
  const Permutation p(x.shape(), axes);
  const OuterLoops& outer = p.outer;
  const int last = p.last;

  visit_any(x.dtype(), [&]<class T>(T) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    const int64_t inner = x.shape()[last];
    if (axes[last] == last) {
      const int64_t bytes = inner * size_of(x.dtype());
      parallel_for(stream, outer.count, std::max<int64_t>(1, block_bytes / bytes), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          int64_t x_offset, y_offset;
          outer.locate(i, x_offset, y_offset);
          std::memcpy(to + y_offset, from + x_offset, static_cast<size_t>(bytes));
        }
      });
      return;
    }
    // The innermost axes of x and y differ: transpose the plane of the two, a strip of the one at a time.
    const int64_t other = x.shape()[axes[last]], strip = std::max(tile, tile * tile / other);
    const int64_t strips = (inner + strip - 1) / strip, grain = std::max<int64_t>(1, (1 << 14) / (strip * other));
    parallel_for(stream, outer.count * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t x_offset, y_offset;
        outer.locate(i / strips, x_offset, y_offset);
        const int64_t p0 = i % strips * strip;
        transpose(from + x_offset + p0, p.x_stride[axes[last]], to + y_offset + p0 * p.y_stride[last], p.y_stride[last],
                  std::min(strip, inner - p0), other);
      }
    });
  });
}

}  // namespace lacuna::kernels
