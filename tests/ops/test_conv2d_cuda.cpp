// The CUDA device's convolutions: their index arithmetic here, their results on a device, real or emulated.
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "ops/cases.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/cuda_index.h"
#include "ops/conv2d/upsampled.h"
#include "tensor/memory.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"
#include "tests/support/reduced_bounds.h"
#include "tests/support/tensor_units.h"

namespace lacuna {
namespace {

namespace gemm = kernels::gemm;
using test::magnitudes;

const Device cuda{Device::Kind::cuda, 0};

struct Layer {
  Shape x, w;
  Conv2dOptions options;
};

std::vector<Layer> layers() {
  std::vector<Layer> all;
  for (const Padding padding : {Padding::same, Padding::valid, Padding::reflect, Padding::symmetric}) {
    all.push_back({{2, 10, 9, 5}, {5, 5, 5, 33}, {.padding = padding}});
    all.push_back({{1, 11, 20, 16}, {3, 3, 16, 3}, {.stride = 2, .padding = padding}});
    all.push_back({{3, 8, 7, 3}, {5, 5, 3, 20}, {.stride = 2, .padding = padding}});
    all.push_back({{1, 9, 8, 8}, {3, 3, 8, 12}, {.dilation = 3, .padding = padding}});
    all.push_back({{2, 9, 11, 8}, {3, 3, 8, 36}, {.padding = padding}});
    all.push_back({{1, 9, 10, 4}, {3, 2, 4, 8}, {.stride = 3, .dilation = 2, .padding = padding}});
  }
  all.push_back({{1, 6, 5, 7}, {3, 3, 7, 40}, {.dilation = 16}});
  all.push_back({{1, 6, 5, 4}, {3, 3, 4, 8}, {.dilation = 16, .padding = Padding::reflect}});
  all.push_back({{2, 5, 6, 4}, {1, 1, 4, 8}, {.stride = 2}});
  all.push_back({{1, 7, 7, 4}, {2, 2, 4, 4}, {.stride = 3, .padding = Padding::valid}});
  all.push_back({{1, 1, 1, 4}, {3, 3, 4, 4}, {.padding = Padding::reflect}});
  // Each of the larger tiles, which fill the device.
  const int64_t rows = cuda_traits(0).multiprocessors;
  all.push_back({{1, rows, 2 * 128, 12}, {3, 3, 12, 64}, {}});
  all.push_back({{1, rows, 128, 4}, {3, 3, 4, 128}, {}});
  all.push_back({{1, rows, 3 * 128, 8}, {3, 3, 8, 32}, {}});
  return all;
}

/// op, given its operands in f32, on the device in every precision against the CPU in f64; `terms` to a sum.
template <class F>
void check_everywhere(int64_t terms, const Tensor& a, const Tensor& b, F op) {
  const Tensor a64 = a.to(DType::f64), b64 = b.to(DType::f64);
  const Tensor expected = op(a64, b64), sizes = op(magnitudes(a64), magnitudes(b64));
  const auto on_device = [&](DType dtype) {
    const Tensor y = op(a.to(dtype).to(cuda), b.to(dtype).to(cuda));
    CHECK(y.device() == cuda);
    return y.to(Device{});
  };
  const auto n = static_cast<double>(terms + 16);
  test::check_within(on_device(DType::f64), expected, sizes, n * 0x1p-52);
  test::check_within(on_device(DType::f32), expected, sizes, n * 0x1p-23);
  for (const Precision p : {Precision::high, Precision::medium}) {
    const WithPrecision at(p);
    test::with_either_instructions([&] {
      const Tensor y = on_device(DType::f32);
      test::check_within(y, expected, sizes, test::reduced_bound(p, terms));
      CHECK(test::same_bits(on_device(DType::f32), y));
    });
  }
}

Tensor values(const Shape& shape, uint64_t seed) { return case_values(shape, seed).to(DType::f32); }

bool mirrors(Padding padding) { return padding == Padding::reflect || padding == Padding::symmetric; }

}  // namespace

TEST_CASE("conv2d_cuda: the input gradient reads what the convolution read, in every phase") {
  for (int64_t n = 1; n <= 9; ++n) {
    for (int64_t k = 1; k <= 5; ++k) {
      for (const int64_t stride : {1, 2, 3, 4}) {
        for (const int64_t dilation : {1, 2, 3, 4}) {
          for (const Padding padding : {Padding::same, Padding::valid}) {
            const Conv2dOptions options{.stride = stride, .dilation = dilation, .padding = padding};
            if (padding == Padding::valid && n < (k - 1) * dilation + 1) continue;
            const Conv2dAxis axis = conv2d_axis(n, k, options);
            std::set<std::vector<int64_t>> expected, found;  // (position, output, tap)
            for (int64_t o = 0; o < axis.out; ++o) {
              for (int64_t t = 0; t < k; ++t) {
                const int64_t position = o * stride + t * dilation - axis.before;
                if (position >= 0 && position < n) expected.insert({position, o, t});
              }
            }
            for (int64_t phase = 0; phase < stride; ++phase) {
              const gemm::PhaseAxis reads = gemm::input_axis(n, k, options, phase);
              CHECK(reads.axis.in == axis.out);
              for (int32_t place = 0; place < reads.axis.out; ++place) {
                const int64_t position = phase + place * stride;
                CHECK(position < n);
                for (int32_t u = 0; u < reads.axis.taps; ++u) {
                  const int32_t o = place * reads.axis.stride + u * reads.axis.step + reads.axis.start;
                  if (o >= 0 && o < reads.axis.in) {
                    CHECK(found.insert({position, o, reads.first + int64_t{u} * reads.step}).second);
                  }
                }
              }
            }
            CHECK(found == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("conv2d_cuda: a doubled picture's taps fall on their neighbours") {
  for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
    for (int64_t n = 1; n <= 5; ++n) {
      const gemm::Axis doubled = gemm::forward_axis(2 * n, 3, {.padding = padding});
      for (int32_t o = 0; o < 2 * n; ++o) {
        const gemm::Axis axis = gemm::upsampled_axis(n, padding, o % 2);
        for (int u = 0; u < 2; ++u) {
          const gemm::TapRange taps = gemm::upsampled_taps(o % 2, u);
          for (int32_t t = taps.begin; t < taps.end; ++t) {
            const int32_t source = gemm::source_of(o + t + doubled.start, doubled.in, doubled.edge);
            const int32_t expected = source < 0 ? -1 : source / 2;
            CHECK(gemm::source_of(o / 2 + u * axis.step + axis.start, axis.in, axis.edge) == expected);
          }
        }
        CHECK(gemm::upsampled_taps(o % 2, 0).end == gemm::upsampled_taps(o % 2, 1).begin);
      }
    }
  }
}

TEST_CASE("conv2d_cuda: a gathered matrix holds what the convolution reads") {
  const Conv2dOptions options{.stride = 2, .dilation = 2, .padding = Padding::reflect};
  const gemm::Gathered g(2, gemm::forward_axis(7, 3, options), gemm::forward_axis(6, 2, options), 5);
  const Conv2dAxis rows = conv2d_axis(7, 3, options), columns = conv2d_axis(6, 2, options);
  CHECK(g.places == 2 * rows.out * columns.out);
  CHECK(g.depth == 3 * 2 * 5);
  for (int32_t p = 0; p < g.places; ++p) {
    for (int32_t d = 0; d < g.depth; ++d) {
      const int64_t picture = p / (rows.out * columns.out), i = p / columns.out % rows.out, j = p % columns.out;
      const int64_t row = padded_source(i * 2 + d / 10 * 2 - rows.before, 7, PadMode::reflect);
      const int64_t column = padded_source(j * 2 + d / 5 % 2 * 2 - columns.before, 6, PadMode::reflect);
      const gemm::Tap tap = g.taps.at(d);
      CHECK(g.element(g.pixel(g.place(p), tap), tap) == ((picture * 7 + row) * 6 + column) * 5 + d % 5);
    }
  }
}

TEST_CASE("conv2d_cuda: the faces, within the bounds, in fenced memory") {
  if (!test::has_device_or_skips()) return;
  const MemoryCheck memory;
  for (const Layer& l : layers()) {
    CAPTURE(l.x);
    CAPTURE(l.w);
    const Tensor x = values(l.x, 1), w = values(l.w, 2);
    const Shape out = conv2d(x, w, l.options).shape();
    const Tensor g = values(out, 3);
    const int64_t taps = l.w[0] * l.w[1];
    check_everywhere(taps * l.x[3], x, w,
                     [&](const Tensor& a, const Tensor& b) { return conv2d(a, b, l.options).value(); });
    check_everywhere(out[0] * out[1] * out[2], x, g, [&](const Tensor& a, const Tensor& b) {
      return conv2d_weight(a, b, l.w[0], l.w[1], l.options).value();
    });
    if (mirrors(l.options.padding)) continue;
    check_everywhere(taps * l.w[3], g, w, [&](const Tensor& a, const Tensor& b) {
      return conv2d_input(a, b, l.x[1], l.x[2], l.options).value();
    });
  }
  CHECK(memory.violations() == 0);
}

TEST_CASE("conv2d_cuda: the weight gradient of many pixels, in parts") {
  if (!test::has_device_or_skips()) return;
  for (const int64_t channels : {4, 5}) {
    const Tensor x = values({3, 31, 33, channels}, 1), g = values({3, 31, 33, 8}, 2);
    CHECK(gemm::splits_for(1, 3 * 31 * 33, 4).count > 1);
    check_everywhere(3 * 31 * 33, x, g,
                     [](const Tensor& a, const Tensor& b) { return conv2d_weight(a, b, 3, 3).value(); });
  }
}

TEST_CASE("conv2d_cuda: empty batches") {
  if (!test::has_device_or_skips()) return;
  const Tensor x = Tensor::zeros({0, 4, 4, 4}).to(cuda), w = Tensor::zeros({3, 3, 4, 8}).to(cuda);
  const Variable y = conv2d(x, w);
  CHECK(y.shape() == Shape{0, 4, 4, 8});
  CHECK(conv2d_input(y, w, 4, 4).shape() == x.shape());
  for (const double e : conv2d_weight(x, y, 3, 3).value().to_vector()) CHECK(e == 0);
}

TEST_CASE("conv2d_cuda: bias and every activation in the same pass") {
  if (!test::has_device_or_skips()) return;
  using Kind = Activation::Kind;
  for (const int64_t co : {3, 8, 33}) {
    const Tensor x = case_values({2, 7, 6, 4}, 6), w = case_values({3, 3, 4, co}, 7), b = case_values({co}, 8);
    for (const Kind kind : {Kind::none, Kind::elu, Kind::relu, Kind::leaky_relu, Kind::clip}) {
      const Activation activation{.kind = kind, .slope = 0.3};
      const Tensor expected = conv2d_bias_act(x, w, b, {.stride = 2}, activation).value();
      const auto on_device = [&](DType t) {
        const auto there = [t](const Tensor& v) { return v.to(t).to(cuda); };
        return conv2d_bias_act(there(x), there(w), there(b), {.stride = 2}, activation).value().to(Device{});
      };
      CHECK_CLOSE(on_device(DType::f64), expected, 1e-13);
      CHECK_CLOSE(on_device(DType::f32), expected, 2e-5);
      for (const auto& [p, tolerance] : {std::pair{Precision::high, 5e-4}, std::pair{Precision::medium, 3e-2}}) {
        const WithPrecision at(p);
        test::with_either_instructions([&] { CHECK_CLOSE(on_device(DType::f32), expected, tolerance); });
      }
    }
  }
}

TEST_CASE("conv2d_cuda: of a doubled picture") {
  if (!test::has_device_or_skips()) return;
  const MemoryCheck memory;
  const std::pair<Shape, int64_t> sizes[] = {
      {{2, 5, 7, 3}, 5}, {{1, 9, 4, 8}, 36}, {{1, 1, 1, 2}, 1}, {{1, 12, 11, 4}, 64}};
  for (const auto& [shape, out] : sizes) {
    for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
      CAPTURE(shape);
      const Tensor x = values(shape, 1), w = values({3, 3, shape[3], out}, 2), b = Tensor::zeros({out});
      check_everywhere(9 * shape[3] + 16, x, w, [&](const Tensor& left, const Tensor& right) {
        return upsampled_conv2d_bias_act(left, right, b.to(left.dtype()).to(left.device()), padding).value();
      });
    }
  }
  CHECK(memory.violations() == 0);
}

}  // namespace lacuna
