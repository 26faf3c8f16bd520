#include "ops/matmul/gemm.h"
#include "ops/matmul/kernels.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
namespace {

/// Vectors y = M x, one for each of a batch: element (i, k) of M lies at i * pitch + k (`rows` of them), or at
/// k * pitch + i.
template <class T>
struct VectorProducts {
  const T *matrix, *x;
  T* y;
  int64_t count, depth, batch, pitch, matrix_batch, x_batch;
};

constexpr int gemv_threads = 256;

/// `lanes` threads sum a row: each its own terms, then the sums pairwise, always in the same order.
template <class T, int lanes>
__global__ void row_products(const VectorProducts<T> p) {
  __shared__ T sums[gemv_threads / 32];
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t index = int64_t{blockIdx.x} * (gemv_threads / lanes) + thread / lanes;
  const bool valid = index < p.count * p.batch;
  T sum = 0;
  if (valid) {
    const T* row = p.matrix + index / p.count * p.matrix_batch + index % p.count * p.pitch;
    const T* x = p.x + index / p.count * p.x_batch;
#pragma unroll 4
    for (int64_t k = thread % lanes; k < p.depth; k += lanes) sum += __ldg(row + k) * __ldg(x + k);
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
  if constexpr (lanes > 32) {
    if (thread % 32 == 0) sums[thread / 32] = sum;
    __syncthreads();
    sum = 0;
    for (int w = 0; w < lanes / 32; ++w) sum += sums[w];
  }
  if (valid && thread % lanes == 0) p.y[index] = sum;
}

template <class T>
__global__ void column_products(const VectorProducts<T> p) {
  const int64_t index = int64_t{blockIdx.x} * gemv_threads + threadIdx.x;
  if (index >= p.count * p.batch) return;
  const T* column = p.matrix + index / p.count * p.matrix_batch + index % p.count;
  const T* x = p.x + index / p.count * p.x_batch;
  T sum = 0;
#pragma unroll 4
  for (int64_t k = 0; k < p.depth; ++k) sum += __ldg(column + k * p.pitch) * __ldg(x + k);
  p.y[index] = sum;
}

template <class T>
void multiply_vectors(const CudaStream& stream, const VectorProducts<T>& p, bool rows) {
  constexpr int64_t long_row = 1024;
  const int64_t results = p.count * p.batch;
  if (results == 0) return;
  const auto run = [&](int64_t in_block, void (*kernel)(VectorProducts<T>)) {
    const int64_t blocks = (results + in_block - 1) / in_block;
    check(blocks < int64_t{1} << 31, "[", stream.op, "] ", results, " results of a product are too many");
    launch(stream, {static_cast<unsigned>(blocks), gemv_threads}, kernel, p);
  };
  if (!rows) return run(gemv_threads, column_products<T>);
  p.depth >= long_row ? run(1, row_products<T, gemv_threads>) : run(gemv_threads / 32, row_products<T, 32>);
}

bool fits(int64_t extent) { return extent < (int64_t{1} << 31) - 256; }

template <class T>
void multiply(const CudaStream& stream, const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& y) {
  const int64_t batch = y.dim(0), m = y.dim(1), n = y.dim(2), k = a.dim(options.transpose_a ? 1 : 2);
  const int64_t a_batch = a.dim(0) == 1 ? 0 : m * k, b_batch = b.dim(0) == 1 ? 0 : k * n;
  const T *left = a.data<T>(), *right = b.data<T>();
  if (n == 1) {
    const int64_t pitch = options.transpose_a ? m : k;
    return multiply_vectors<T>(stream, {left, right, y.data<T>(), m, k, batch, pitch, a_batch, b_batch},
                               !options.transpose_a);
  }
  if (m == 1) {
    const int64_t pitch = options.transpose_b ? k : n;
    return multiply_vectors<T>(stream, {right, left, y.data<T>(), n, k, batch, pitch, b_batch, a_batch},
                               options.transpose_b);
  }
  check(fits(m) && fits(n) && fits(k) && fits(batch), "[", stream.op, "] matrices of ", m, " x ", k, " and ", k, " x ",
        n, " are too large");
  gemm::Problem<T> problem;
  problem.a = left;
  problem.b = right;
  problem.y = y.data<T>();
  problem.a_by_depth = !options.transpose_a;
  problem.b_by_depth = options.transpose_b;
  problem.a_lines = {a.dim(0) * a.dim(1), static_cast<int32_t>(a.dim(2))};
  problem.b_lines = {b.dim(0) * b.dim(1), static_cast<int32_t>(b.dim(2))};
  problem.n = static_cast<int32_t>(n);
  problem.batch = static_cast<int32_t>(batch);
  problem.a_batch = a_batch;
  problem.b_batch = b_batch;
  problem.y_batch = m * n;
  gemm::Part& part = problem.part[0];
  part.a = gemm::Gathered::matrix(a.dim(1), a.dim(2));
  part.b.row_pitch = b.dim(2);
  part.b.taps.channels = gemm::Divider(k);
  part.rows = static_cast<int32_t>(m);
  part.depth = static_cast<int32_t>(k);
  gemm::run(stream, problem);
}

}  // namespace

void matmul(const CudaStream& stream, const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& y) {
  visit_float(y.dtype(), "matmul", [&]<class T>(T) { multiply<T>(stream, a, b, options, y); });
}

}  // namespace lacuna::kernels
