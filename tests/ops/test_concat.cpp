#include <algorithm>
#include <numeric>

#include "ops/concat/concat.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

/// The definition: element (i_0, i_1, ...) of the result is the element of x whose axis axes[k] is i_k.
Tensor permuted(const Tensor& x, const std::vector<int>& axes) {
  std::vector<int64_t> dims, strides(axes.size(), 1);
  for (int a = x.rank() - 2; a >= 0; --a) strides[a] = strides[a + 1] * x.dim(a + 1);
  for (const int a : axes) dims.push_back(x.dim(a));
  Tensor y(Shape(dims), DType::f64);
  for (int64_t i = 0; i < y.numel(); ++i) {
    int64_t rest = i, source = 0;
    for (int k = x.rank() - 1; k >= 0; --k) {
      source += rest % dims[k] * strides[axes[k]];
      rest /= dims[k];
    }
    y.data<double>()[i] = x.data<double>()[source];
  }
  return y;
}

}  // namespace

TEST_CASE("concat: every case in every mode") { test::run_modes(concat_cases()); }

TEST_CASE("concat: values against the definition") {
  const Tensor a = Tensor::from<float>({2, 2, 1}, {1, 2, 3, 4}), b = Tensor::from<float>({2, 1, 1}, {5, 6});
  CHECK(concat({a, b}, 1).value().to_vector() == std::vector<double>{1, 2, 5, 3, 4, 6});
  CHECK(concat({a, b}, -2).shape() == Shape{2, 3, 1});
  CHECK(concat({a, a}, 0).value().to_vector() == std::vector<double>{1, 2, 3, 4, 1, 2, 3, 4});
  CHECK(slice(a, 1, 1, 1).value().to_vector() == std::vector<double>{2, 4});
  CHECK(slice(a, 1, 2, 0).shape() == Shape{2, 0, 1});
  CHECK(embed(b, 1, 1, 3).value().to_vector() == std::vector<double>{0, 5, 0, 0, 6, 0});
  CHECK(concat({a, slice(a, 1, 2, 0)}, 1).value().to_vector() == a.to_vector());
}

TEST_CASE("concat: every element type") {
  for (const DType type : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::u8}) {
    const Tensor a = Tensor::from<float>({2, 2}, {1, 2, 3, 4}).to(type);
    CHECK(concat({a, a}, 1).value().to_vector() == std::vector<double>{1, 2, 1, 2, 3, 4, 3, 4});
    CHECK(embed(a, 0, 1, 3).value().to_vector() == std::vector<double>{0, 0, 1, 2, 3, 4});
    CHECK(permute(a, {1, 0}).value().to_vector() == std::vector<double>{1, 3, 2, 4});
  }
}

TEST_CASE("concat: parts of an image batch come back as they went in") {
  for (const DType type : {DType::f32, DType::f64, DType::u8}) {
    for (const int64_t channels : {2, 3, 7}) {
      const Tensor image = case_values({4, 64, 48, channels}, 1, 0, 100).to(type),
                   mask = case_values({4, 64, 48, 1}, 2, 0, 100).to(type);
      const Variable joined = concat({image, mask, mask}, 3);
      CHECK(test::same_bits(slice(joined, 3, 0, channels).value(), image));
      CHECK(test::same_bits(slice(joined, 3, channels, 1).value(), mask));
      CHECK(test::same_bits(slice(joined, 3, channels + 1, 1).value(), mask));
      CHECK(test::same_bits(slice(concat({image, image}, 0), 0, 4, 4).value(), image));
    }
  }
}

TEST_CASE("concat: embed is the adjoint of slice") {
  const Tensor x = case_values({2, 64, 64, 16}, 3);
  for (const int axis : {0, 1, 2, 3}) {
    const int64_t length = x.dim(axis) / 2;
    const Tensor sliced = slice(x, axis, 1, length).value();
    const Tensor y = case_values(sliced.shape(), 4);
    CHECK(test::inner(sliced, y) ==
          doctest::Approx(test::inner(x, embed(y, axis, 1, x.dim(axis)).value())).epsilon(1e-12));
  }
}

