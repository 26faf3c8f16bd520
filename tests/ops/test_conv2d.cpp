#include <cmath>

#include "autograd/grad.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/kernels.h"
#include "ops/conv2d/path.h"
#include "ops/pad/pad.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

using test::inner;

PadMode mode_of(Padding padding) {
  return padding == Padding::reflect     ? PadMode::reflect
         : padding == Padding::symmetric ? PadMode::symmetric
                                         : PadMode::zero;
}

/// The definition, in seven loops and f64.
Tensor naive_conv2d(const Tensor& x, const Tensor& w, const Conv2dOptions& o) {
  const int64_t kh = w.dim(0), kw = w.dim(1), ci = w.dim(2), co = w.dim(3);
  const Conv2dAxis rows = conv2d_axis(x.dim(1), kh, o), columns = conv2d_axis(x.dim(2), kw, o);
  Tensor y = Tensor::zeros({x.dim(0), rows.out, columns.out, co}, DType::f64);
  const Tensor x64 = x.to(DType::f64), w64 = w.to(DType::f64);
  double* out = y.data<double>();
  for (int64_t n = 0; n < x.dim(0); ++n)
    for (int64_t i = 0; i < rows.out; ++i)
      for (int64_t j = 0; j < columns.out; ++j, out += co)
        for (int64_t r = 0; r < kh; ++r)
          for (int64_t s = 0; s < kw; ++s) {
            const int64_t row = padded_source(i * o.stride + r * o.dilation - rows.before, rows.in, mode_of(o.padding));
            const int64_t col =
                padded_source(j * o.stride + s * o.dilation - columns.before, columns.in, mode_of(o.padding));
            if (row < 0 || col < 0) continue;
            const double* pixel = x64.data<double>() + ((n * rows.in + row) * columns.in + col) * ci;
            const double* kernel = w64.data<double>() + (r * kw + s) * ci * co;
            for (int64_t c = 0; c < ci; ++c)
              for (int64_t k = 0; k < co; ++k) out[k] += pixel[c] * kernel[c * co + k];
          }
  return y;
}

struct Layer {
  Shape x, w;
  Conv2dOptions options;
};

std::vector<Layer> layers() {
  std::vector<Layer> all;
  for (const Padding padding : {Padding::same, Padding::valid, Padding::reflect, Padding::symmetric}) {
    all.push_back({{2, 20, 19, 5}, {5, 5, 5, 33}, {.padding = padding}});
    all.push_back({{1, 21, 40, 16}, {3, 3, 16, 3}, {.stride = 2, .padding = padding}});
    all.push_back({{3, 18, 17, 3}, {5, 5, 3, 20}, {.stride = 2, .padding = padding}});
    all.push_back({{1, 36, 35, 7}, {3, 3, 7, 40}, {.dilation = 16, .padding = padding}});
    // Few channels on either side, in pictures of more and of less than a strip; several groups of channels and strips.
    all.push_back({{2, 11, 21, 16}, {3, 3, 16, 3}, {.padding = padding}});
    all.push_back({{1, 5, 150, 6}, {3, 5, 6, 5}, {.padding = padding}});
    all.push_back({{1, 9, 30, 9}, {3, 3, 9, 2}, {.dilation = 3, .padding = padding}});
    all.push_back({{1, 6, 270, 3}, {3, 3, 3, 32}, {.padding = padding}});
    all.push_back({{2, 9, 71, 30}, {3, 3, 30, 64}, {.padding = padding}});
  }
  return all;
}

}  // namespace

TEST_CASE("conv2d: every case in every mode") { test::run_modes(conv2d_cases()); }

