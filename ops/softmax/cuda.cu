#include "ops/pointwise/functors.h"
#include "ops/softmax/kernels.h"
#include "tensor/cuda_map.cuh"

namespace lacuna::kernels {
namespace {

constexpr int max_threads = 1024, min_threads = 128;

template <bool largest, class V>
__device__ V join(V a, V b) {
  if constexpr (largest) return b > a ? b : a;
  return a + b;
}

/// The sum, or the largest, of the values of a row's threads: those with the same threadIdx.y, one warp or the block.
template <bool largest, class V>
__device__ V over_row(V value) {
  __shared__ V parts[max_threads / 32];
  for (int step = 16; step > 0; step /= 2) value = join<largest>(value, __shfl_xor_sync(~0u, value, step));
  if (blockDim.x == 32) return value;
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  value = parts[0];
  for (unsigned w = 1; w < blockDim.x / 32; ++w) value = join<largest>(value, parts[w]);
  return value;
}

/// Goes through a row of n elements in packs: f(pack, its first element).
template <int size, class T, class F>
__device__ void for_each_pack(const T* x, int64_t n, F f) {
  for (int64_t i = int64_t{threadIdx.x} * size; i < n; i += int64_t{blockDim.x} * size) f(load_pack<size>(x + i), i);
}

/// A row by the threads of one threadIdx.y. With `kept` the exponentials wait in shared memory for their sum; otherwise
/// they are made again.
template <int size, bool kept, class T>
__global__ void __launch_bounds__(max_threads) softmax_kernel(int64_t rows, int64_t n, const T* x, T* y) {
  LACUNA_DYNAMIC_SHARED(shared);
  const int64_t row = int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  x += row * n;
  y += row * n;
  T* row_exponentials = reinterpret_cast<T*>(shared) + threadIdx.y * n;  // each element for the thread that wrote it
  T largest = x[0];
  for_each_pack<size>(x, n, [&](const Pack<T, size>& pack, int64_t) {
    for (int k = 0; k < size; ++k) largest = pack.v[k] > largest ? pack.v[k] : largest;
  });
  largest = over_row<true>(largest);
  double sums[size] = {};
  for_each_pack<size>(x, n, [&](Pack<T, size> pack, int64_t i) {
    for (int k = 0; k < size; ++k) {
      pack.v[k] = functors::exp(pack.v[k] - largest);
      sums[k] += static_cast<double>(pack.v[k]);
    }
    if constexpr (kept) store_pack(row_exponentials + i, pack);
  });
  for (int k = 1; k < size; ++k) sums[0] += sums[k];
  const T scale = static_cast<T>(1 / over_row<false>(sums[0]));
  for_each_pack<size>(kept ? row_exponentials : x, n, [&](Pack<T, size> pack, int64_t i) {
    for (int k = 0; k < size; ++k) {
      pack.v[k] = (kept ? pack.v[k] : functors::exp(pack.v[k] - largest)) * scale;
    }
    store_pack(y + i, pack);
  });
}

template <int size, class T>
void softmax_rows(const CudaStream& stream, int64_t rows, int64_t n, const T* x, T* y) {
  constexpr int64_t short_row = 32 * 8, kept_bytes = 40 * 1024;
  const int64_t packs = n / size;
  int64_t threads = 32, rows_of_block = 1;
  if (packs <= short_row) {
    rows_of_block = min_threads / threads;
  } else {
    for (threads = min_threads; threads < max_threads && threads * 4 < packs;) threads *= 2;
  }
  const int64_t bytes = rows_of_block * n * static_cast<int64_t>(sizeof(T));
  const int64_t blocks = (rows + rows_of_block - 1) / rows_of_block;
  check(blocks < int64_t{1} << 31, "[softmax] ", rows, " rows are too many");
  const bool kept = bytes <= kept_bytes;
  const Grid grid{static_cast<unsigned>(blocks),
                  dim3(static_cast<unsigned>(threads), static_cast<unsigned>(rows_of_block)), kept ? bytes : 0};
  launch(stream, grid, kept ? softmax_kernel<size, true, T> : softmax_kernel<size, false, T>, rows, n, x, y);
}

}  // namespace

void softmax(const CudaStream& stream, const Tensor& x, Tensor& y) {
  if (x.numel() == 0) return;
  const int64_t n = x.dim(-1), rows = x.numel() / n;
  visit_float(x.dtype(), "softmax", [&]<class T>(T) {
    if (fits_packs<T>(n)) return softmax_rows<pack_size<T>>(stream, rows, n, x.data<T>(), y.data<T>());
    softmax_rows<1>(stream, rows, n, x.data<T>(), y.data<T>());
  });
}

}  // namespace lacuna::kernels
