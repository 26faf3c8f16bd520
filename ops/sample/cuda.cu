#include "ops/sample/functors.h"
#include "ops/sample/kernels.h"
#include "tensor/cuda.h"
#include "tensor/cuda_faults.h"

namespace lacuna::kernels {
namespace {

constexpr int64_t chunk = 4;  // columns or channels that a thread sums side by side

int64_t chunks_of(int64_t n) { return (n + chunk - 1) / chunk; }

/// Notes an index outside [0, rows). Of several, any one may be noted.
struct CheckIndex {
  const int32_t* indices;
  int64_t rows;
  const char* op;
  IndexFault* fault;

  LACUNA_HD void operator()(int64_t k) const {
    if (indices[k] < 0 || indices[k] >= rows) *fault = {op, indices[k], rows};
  }
};

/// The columns [begin, end) of one row of what is summed.
template <class T>
struct Chunk {
  T sums[chunk];
  int64_t begin, count;

  LACUNA_HD Chunk(int64_t index, int64_t n, const T* row) : begin(index * chunk), count(n - begin) {
    if (count > chunk) count = chunk;
    for (int64_t c = 0; c < chunk; ++c) sums[c] = c < count ? row[begin + c] : T(0);
  }
  LACUNA_HD void add(T factor, const T* row) {
    for (int64_t c = 0; c < chunk; ++c) {
      if (c < count) sums[c] += factor * row[begin + c];
    }
  }
  LACUNA_HD void store(T* row) const {
    for (int64_t c = 0; c < count; ++c) row[begin + c] = sums[c];
  }
};

/// Each row of y looks for its own among all rows of g: the order of the sums is the indices'.
template <class T>
struct ScatterAddEach {
  const T* g;
  const int32_t* indices;
  int64_t count, row;
  IndexDivider chunks;  // of a row
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t target = i;
    const int64_t index = chunks.split(target);
    Chunk<T> sums(index, row, y + target * row);
    for (int64_t k = 0; k < count; ++k) {
      if (indices[k] == target) sums.add(1, g + k * row);
    }
    sums.store(y + target * row);
  }
};

/// Each pixel of x looks for the positions whose taps it is one of, in the order of the grid.
template <class T>
struct GridSampleAdjointEach {
  const T *g, *grid;
  functors::SampleShape shape;
  SampleDerivative order;
  IndexDivider chunks, width, height;  // of a pixel; of a picture
  T* x;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t picture = i;
    const int64_t index = chunks.split(picture), column = width.split(picture), row = height.split(picture);
    T* pixel = x + ((picture * shape.height + row) * shape.width + column) * shape.channels;
    Chunk<T> sums(index, shape.channels, pixel);
    for (int64_t p = picture * shape.positions; p < (picture + 1) * shape.positions; ++p) {
      const T down = grid[2 * p], right = grid[2 * p + 1];
      if (abs(down - static_cast<T>(row)) > 1 || abs(right - static_cast<T>(column)) > 1) continue;  // not if NaN
      const functors::SampleTaps<T> rows = functors::sample_taps(down, shape.height, order.row);
      const functors::SampleTaps<T> columns = functors::sample_taps(right, shape.width, order.col);
      const int64_t r = row - rows.first, c = column - columns.first;
      if (r < rows.begin || r >= rows.end || c < columns.begin || c >= columns.end) continue;
      sums.add(rows.weight[r] * columns.weight[c], g + p * shape.channels);
    }
    sums.store(pixel);
  }

  LACUNA_HD static T abs(T v) { return v < 0 ? -v : v; }
};

}  // namespace

using Stream = CudaStream;
#include "ops/sample/kernels.inc"

void check_indices(const CudaStream& stream, const char* op, const Tensor& indices, int64_t rows) {
  for_each(stream, indices.numel(), CheckIndex{indices.data<int32_t>(), rows, op, index_fault(indices.device())});
}

void scatter_add(const CudaStream& stream, const Tensor& g, const Tensor& indices, Tensor& y) {
  if (g.numel() == 0) return;
  const int64_t row = g.numel() / indices.numel(), chunks = chunks_of(row);
  visit_float(g.dtype(), "scatter_add", [&]<class T>(T) {
    for_each(stream, y.dim(0) * chunks,
             ScatterAddEach<T>{g.data<T>(), indices.data<int32_t>(), indices.numel(), row, IndexDivider(chunks),
                               y.data<T>()});
  });
}

void grid_sample_adjoint(const CudaStream& stream, const Tensor& g, const Tensor& grid, SampleDerivative order,
                         Tensor& x) {
  const int64_t chunks = chunks_of(g.dim(3));
  visit_float(g.dtype(), "grid_sample_adjoint", [&]<class T>(T) {
    for_each(
        stream, x.dim(0) * x.dim(1) * x.dim(2) * chunks,
        GridSampleAdjointEach<T>{g.data<T>(), grid.data<T>(), sample_shape(x.shape(), grid.shape()), order,
                                 IndexDivider(chunks), IndexDivider(x.dim(2)), IndexDivider(x.dim(1)), x.data<T>()});
  });
}

}  // namespace lacuna::kernels