TEST_CASE("conv2d: TensorFlow's SAME geometry") {
  const auto axis = [](int64_t n, int64_t k, int64_t s, int64_t d) {
    return conv2d_axis(n, k, {.stride = s, .dilation = d});
  };
  CHECK(axis(256, 3, 2, 1).before == 0);  // 0 before, 1 after
  CHECK(axis(256, 5, 2, 1).before == 1);  // 1 before, 2 after
  CHECK(axis(255, 3, 2, 1).before == 1);
  CHECK(axis(255, 3, 2, 1).out == 128);
  CHECK(axis(64, 3, 1, 16).before == 16);
}

TEST_CASE("conv2d: against the definition over odd sizes") {
  const kernels::ForceConv2dPath force(kernels::Conv2dPath::direct);
  for (const Layer& l : layers()) {
    const MemoryCheck memory;
    const Tensor x = case_values(l.x, 1), w = case_values(l.w, 2);
    const Tensor expected = naive_conv2d(x, w, l.options);
    const double terms = static_cast<double>(l.w.numel() / l.w[3]);
    CHECK_CLOSE(conv2d(x, w, l.options).value(), expected, 4 * 0x1p-52 * std::sqrt(terms));
    CHECK_CLOSE(conv2d(x.to(DType::f32), w.to(DType::f32), l.options).value(), expected,
                8 * 0x1p-23 * std::sqrt(terms));
    CHECK(memory.violations() == 0);
  }
}

TEST_CASE("conv2d: its three faces are one trilinear form") {
  const kernels::ForceConv2dPath force(kernels::Conv2dPath::direct);
  const MemoryCheck memory;
  std::vector<Layer> all = layers();
  all.push_back({{2, 64, 64, 32}, {3, 3, 32, 64}, {.stride = 2}});
  all.push_back({{1, 64, 64, 128}, {3, 3, 128, 128}, {.dilation = 8}});
  all.push_back({{1, 33, 64, 64}, {5, 5, 64, 32}, {.stride = 2, .padding = Padding::reflect}});
  for (const Layer& l : all) {
    const Variable x = case_values(l.x, 3), w = case_values(l.w, 4), y = conv2d(x, w, l.options);
    const Variable g = case_values(y.shape(), 5);
    const double form = inner(y.value(), g.value());
    const double by_input = inner(conv2d_input(g, w, l.x[1], l.x[2], l.options).value(), x.value());
    const double by_weight = inner(conv2d_weight(x, g, l.w[0], l.w[1], l.options).value(), w.value());
    const double scale = std::sqrt(static_cast<double>(y.numel()) * static_cast<double>(w.numel()));
    CHECK(std::abs(by_input - form) <= 1e-13 * scale);
    CHECK(std::abs(by_weight - form) <= 1e-13 * scale);
  }
  CHECK(memory.violations() == 0);
}

TEST_CASE("conv2d_bias_act: equals its definition in value, gradient and second gradient") {
  using Kind = Activation::Kind;
  for (const Kind kind : {Kind::none, Kind::elu, Kind::relu, Kind::leaky_relu, Kind::clip}) {
    const Activation activation{.kind = kind};
    const Conv2dOptions options{.stride = 2};
    const auto run = [&](bool fused) {
      const Variable x = Variable::leaf(case_values({2, 9, 8, 3}, 6)), w = Variable::leaf(case_values({3, 3, 3, 4}, 7)),
                     b = Variable::leaf(case_values({4}, 8));
      const Variable y =
          fused ? conv2d_bias_act(x, w, b, options, activation) : activate(conv2d(x, w, options) + b, activation);
      std::vector<Tensor> all{y.value()};
      const Variable cotangent = case_values(y.shape(), 9);
      const Variables first = grad(y, {x, w, b}, {.cotangent = cotangent, .create_graph = true});
      for (const Variable& d : first) all.push_back(d.value());
      for (const Variable& d : grad(first[0] * first[0], {x, w, b})) all.push_back(d.value());
      return all;
    };
    const std::vector<Tensor> fused = run(true), plain = run(false);
    for (size_t i = 0; i < fused.size(); ++i) CHECK_CLOSE(fused[i], plain[i], 1e-13);
  }
}

