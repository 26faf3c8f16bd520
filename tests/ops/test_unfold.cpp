#include <algorithm>

#include "ops/unfold/unfold.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

/// The definition, with the padding rule as it is written down for each axis.
Tensor definition(const Tensor& x, const PatchOptions& o) {
  struct Axis {
    int64_t out, before;
  };
  const auto axis = [&](int64_t n) -> Axis {
    if (!o.same) return {(n - o.kernel) / o.stride + 1, 0};
    const int64_t out = (n + o.stride - 1) / o.stride;
    return {out, std::max<int64_t>((out - 1) * o.stride + o.kernel - n, 0) / 2};
  };
  const int64_t h = x.dim(1), w = x.dim(2), channels = x.dim(3);
  const Axis rows = axis(h), cols = axis(w);
  Tensor y({x.dim(0), rows.out, cols.out, o.kernel * o.kernel * channels}, DType::f64);
  double* to = y.data<double>();
  for (int64_t n = 0; n < x.dim(0); ++n) {
    for (int64_t i = 0; i < rows.out * cols.out; ++i) {
      for (int64_t k = 0; k < o.kernel * o.kernel; ++k) {
        const int64_t r = i / cols.out * o.stride - rows.before + k / o.kernel;
        const int64_t c = i % cols.out * o.stride - cols.before + k % o.kernel;
        const bool inside = r >= 0 && r < h && c >= 0 && c < w;
        for (int64_t d = 0; d < channels; ++d) {
          *to++ = inside ? x.data<double>()[((n * h + r) * w + c) * channels + d] : 0;
        }
      }
    }
  }
  return y;
}

constexpr PatchOptions settings[] = {{3, 1, true}, {4, 2, true},  {5, 2, true},  {2, 1, true},  {2, 3, true},
                                     {1, 1, true}, {3, 1, false}, {4, 2, false}, {2, 4, false}, {5, 1, false}};

}  // namespace

TEST_CASE("unfold: every case in every mode") { test::run_modes(unfold_cases()); }

TEST_CASE("unfold: values against the definition") {
  for (const Shape& shape : {Shape{2, 6, 7, 3}, Shape{1, 5, 5, 1}, Shape{1, 8, 12, 2}}) {
    const Tensor x = case_values(shape, 1);
    for (const PatchOptions& o : settings) CHECK(test::same_bits(unfold(x, o).value(), definition(x, o)));
  }
  const Tensor small = case_values({1, 1, 2, 2}, 2);
  CHECK(test::same_bits(unfold(small, {5, 1, true}).value(), definition(small, {5, 1, true})));
}

TEST_CASE("unfold: fold is its adjoint") {
  const Tensor x = case_values({2, 33, 24, 16}, 3);
  for (const PatchOptions& o : settings) {
    const Tensor patches = unfold(x, o).value(), y = case_values(patches.shape(), 4);
    CHECK(test::inner(patches, y) == doctest::Approx(test::inner(x, fold(y, 33, 24, o).value())).epsilon(1e-10));
  }
}

TEST_CASE("unfold: patches side by side fold back to the picture") {
  const Tensor x = case_values({2, 12, 16, 3}, 5).to(DType::f32);
  for (const bool same : {true, false}) {
    const PatchOptions o{4, 4, same};
    CHECK(test::same_bits(fold(unfold(x, o), 12, 16, o).value(), x));
  }
}

TEST_CASE("unfold: the same bits with any number of threads") {
  const Tensor x = case_values({2, 48, 48, 16}, 6).to(DType::f32);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = fold(unfold(x, {4, 2, true}), 48, 48, {4, 2, true}).value();
  set_num_threads(4);
  CHECK(test::same_bits(fold(unfold(x, {4, 2, true}), 48, 48, {4, 2, true}).value(), one));
  set_num_threads(threads);
}

TEST_CASE("unfold: errors name the op and the shapes") {
  const auto error = [](auto f) { return test::error_of(f); };
  CHECK(error([] { unfold(Tensor::zeros({4, 5}), {}); }) == "[unfold] an image batch (N,H,W,C) is needed, not (4,5)");
  CHECK(error([] {
          unfold(Tensor::zeros({1, 4, 5, 2}), {.stride = 0});
        }) == "[unfold] kernel and stride must be at least 1, not 3 and 0");
  CHECK(error([] {
          unfold(Tensor::zeros({1, 2, 5, 2}), {.same = false});
        }) == "[unfold] no patch of 3 x 3 lies inside (1,2,5,2); use smaller patches or same = true");
  CHECK(error([] {
          fold(Tensor::zeros({1, 4, 5, 17}), 4, 5, {});
        }) == "[fold] 17 elements a patch cannot be 3 x 3 pixels: (1,4,5,17)");
  CHECK(error([] {
          fold(Tensor::zeros({1, 4, 5, 18}), 4, 6, {});
        }) == "[fold] a picture (1,4,6,2) has patches (1,4,6,18), not (1,4,5,18)");
}

}  // namespace lacuna
