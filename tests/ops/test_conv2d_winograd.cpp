// Winograd's filtering against the direct convolution, in value, gradient and second gradient.
#include "autograd/grad.h"
#include "ops/cases.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/path.h"
#include "ops/conv2d/winograd.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using kernels::Conv2dPath;
using kernels::ForceConv2dPath;

struct Layer {
  Shape x, w;
  Conv2dOptions options;
};

/// Odd sizes, every padding, dilation, both strides; channels below, at and above the vectors' widths.
std::vector<Layer> layers() {
  std::vector<Layer> all;
  for (const Padding padding : {Padding::same, Padding::valid, Padding::reflect, Padding::symmetric}) {
    all.push_back({{2, 13, 10, 5}, {3, 3, 5, 7}, {.padding = padding}});
    all.push_back({{1, 8, 9, 17}, {3, 3, 17, 33}, {.padding = padding}});
    all.push_back({{1, 11, 19, 4}, {3, 3, 4, 3}, {.dilation = 3, .padding = padding}});
    all.push_back({{1, 35, 34, 2}, {3, 3, 2, 5}, {.dilation = 16, .padding = padding}});
    all.push_back({{2, 13, 16, 3}, {5, 5, 3, 18}, {.stride = 2, .padding = padding}});
    all.push_back({{1, 12, 9, 9}, {5, 4, 9, 4}, {.stride = 2, .padding = padding}});
    all.push_back({{1, 14, 11, 17}, {3, 3, 17, 20}, {.stride = 2, .padding = padding}});
    all.push_back({{2, 9, 12, 6}, {3, 5, 6, 9}, {.stride = 2, .padding = padding}});
  }
  all.push_back({{1, 1, 1, 2}, {3, 3, 2, 2}, {}});
  all.push_back({{1, 2, 3, 1}, {5, 5, 1, 1}, {.stride = 2}});
  // Kernels larger than the few tiles.
  all.push_back({{1, 11, 9, 33}, {5, 5, 33, 130}, {.stride = 2}});
  all.push_back({{3, 9, 7, 96}, {3, 3, 96, 64}, {}});
  return all;
}

/// y, its gradients for a cotangent, and the gradients of those.
std::vector<Tensor> everything(const Layer& l, DType dtype, Conv2dPath path) {
  const ForceConv2dPath force(path);
  const auto values = [dtype](const Shape& shape, uint64_t seed) { return case_values(shape, seed).to(dtype); };
  const Variable x = Variable::leaf(values(l.x, 1)), w = Variable::leaf(values(l.w, 2));
  const Variable y = conv2d(x, w, l.options);
  const Variable g = Variable::leaf(values(y.shape(), 3));
  const Variables first = grad(y, {x, w}, {.cotangent = g, .create_graph = true});
  std::vector<Tensor> all = {y.value(), first[0].value(), first[1].value()};
  for (const Variable& second : grad(first[0], {w, g}, {.cotangent = values(l.x, 4)})) all.push_back(second.value());
  for (const Variable& second : grad(first[1], {x, g}, {.cotangent = values(l.w, 5)})) all.push_back(second.value());
  return all;
}

}  // namespace

TEST_CASE("winograd: value, gradient and second gradient are the direct convolution's") {
  for (const Layer& l : layers()) {
    CAPTURE(l.x);
    CAPTURE(l.w);
    REQUIRE(kernels::winograd::possible(l.w[0], l.w[1], l.options));
    const std::vector<Tensor> fast = everything(l, DType::f64, Conv2dPath::winograd);
    const std::vector<Tensor> plain = everything(l, DType::f64, Conv2dPath::direct);
    for (size_t k = 0; k < fast.size(); ++k) CHECK_CLOSE(fast[k], plain[k], 1e-12);
  }
}

TEST_CASE("winograd: in f32 the error stays within a small multiple of the direct convolution's") {
  const Layer l{{1, 24, 24, 64}, {3, 3, 64, 48}, {}};
  const std::vector<Tensor> exact = everything(l, DType::f64, Conv2dPath::direct);
  const std::vector<Tensor> fast = everything(l, DType::f32, Conv2dPath::winograd);
  for (size_t k = 0; k < fast.size(); ++k) CHECK_CLOSE(fast[k].to(DType::f64), exact[k], 1e-5);
}

TEST_CASE("winograd: the same bits for any number of threads") {
  const Layer l{{2, 37, 41, 32}, {3, 3, 32, 40}, {.dilation = 2}};
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<Tensor> one = everything(l, DType::f32, Conv2dPath::winograd);
  set_num_threads(2);
  const std::vector<Tensor> two = everything(l, DType::f32, Conv2dPath::winograd);
  set_num_threads(before);
  for (size_t k = 0; k < one.size(); ++k) CHECK(one[k].to_vector() == two[k].to_vector());
}

}  // namespace lacuna
