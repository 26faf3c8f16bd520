#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "optim/kernels.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels {
namespace {

/// Calls f(T{}, k, begin, end) on the threads for elements [begin, end) of tensor k of type T: all elements of all
/// tensors, in blocks.
template <class F>
void for_each_block(const CpuStream& stream, const std::vector<Tensor>& tensors, F f) {
  constexpr int64_t block_elements = 1 << 15;
  struct Block {
    size_t tensor;
    int64_t begin;
  };
  std::vector<Block> blocks;
  for (size_t k = 0; k < tensors.size(); ++k) {
    for (int64_t begin = 0; begin < tensors[k].numel(); begin += block_elements) blocks.push_back({k, begin});
  }
  parallel_for(stream, static_cast<int64_t>(blocks.size()), 1, [&](int64_t b, int64_t) {
    const auto [k, begin] = blocks[static_cast<size_t>(b)];
    const int64_t end = std::min(tensors[k].numel(), begin + block_elements);
    visit_float(tensors[k].dtype(), "adam", [&, k = k, begin = begin]<class T>(T type) { f(type, k, begin, end); });
  });
}

/// sums[k, part] = f(elements of that part, their number) for all tensors k.
template <class F>
void for_each_part(const CpuStream& stream, const std::vector<Tensor>& tensors, Tensor& sums, F f) {
  double* to = sums.data<double>();
  parallel_for(stream, static_cast<int64_t>(tensors.size()) * sum_parts, sum_parts, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const Tensor& tensor = tensors[static_cast<size_t>(i / sum_parts)];
      const int64_t part = i % sum_parts, n = tensor.numel();
      const int64_t begin = n * part / sum_parts, end = n * (part + 1) / sum_parts;
      visit_float(tensor.dtype(), "adam", [&]<class T>(T) { to[i] = f(tensor.data<T>() + begin, end - begin); });
    }
  });
}

template <class T>
AdamUpdate<T> of_level(AdamUpdate<T> portable, [[maybe_unused]] AdamUpdate<T> avx2,
                       [[maybe_unused]] AdamUpdate<T> avx512) {
#ifdef __x86_64__
  if (cpu_level() >= CpuLevel::avx512) return avx512;
  if (cpu_level() >= CpuLevel::avx2) return avx2;
#endif
  return portable;
}

AdamUpdate<float> adam_update(float) {
  return of_level(adam_update_portable_f32, adam_update_avx2_f32, adam_update_avx512_f32);
}
AdamUpdate<double> adam_update(double) {
  return of_level(adam_update_portable_f64, adam_update_avx2_f64, adam_update_avx512_f64);
}

}  // namespace

void adam(const CpuStream& stream, const AdamStep& step, const std::vector<Tensor>& gradients,
          std::vector<Tensor>& means, std::vector<Tensor>& squares, std::vector<Tensor>& parameters) {
  for_each_block(stream, gradients, [&]<class T>(T type, size_t k, int64_t begin, int64_t end) {
    adam_update(type)(step, end - begin, gradients[k].data<T>() + begin, means[k].data<T>() + begin,
                      squares[k].data<T>() + begin, parameters[k].data<T>() + begin);
  });
}

void count_not_finite(const CpuStream& stream, const std::vector<Tensor>& tensors, Tensor& sums) {
  for_each_part(stream, tensors, sums, []<class T>(const T* x, int64_t n) {
    int count = 0;  // without a way out of the loop, so that it vectorises
    for (int64_t i = 0; i < n; ++i) count += !(std::abs(x[i]) <= std::numeric_limits<T>::max());
    return static_cast<double>(count);
  });
}

void sum_squares(const CpuStream& stream, const std::vector<Tensor>& tensors, Tensor& sums) {
  for_each_part(stream, tensors, sums, []<class T>(const T* x, int64_t n) {
    const auto square = [&](int64_t i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); };
    constexpr int64_t lanes = 16;  // sums side by side, so that the loop vectorises
    double side[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      for (int64_t k = 0; k < lanes; ++k) side[k] += square(i + k);
    }
    for (; i < n; ++i) side[0] += square(i);
    return std::accumulate(std::begin(side), std::end(side), 0.0);
  });
}

void scale(const CpuStream& stream, double factor, const std::vector<Tensor>& from, std::vector<Tensor>& to) {
  for_each_block(stream, from, [&]<class T>(T, size_t k, int64_t begin, int64_t end) {
    const T by = static_cast<T>(factor);
    const T* x = from[k].data<T>();
    T* y = to[k].data<T>();
    for (int64_t i = begin; i < end; ++i) y[i] = by * x[i];
  });
}

}  // namespace lacuna::kernels
