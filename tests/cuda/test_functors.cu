// The functors of the op families, each called with the same arguments on the CPU and on the device. Sums, products,
// quotients and roots round in one way only, as neither side contracts them, so that all but the libraries'
// transcendental functions must have the same bits.
#include <algorithm>
#include <cmath>

#include "ops/activation/functors.h"
#include "ops/arithmetic/functors.h"
#include "ops/pad/functors.h"
#include "ops/pointwise/functors.h"
#include "ops/random/functors.h"
#include "ops/reduce/functors.h"
#include "ops/resize/functors.h"
#include "ops/unfold/functors.h"
#include "tensor/dtype.h"
#include "tensor/philox.h"
#include "tests/cuda/same_on_device.cuh"

namespace lacuna::test {

constexpr int64_t many = 100000;

// Room for both libraries' stated errors, each up to 2 ulp a call, and one rounding after it.
constexpr double library_ulps = 6;

/// Numbers of every kind: the special ones, then uniform ones in [-8, 8), then ones of all magnitudes.
template <class T>
std::vector<T> assorted(uint64_t draw) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x{T(0),
                   T(-0.0),
                   T(1),
                   T(-1),
                   Limits::infinity(),
                   -Limits::infinity(),
                   Limits::min(),
                   Limits::denorm_min(),
                   Limits::max(),
                   Limits::lowest(),
                   Limits::quiet_NaN(),
                   T(-104.5)};
  const Philox random{.seed = 1, .draw = draw};
  while (x.size() < many) {
    const double u = random.uniform(x.size());
    const T value = static_cast<T>(16 * u - 8);
    x.push_back(x.size() % 2 ? value : value * static_cast<T>(std::exp2(60 * random.uniform(x.size() + many) - 30)));
  }
  return x;
}

/// Checks a function of one number.
template <class T, class F>
void check_unary(const char* op, F f, double ulps = 0) {
  check_same_on_device<T>(
      op, Inputs<T>{.a = assorted<T>(0)}, many, many,
      [f] LACUNA_HD(int64_t i, InputView<T> in, T * y) { y[i] = f(in.a[i]); }, ulps);
}

/// Checks a function of two numbers.
template <class T, class F>
void check_binary(const char* op, F f) {
  check_same_on_device<T>(op, Inputs<T>{.a = assorted<T>(0), .b = assorted<T>(1)}, many, many,
                          [f] LACUNA_HD(int64_t i, InputView<T> in, T * y) { y[i] = f(in.a[i], in.b[i]); });
}

/// Checks a function f(i, y) of an index alone that writes `width` results.
template <class Y, class F>
void check_indexed(const char* op, int64_t n, int64_t width, F f, double ulps = 0) {
  check_same_on_device<Y>(
      op, Inputs<float>{}, n, n * width,
      [f, width] LACUNA_HD(int64_t i, InputView<float>, Y * y) { f(i, y + i * width); }, ulps);
}

template <class T>
void check_activation() {
  check_unary<T>("elu", [] LACUNA_HD(T x) { return functors::elu(x); });
  check_unary<T>("leaky_relu", [] LACUNA_HD(T x) { return functors::leaky_relu(x, T(0.2)); });
  check_unary<T>("clip", [] LACUNA_HD(T x) { return functors::clip(x, T(-1), T(1)); });
  check_binary<T>("elu_grad", [] LACUNA_HD(T g, T y) { return functors::elu_grad(g, y); });
}

TEST_CASE("cuda: activation") {
  if (!has_device_or_skips()) return;
  check_activation<float>();
  check_activation<double>();
}

template <class T>
void check_pointwise() {
  check_unary<T>("exp", [] LACUNA_HD(T x) { return functors::exp(x); });
  check_unary<T>("rsqrt", [] LACUNA_HD(T x) { return functors::rsqrt(x); });
  check_unary<T>("sign", [] LACUNA_HD(T x) { return functors::sign(x); });
  check_unary<T>("sigmoid", [] LACUNA_HD(T x) { return functors::sigmoid(x); });
  check_unary<T>(
      "softplus", [] LACUNA_HD(T x) { return functors::softplus(x); }, library_ulps);
  check_unary<T>(
      "tanh", [] LACUNA_HD(T x) { return functors::tanh(x); }, library_ulps);
}

TEST_CASE("cuda: pointwise") {
  if (!has_device_or_skips()) return;
  check_pointwise<float>();
  check_pointwise<double>();
}

template <class T>
void check_arithmetic() {
  check_binary<T>("add", functors::Add{});
  check_binary<T>("sub", functors::Sub{});
  check_binary<T>("mul", functors::Mul{});
  check_binary<T>("div", functors::Div{});
}

TEST_CASE("cuda: arithmetic") {
  if (!has_device_or_skips()) return;
  check_arithmetic<float>();
  check_arithmetic<double>();
}