TEST_CASE("concat: reshape shares its storage") {
  const Variable x = case_values({4, 6}, 5);
  CHECK(reshape(x, Shape{2, 12}).value().raw() == x.value().raw());
  CHECK(reshape(x, {2, -1, 3}).shape() == Shape{2, 4, 3});
  CHECK(reshape(x, std::vector<int64_t>{-1}).shape() == Shape{24});
  CHECK(reshape(Tensor::scalar(3), Shape{1, 1}).shape() == Shape{1, 1});
}

TEST_CASE("concat: permute against the definition, for every order of four axes") {
  for (const Shape& shape : {Shape{3, 5, 2, 4}, Shape{1, 40, 3, 37}, Shape{2, 1, 300, 1}}) {
    const Tensor x = case_values(shape, 6);
    std::vector<int> axes{0, 1, 2, 3};
    do {
      CHECK(test::same_bits(permute(x, axes).value(), permuted(x, axes)));
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
  const Variable x = case_values({2, 1, 3}, 7);
  CHECK(permute(x, {1, 0, 2}).value().raw() == x.value().raw());
  CHECK(permute(x, {-1, 0, 1}).shape() == Shape{3, 2, 1});
  CHECK(permute(Tensor::zeros({2, 0, 3}), {2, 1, 0}).shape() == Shape{3, 0, 2});
}

TEST_CASE("concat: permute of the attention matrix, with any number of threads") {
  const Tensor x = case_values({1, 24, 20, 24, 20}, 8);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = permute(x, {0, 2, 1, 4, 3}).value();
  set_num_threads(4);
  const Tensor four = permute(x, {0, 2, 1, 4, 3}).value();
  set_num_threads(threads);
  CHECK(test::same_bits(one, permuted(x, {0, 2, 1, 4, 3})));
  CHECK(test::same_bits(one, four));
  CHECK(test::same_bits(permute(four, {0, 2, 1, 4, 3}).value(), x));
}

TEST_CASE("concat: errors name the op and the shapes") {
  const Variable x = Tensor::zeros({2, 3});
  const auto error = [](auto f) { return test::error_of(f); };
  CHECK(error([&] { concat({}, 0); }) == "[concat] there is nothing to join: give at least one tensor");
  CHECK(error([&] { concat({x, x}, 2); }) == "[concat] there is no axis 2 in (2,3)");
  CHECK(error([&] {
          concat({x, Tensor::zeros({3, 2})}, 0);
        }) == "[concat] along axis 0 all other extents must agree: (2,3) and (3,2)");
  CHECK(error([&] { concat({x, Tensor::zeros({2, 3}, DType::f64)}, 0); }) == "[concat] the types differ: f32 and f64");
  CHECK(error([&] { slice(x, 1, 2, 2); }) == "[slice] elements [2, 4) do not lie within axis 1 of (2,3)");
  CHECK(error([&] { embed(x, 0, 1, 2); }) == "[embed] axis 0 of (2,3), placed at 1, does not fit into 2 elements");
  CHECK(error([&] { reshape(x, Shape{4, 2}); }) == "[reshape] (2,3) has 6 elements and cannot become (4,2)");
  CHECK(error([&] { reshape(x, {4, -1}); }) == "[reshape] the 6 elements of (2,3) cannot be divided among rows of 4");
  CHECK(error([&] { reshape(x, {-1, -1}); }) == "[reshape] only one extent can be -1");
  CHECK(error([&] { permute(x, {0}); }) == "[permute] 1 axes given for (2,3)");
  CHECK(error([&] { permute(x, {0, 0}); }) == "[permute] axis 0 of (2,3) is given twice");
}

}  // namespace lacuna
