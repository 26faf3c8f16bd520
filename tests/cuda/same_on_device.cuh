#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "tensor/cuda.h"
#include "tensor/functor.h"
#include "tests/support/device.h"

namespace lacuna::test {

/// Elements in the device's memory.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : count_(values.size()) {
    check_cuda(cudaMalloc(&data_, std::max<size_t>(1, count_) * sizeof(T)), "cudaMalloc");
    check_cuda(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() { return data_; }
  /// Waits for the default stream; throws Error naming `op` if a kernel failed.
  std::vector<T> to_host(const char* op) const {
    std::vector<T> values(count_);
    check_cuda(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), op);
    return values;
  }

 private:
  size_t count_;
  T* data_ = nullptr;
};

/// What a functor under test reads: up to two arrays of T and one of indices.
template <class T>
struct Inputs {
  std::vector<T> a = {}, b = {};
  std::vector<int32_t> index = {};
};

/// The same, as the functor sees it: in the memory of where it runs.
template <class T>
struct InputView {
  const T *a, *b;
  const int32_t* index;
};

/// f(i, inputs, outputs) as for_each wants it.
template <class Y, class T, class F>
struct Call {
  F f;
  InputView<T> in;
  Y* y;

  LACUNA_HD void operator()(int64_t i) const { f(i, in, y); }
};

/// How many representable numbers lie between two results: 0 for the same bits (or a NaN each).
template <class Y>
double steps_between(Y a, Y b) {
  if constexpr (std::is_floating_point_v<Y>) {
    if (std::isnan(a) && std::isnan(b)) return 0;
    using Bits = std::conditional_t<sizeof(Y) == 4, int32_t, int64_t>;
    const auto ordered = [](Y value) {  // counts through the numbers from the least to the largest, -0 before 0
      Bits bits;
      std::memcpy(&bits, &value, sizeof(bits));
      return bits < 0 ? -static_cast<double>(bits - std::numeric_limits<Bits>::min()) - 1 : static_cast<double>(bits);
    };
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::infinity();
    return std::abs(ordered(a) - ordered(b));
  } else {
    return a == b ? 0 : std::numeric_limits<double>::infinity();
  }
}

/// Calls f(i, inputs, y) for i in [0, calls), y being `outputs` zeros of type Y, once on the CPU and once on the
/// device, and checks that the outputs are at most `ulps` units in the last place apart: with 0, that they have the
/// same bits. To be called where there is a device.
template <class Y, class T, class F>
void check_same_on_device(const char* op, const Inputs<T>& inputs, int64_t calls, int64_t outputs, F f,
                          double ulps = 0) {
  std::vector<Y> expected(static_cast<size_t>(outputs));
  const Call<Y, T, F> on_cpu{f, {inputs.a.data(), inputs.b.data(), inputs.index.data()}, expected.data()};
  for (int64_t i = 0; i < calls; ++i) on_cpu(i);

  DeviceArray<T> a(inputs.a), b(inputs.b);
  DeviceArray<int32_t> index(inputs.index);
  DeviceArray<Y> y(std::vector<Y>(static_cast<size_t>(outputs)));
  for_each(CudaStream{.op = op}, calls, Call<Y, T, F>{f, {a.data(), b.data(), index.data()}, y.data()});
  const std::vector<Y> actual = y.to_host(op);

  size_t worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (steps_between(actual[i], expected[i]) > steps_between(actual[worst], expected[worst])) worst = i;
  }
  CAPTURE(op);
  CAPTURE(sizeof(T));
  REQUIRE(outputs > 0);
  CAPTURE(worst);
  CAPTURE(expected[worst]);
  CAPTURE(actual[worst]);
  CHECK(steps_between(actual[worst], expected[worst]) <= ulps);
}

}  // namespace lacuna::test
