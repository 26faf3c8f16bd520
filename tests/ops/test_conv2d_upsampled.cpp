// The convolution of a doubled picture against its definition, in value, gradient and second gradient, by every path.
#include "autograd/grad.h"
#include "ops/cases.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/path.h"
#include "ops/conv2d/upsampled.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using kernels::Conv2dPath;
using kernels::ForceConv2dPath;

/// Each pixel of x (N,H,W,C) twice in both directions.
Variable doubled(const Variable& x) {
  const int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  const Variable cells = reshape(x, {n, h, 1, w, 1, c});
  const Variable rows = concat({cells, cells}, 2);
  return reshape(concat({rows, rows}, 4), {n, 2 * h, 2 * w, c});
}

struct Layer {
  Shape x;
  int64_t out;
  Padding padding;
  Activation activation;
};

std::vector<Layer> layers() {
  using Kind = Activation::Kind;
  std::vector<Layer> all;
  for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
    all.push_back({{2, 5, 7, 3}, 5, padding, {.kind = Kind::elu}});
    all.push_back({{1, 9, 4, 17}, 33, padding, {.kind = Kind::leaky_relu}});
    all.push_back({{1, 5, 6, 3}, 4, padding, {.kind = Kind::clip}});
  }
  all.push_back({{1, 1, 1, 2}, 1, Padding::same, {}});
  return all;
}

/// y, its gradients for a cotangent, and the gradients of those.
template <class F>
std::vector<Tensor> everything(const Layer& l, DType dtype, F op) {
  const auto values = [dtype](const Shape& shape, uint64_t seed) { return case_values(shape, seed).to(dtype); };
  const Shape kernel{3, 3, l.x[3], l.out};
  const Variable x = Variable::leaf(values(l.x, 1)), w = Variable::leaf(values(kernel, 2));
  const Variable b = Variable::leaf(values({l.out}, 3));
  const Variable y = op(x, w, b);
  const Variable g = Variable::leaf(values(y.shape(), 4));
  const Variables first = grad(y, {x, w, b}, {.cotangent = g, .create_graph = true});
  std::vector<Tensor> all = {y.value()};
  for (size_t k = 0; k < first.size(); ++k) {
    all.push_back(first[k].value());
    const Variables second = grad(first[k], {x, w, b, g}, {.cotangent = values(first[k].shape(), 5 + k)});
    for (const Variable& s : second) all.push_back(s.value());
  }
  return all;
}

std::vector<Tensor> fused(const Layer& l, DType dtype, Conv2dPath path) {
  const ForceConv2dPath force(path);
  return everything(l, dtype, [&](const Variable& x, const Variable& w, const Variable& b) {
    return upsampled_conv2d_bias_act(x, w, b, l.padding, l.activation);
  });
}

std::vector<Tensor> plain(const Layer& l) {
  const ForceConv2dPath force(Conv2dPath::direct);
  return everything(l, DType::f64, [&](const Variable& x, const Variable& w, const Variable& b) {
    return conv2d_bias_act(doubled(x), w, b, {.padding = l.padding}, l.activation);
  });
}

}  // namespace

TEST_CASE("upsampled_conv2d_bias_act: what its definition gives, differentiated twice") {
  for (const Layer& l : layers()) {
    CAPTURE(l.x);
    const std::vector<Tensor> expected = plain(l);
    for (const Conv2dPath path : {Conv2dPath::direct, Conv2dPath::winograd}) {
      const std::vector<Tensor> computed = fused(l, DType::f64, path);
      for (size_t k = 0; k < expected.size(); ++k) CHECK_CLOSE(computed[k], expected[k], 1e-11);
    }
  }
}

TEST_CASE("upsampled_conv2d_bias_act: f32, at every precision") {
  const Precision before = precision();
  for (Layer l : layers()) {
    l.activation = {};  // a kink would turn a rounding into a jump
    CAPTURE(l.x);
    const std::vector<Tensor> expected = plain(l);
    for (const auto& [p, tolerance] :
         {std::pair{Precision::highest, 2e-5}, std::pair{Precision::high, 1e-3}, std::pair{Precision::medium, 5e-2}}) {
      set_precision(p);
      for (const Conv2dPath path : {Conv2dPath::automatic, Conv2dPath::reduced}) {
        const std::vector<Tensor> computed = fused(l, DType::f32, path);
        for (size_t k = 0; k < expected.size(); ++k) CHECK_CLOSE(computed[k].to(DType::f64), expected[k], tolerance);
      }
    }
  }
  set_precision(before);
}

TEST_CASE("upsampled_conv2d_bias_act: says what does not fit") {
  const Variable x = case_values({1, 4, 4, 2}, 1), w = case_values({3, 3, 2, 3}, 2), b = case_values({3}, 3);
  CHECK(test::error_of([&] {
          upsampled_conv2d_bias_act(x, case_values({5, 5, 2, 3}, 2), b, Padding::same);
        }) == "[upsampled_conv2d_bias_act] needs x (N,H,W,Ci) and a kernel (3,3,Ci,Co), not (1,4,4,2) and (5,5,2,3)");
  CHECK(test::error_of([&] { upsampled_conv2d_bias_act(x, w, case_values({2}, 3), Padding::same); }) ==
        "[upsampled_conv2d_bias_act] the bias must be (3), not (2)");
  CHECK(test::error_of([&] { upsampled_conv2d_bias_act(x, w, b, Padding::valid); }) ==
        "[upsampled_conv2d_bias_act] needs padding on every side, not valid");
}

}  // namespace lacuna