void check_pad(int64_t n, PadMode mode) {
  const int64_t before = 2 * n + 1, length = n + 2 * before;
  check_indexed<int64_t>("padded_source", length, 1,
                         [=] LACUNA_HD(int64_t i, int64_t * y) { *y = padded_source(i - before, n, mode); });
  if (mode == PadMode::zero) return;
  check_indexed<int64_t>("for_each_reader", n, 1, [=] LACUNA_HD(int64_t i, int64_t * y) {
    functors::for_each_reader(i, n, before, before, mode, [y](int64_t p) { *y = *y * 31 + p; });  // order counts
  });
}

TEST_CASE("cuda: pad") {
  if (!has_device_or_skips()) return;
  for (const PadMode mode : {PadMode::zero, PadMode::reflect, PadMode::symmetric}) {
    for (const int64_t n : {1, 2, 7, 64}) check_pad(n, mode);
  }
}

void check_resize(int64_t in, int64_t out, bool corners) {
  check_indexed<int64_t>("nearest_source", out, 1,
                         [=] LACUNA_HD(int64_t i, int64_t * y) { *y = functors::nearest_source(i, in, out, corners); });
  check_indexed<int64_t>("nearest_first", in + 1, 1,
                         [=] LACUNA_HD(int64_t s, int64_t * y) { *y = functors::nearest_first(s, in, out, corners); });
  check_indexed<double>("bilinear_tap", out, 5, [=] LACUNA_HD(int64_t i, double* y) {
    const functors::BilinearTap tap = functors::bilinear_tap(i, in, out, corners);
    y[0] = static_cast<double>(tap.lo);
    y[1] = static_cast<double>(tap.hi);
    y[2] = tap.fraction;
    y[3] = tap.weight(tap.lo);
    y[4] = tap.weight(tap.hi);
  });
}

TEST_CASE("cuda: resize") {
  if (!has_device_or_skips()) return;
  for (const bool corners : {false, true}) {
    check_resize(1, 5, corners);
    check_resize(5, 1, corners);
    check_resize(32, 64, corners);
    check_resize(256, 113, corners);
  }
}

void check_unfold(int64_t n, PatchOptions options) {
  check_indexed<int64_t>("patches", n, 4, [=] LACUNA_HD(int64_t p, int64_t * y) {
    const functors::PatchAxis axis = functors::patch_axis(n, options);
    const functors::PatchRange range = functors::covering_patches(p, axis, options);
    y[0] = axis.count;
    y[1] = axis.before;
    y[2] = range.first;
    y[3] = range.last;
  });
}

TEST_CASE("cuda: unfold") {
  if (!has_device_or_skips()) return;
  for (const bool same : {false, true}) {
    for (const int64_t stride : {1, 2, 3, 5}) check_unfold(37, {.kernel = 4, .stride = stride, .same = same});
  }
}

template <class T>
void check_reduce() {
  constexpr int64_t rows = 50, n = many / rows;
  Inputs<T> inputs{.a = assorted<T>(0)};
  for (const size_t place : {300, 700}) {  // the first of two equal ones counts, unless there is a NaN or an infinity
    std::fill_n(inputs.a.begin() + place, rows, std::numeric_limits<T>::max());
  }
  check_same_on_device<int32_t>("argmax", inputs, rows, rows, [] LACUNA_HD(int64_t i, InputView<T> in, int32_t * y) {
    y[i] = functors::argmax(in.a + i, n, rows);
  });
}

TEST_CASE("cuda: reduce") {
  if (!has_device_or_skips()) return;
  check_reduce<float>();
  check_reduce<double>();
}

void check_random(Philox random) {
  check_indexed<uint32_t>("philox", many, 4, [=] LACUNA_HD(int64_t i, uint32_t * y) {
    const Philox::Word4 w = random.words(static_cast<uint64_t>(i) * 0x100000001u);
    for (int k = 0; k < 4; ++k) y[k] = w.v[k];
  });
  check_indexed<double>("uniform", many, 1, [=] LACUNA_HD(int64_t i, double* y) { *y = random.uniform(i); });
  check_indexed<uint64_t>("below", many, 1, [=] LACUNA_HD(int64_t i, uint64_t * y) { *y = random.below(i, 1000003); });
  check_indexed<double>(
      "random_normal", many, 1, [=] LACUNA_HD(int64_t i, double* y) { *y = functors::random_normal(random, i); },
      2 * library_ulps);
}

TEST_CASE("cuda: random") {
  if (!has_device_or_skips()) return;
  check_random({.seed = 0, .draw = 0});
  check_random({.seed = 0x123456789abcdefu, .draw = 0xfedcba987654321u});
}

void check_bf16() {
  check_same_on_device<uint16_t>(
      "to bf16", Inputs<float>{.a = assorted<float>(0)}, many, many,
      [] LACUNA_HD(int64_t i, InputView<float> in, uint16_t * y) { y[i] = bf16(in.a[i]).bits; });
  check_unary<float>("from bf16", [] LACUNA_HD(float x) { return static_cast<float>(bf16(x)); });
}

TEST_CASE("cuda: bf16") {
  if (!has_device_or_skips()) return;
  check_bf16();
}

}  // namespace lacuna::test
