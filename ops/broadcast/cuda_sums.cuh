#pragma once

#include "tensor/cuda_map.cuh"

/// Sums along one axis of a tensor seen as (outer, summed, inner), in f64 and in an order that depends on the shape
/// alone.
namespace lacuna::kernels {

struct Fold {
  int64_t outer, summed, inner;
};

/// How many sums the rows of a fold are first cut into, so that there is work for a whole device: with more than one
/// the result is (outer, parts, inner), to be folded once more.
inline int64_t parts_of(const Fold& fold) {
  constexpr int64_t blocks = 1024, least_rows = 1024, block_elements = 1 << 13;
  const int64_t columns = std::min<int64_t>(fold.inner, 1024);
  const int64_t side_by_side = fold.outer * std::max<int64_t>(1, fold.inner / 1024);
  if (fold.summed <= least_rows || side_by_side == 0) return 1;
  return std::max<int64_t>(1, std::min(blocks / side_by_side, fold.summed * columns / block_elements));
}

constexpr int sum_threads = 256;

/// Adds `values` of all threads of a warp.
__device__ inline double add_warp(double value) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(~0u, value, step);
  return value;
}

/// Where a fold's sums of columns are made: every block of threads sums rows_per_part rows of `tile` columns.
struct ColumnTasks {
  int64_t rows, columns, parts, rows_per_part, tiles;  // columns: in packs
  int tile;
};

/// y (outer, parts, inner): sums of columns. source(i) is pack i of (outer, summed, inner).
template <class Source, class To>
__global__ void __launch_bounds__(sum_threads) column_sums_kernel(const ColumnTasks tasks, const Source source, To* y) {
  constexpr int size = Source::size;
  __shared__ double sums_of[size][sum_threads];
  const int64_t task = blockIdx.x, first_column = task % tasks.tiles * tasks.tile;
  const int64_t part = task / tasks.tiles % tasks.parts, outer = task / tasks.tiles / tasks.parts;
  const int64_t rest = tasks.columns - first_column;
  // Groups of threads as wide as the tile take the rows in turns; threads that are left over wait.
  const int width = rest < tasks.tile ? static_cast<int>(rest) : tasks.tile, groups = sum_threads / width;
  const int thread = static_cast<int>(threadIdx.x), group = thread / width;
  const int64_t column = first_column + thread % width;
  const int64_t begin = part * tasks.rows_per_part;
  const int64_t end = begin + tasks.rows_per_part < tasks.rows ? begin + tasks.rows_per_part : tasks.rows;
  double sums[size] = {};
  if (group < groups) {
#pragma unroll 4
    for (int64_t row = begin + group; row < end; row += groups) {
      const auto pack = source((outer * tasks.rows + row) * tasks.columns + column);
      for (int k = 0; k < size; ++k) sums[k] += static_cast<double>(pack.v[k]);
    }
  }
  for (int k = 0; k < size; ++k) sums_of[k][thread] = sums[k];
  __syncthreads();
  for (int left = groups; left > 1;) {  // the groups' sums, pairwise
    const int half = (left + 1) / 2;
    if (group < left - half) {
      for (int k = 0; k < size; ++k) sums_of[k][thread] += sums_of[k][thread + half * width];
    }
    __syncthreads();
    left = half;
  }
  if (group > 0) return;
  To* to = y + ((outer * tasks.parts + part) * tasks.columns + column) * size;
  for (int k = 0; k < size; ++k) to[k] = static_cast<To>(sums_of[k][thread]);
}

/// Sums columns of (outer, summed, inner) to (outer, parts, inner).
template <class Source, class To>
void column_sums(const CudaStream& stream, const Fold& fold, int64_t parts, const Source& source, To* y) {
  if (fold.outer * fold.inner == 0) return;
  ColumnTasks tasks{fold.summed, fold.inner / Source::size, parts, (fold.summed + parts - 1) / parts, 1, sum_threads};
  const auto blocks = [&] { return fold.outer * parts * ((tasks.columns + tasks.tile - 1) / tasks.tile); };
  while (tasks.tile > 8 && blocks() < 256 && fold.summed > 8) tasks.tile /= 2;
  tasks.tiles = (tasks.columns + tasks.tile - 1) / tasks.tile;
  check(blocks() < int64_t{1} << 31, "[", stream.op, "] ", blocks(), " blocks of sums are too many");
  launch(stream, {static_cast<unsigned>(blocks()), sum_threads}, column_sums_kernel<Source, To>, tasks, source, y);
}

