#pragma once

#include "tensor/cuda.h"

namespace lacuna {

/// Elements that fill 16 bytes, the most that a thread reads or writes at once.
template <class T>
inline constexpr int pack_size = 16 / sizeof(T);

/// n neighbouring elements that a thread reads or writes at once.
template <class T, int n = pack_size<T>>
struct alignas(sizeof(T) * n) Pack {
  T v[n];
};

/// The pack at a multiple of n elements.
template <int n, class T>
__device__ Pack<T, n> load_pack(const T* x) {
  return *reinterpret_cast<const Pack<T, n>*>(x);
}

template <int n, class T>
__device__ void store_pack(T* y, const Pack<T, n>& pack) {
  *reinterpret_cast<Pack<T, n>*>(y) = pack;
}

/// Whether rows of `extent` elements consist of whole packs.
template <class T>
bool fits_packs(int64_t extent) {
  return extent % pack_size<T> == 0;
}

/// Blocks of a grid in which every thread takes one of n items, or several if there are more than fill a device.
inline Grid grid_over(int64_t n) {
  constexpr int64_t threads = 256, max_blocks = 8192;
  return {static_cast<unsigned>(std::min(max_blocks, (n + threads - 1) / threads)), static_cast<unsigned>(threads)};
}

/// What a thread of such a grid goes through: first_item(), and on in steps of item_step().
__device__ inline int64_t first_item() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline int64_t item_step() { return int64_t{gridDim.x} * blockDim.x; }

namespace detail {

template <class F, class T>
__global__ void map_kernel(int64_t n, const F f, const T* x, T* y) {
  constexpr int size = pack_size<T>;
  const int64_t whole = n / size;
  for (int64_t i = first_item(); i < whole; i += item_step()) {
    Pack<T> p = load_pack<size>(x + i * size);
    for (int k = 0; k < size; ++k) p.v[k] = f(p.v[k]);
    store_pack(y + i * size, p);
  }
  const int64_t rest = whole * size + first_item();
  if (rest < n) y[rest] = f(x[rest]);
}

template <class F, class T>
__global__ void map_pairs_kernel(int64_t n, const F f, const T* a, const T* b, T* y) {
  constexpr int size = pack_size<T>;
  const int64_t whole = n / size;
  for (int64_t i = first_item(); i < whole; i += item_step()) {
    Pack<T> p = load_pack<size>(a + i * size);
    const Pack<T> q = load_pack<size>(b + i * size);
    for (int k = 0; k < size; ++k) p.v[k] = f(p.v[k], q.v[k]);
    store_pack(y + i * size, p);
  }
  const int64_t rest = whole * size + first_item();
  if (rest < n) y[rest] = f(a[rest], b[rest]);
}

}  // namespace detail

/// y[i] = f(x[i]) for n elements, as tensor/launch.h does on the CPU. All pointers are the start of a tensor's memory.
template <class F, class T>
void map_elements(const CudaStream& stream, int64_t n, F f, const T* x, T* y) {
  if (n > 0) launch(stream, grid_over(n / pack_size<T> + 1), detail::map_kernel<F, T>, n, f, x, y);
}

/// y[i] = f(a[i], b[i]).
template <class F, class T>
void map_pairs(const CudaStream& stream, int64_t n, F f, const T* a, const T* b, T* y) {
  if (n > 0) launch(stream, grid_over(n / pack_size<T> + 1), detail::map_pairs_kernel<F, T>, n, f, a, b, y);
}

}  // namespace lacuna