TEST_CASE("conv2d_bias_act: every activation in the same pass, by every path") {
  using Kind = Activation::Kind;
  using kernels::Conv2dPath;
  const Precision before = precision();
  for (const int64_t co : {3, 20, 64}) {
    const Tensor x = case_values({2, 9, 40, 8}, 6), w = case_values({3, 3, 8, co}, 7), b = case_values({co}, 8);
    for (const Kind kind : {Kind::none, Kind::elu, Kind::relu, Kind::leaky_relu, Kind::clip}) {
      const Activation activation{.kind = kind, .slope = 0.3};
      const Tensor expected = activate(conv2d(x, w) + b, activation).value();
      for (const Conv2dPath path : {Conv2dPath::direct, Conv2dPath::winograd, Conv2dPath::reduced}) {
        const kernels::ForceConv2dPath force(path);
        set_precision(path == Conv2dPath::reduced ? Precision::high : Precision::highest);
        const auto fused = [&](DType dtype) {
          Tensor y(expected.shape(), dtype);
          on(x.device(),
             [&](auto& stream) { kernels::conv2d(stream, x.to(dtype), w.to(dtype), b.to(dtype), {}, activation, y); });
          return y;
        };
        CHECK_CLOSE(fused(DType::f64), expected, 1e-12);
        CHECK_CLOSE(fused(DType::f32), expected, path == Conv2dPath::reduced ? 1e-3 : 2e-5);
      }
    }
  }
  set_precision(before);
}

TEST_CASE("conv2d: the same bits for any number of threads") {
  const kernels::ForceConv2dPath force(kernels::Conv2dPath::direct);
  std::vector<Layer> all = layers();
  all.push_back({{1, 40, 150, 5}, {5, 5, 5, 32}, {}});
  all.push_back({{2, 33, 64, 64}, {3, 3, 64, 40}, {.stride = 2}});
  const int before = num_threads();
  for (const Layer& l : all) {
    const Variable x = case_values(l.x, 1).to(DType::f32), w = case_values(l.w, 2).to(DType::f32);
    const auto faces = [&](int threads) {
      set_num_threads(threads);
      const Variable y = conv2d(x, w, l.options);
      return std::vector<Tensor>{y.value(), conv2d_input(y, w, l.x[1], l.x[2], l.options).value(),
                                 conv2d_weight(x, y, l.w[0], l.w[1], l.options).value()};
    };
    const std::vector<Tensor> one = faces(1), two = faces(2), three = faces(3);
    for (size_t k = 0; k < one.size(); ++k) {
      CHECK(one[k].to_vector() == two[k].to_vector());
      CHECK(one[k].to_vector() == three[k].to_vector());
    }
  }
  set_num_threads(before);
}

TEST_CASE("conv2d: errors show the shapes") {
  const Tensor x = Tensor::zeros({1, 256, 256, 3}), w = Tensor::zeros({5, 5, 5, 32});
  CHECK(test::error_of([&] { conv2d(x, w); }) ==
        "[conv2d] kernel expects 5 input channels, x has 3: x (1,256,256,3), kernel (5,5,5,32)");
  CHECK(test::error_of([&] {
          conv2d(Tensor::zeros({1, 2, 2, 5}), w, {.padding = Padding::valid});
        }) == "[conv2d] an axis of 2 pixels is shorter than the kernel's extent 5");
  CHECK(test::error_of([&] {
          conv2d_bias_act(Tensor::zeros({1, 8, 8, 5}), w, Tensor::zeros({3}));
        }) == "[conv2d_bias_act] the bias must be (32) f32, not (3) f32");
  CHECK(test::error_of([&] {
          conv2d(x.to(DType::f64), Tensor::zeros({5, 5, 3, 32}));
        }) == "[conv2d] x is f64, kernel f32");
}

}  // namespace lacuna