/// A tensor's packs.
template <class T, int n>
struct ReadPacks {
  static constexpr int size = n;
  const T* x;

  __device__ Pack<T, n> operator()(int64_t i) const { return load_pack<n>(x + i * n); }
};

/// What f makes of two tensors' elements, which are also written to y.
template <class T, int n, class F>
struct MapPacks {
  static constexpr int size = n;
  F f;
  const T *a, *b;
  T* y;

  __device__ Pack<T, n> operator()(int64_t i) const {
    Pack<T, n> pack = load_pack<n>(a + i * n);
    const Pack<T, n> other = load_pack<n>(b + i * n);
    for (int k = 0; k < n; ++k) pack.v[k] = f(pack.v[k], other.v[k]);
    store_pack(y + i * n, pack);
    return pack;
  }
};

/// y (rows, parts): the sums of rows of n elements, each cut into parts. `lanes` threads sum one.
template <int lanes, class From, class To>
__global__ void __launch_bounds__(sum_threads)
    row_sums_kernel(int64_t rows, int64_t n, int64_t parts, const From* x, To* y) {
  constexpr int size = pack_size<From>;
  __shared__ double sums_of[sum_threads / 32];
  const int lane = static_cast<int>(threadIdx.x) % lanes;
  const int64_t task = int64_t{blockIdx.x} * (sum_threads / lanes) + threadIdx.x / lanes;
  const bool valid = task < rows * parts;
  double sum = 0;
  if (valid) {
    const int64_t length = (n + parts - 1) / parts, begin = task % parts * length;
    const int64_t count = begin + length < n ? length : n - begin;
    const From* from = x + task / parts * n + begin;
    const bool aligned = reinterpret_cast<uintptr_t>(from) % 16 == 0;
    const int64_t packs = lanes > 1 && aligned && count > 0 ? count / size : 0;
    double sums[size] = {};
#pragma unroll 2
    for (int64_t i = lane; i < packs; i += lanes) {
      const Pack<From> pack = load_pack<size>(from + i * size);
      for (int k = 0; k < size; ++k) sums[k] += static_cast<double>(pack.v[k]);
    }
    for (int64_t i = packs * size + lane; i < count; i += lanes) sums[0] += static_cast<double>(from[i]);
    for (int k = 0; k < size; ++k) sum += sums[k];
  }
  if constexpr (lanes > 1) sum = add_warp(sum);
  if constexpr (lanes > 32) {
    if (threadIdx.x % 32 == 0) sums_of[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = 0;
    for (int w = 0; w < lanes / 32; ++w) sum += sums_of[w];
  }
  if (valid && lane == 0) y[task] = static_cast<To>(sum);
}

/// Sums rows (outer, summed) to (outer, parts).
template <class From, class To>
void row_sums(const CudaStream& stream, const Fold& fold, int64_t parts, const From* x, To* y) {
  const int64_t sums = fold.outer * parts, length = (fold.summed + parts - 1) / parts;
  if (sums == 0) return;
  const auto run = [&](int lanes, void (*kernel)(int64_t, int64_t, int64_t, const From*, To*)) {
    const int64_t in_block = sum_threads / lanes, blocks = (sums + in_block - 1) / in_block;
    check(blocks < int64_t{1} << 31, "[", stream.op, "] ", sums, " sums are too many");
    launch(stream, {static_cast<unsigned>(blocks), sum_threads}, kernel, fold.outer, fold.summed, parts, x, y);
  };
  if (length <= 8) return run(1, row_sums_kernel<1, From, To>);
  if (length <= 64 || (length <= 2048 && sums >= 1024)) return run(32, row_sums_kernel<32, From, To>);
  run(sum_threads, row_sums_kernel<sum_threads, From, To>);
}

/// Sums (outer, summed, inner) to (outer, parts, inner).
template <class From, class To>
void fold_sums(const CudaStream& stream, const Fold& fold, int64_t parts, const From* x, To* y) {
  if (fold.inner == 1) {
    row_sums(stream, fold, parts, x, y);
  } else if (fits_packs<From>(fold.inner)) {
    column_sums(stream, fold, parts, ReadPacks<From, pack_size<From>>{x}, y);
  } else {
    column_sums(stream, fold, parts, ReadPacks<From, 1>{x}, y);
  }
}

}  // namespace lacuna::kernels
