#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "ops/matmul/matmul.h"
#include "ops/matmul/tile.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// op(a) op(b) by Eigen.
template <class T>
Tensor eigen_product(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  const Eigen::Map<const RowMajor<T>> x(a.data<T>(), a.dim(0), a.dim(1)), w(b.data<T>(), b.dim(0), b.dim(1));
  const RowMajor<T> left = options.transpose_a ? RowMajor<T>(x.transpose()) : RowMajor<T>(x);
  const RowMajor<T> right = options.transpose_b ? RowMajor<T>(w.transpose()) : RowMajor<T>(w);
  const RowMajor<T> product = left * right;
  Tensor y({product.rows(), product.cols()}, a.dtype());
  std::copy_n(product.data(), product.size(), y.data<T>());
  return y;
}

template <class T>
void compare_with_eigen(int64_t m, int64_t n, int64_t k) {
  const double eps = std::is_same_v<T, float> ? 0x1p-23 : 0x1p-52;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      CAPTURE(m);
      CAPTURE(n);
      CAPTURE(k);
      const Tensor a = case_values(ta ? Shape{k, m} : Shape{m, k}, 1).to(dtype_of<T>());
      const Tensor b = case_values(tb ? Shape{n, k} : Shape{k, n}, 2).to(dtype_of<T>());
      const MatmulOptions options{.transpose_a = ta, .transpose_b = tb};
      CHECK_CLOSE(matmul(a, b, options).value(), eigen_product<T>(a, b, options), 4 * eps * std::sqrt(k));
    }
  }
}

}  // namespace

TEST_CASE("matmul: every case in every mode") { test::run_modes(matmul_cases()); }

TEST_CASE("matmul: against Eigen over odd sizes") {
  for (const int64_t m : {1, 13, 100}) {
    for (const int64_t n : {1, 33, 70}) {
      for (const int64_t k : {1, 37, 1500}) {
        compare_with_eigen<float>(m, n, k);
        compare_with_eigen<double>(m, n, k);
      }
    }
  }
}

TEST_CASE("matmul: every instruction set that this CPU has computes the same sums") {
  using namespace kernels;
  std::vector<const TileLevel<float>*> levels{&portable_f32};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels.push_back(&avx2_f32);
  if (__builtin_cpu_supports("avx512f")) levels.push_back(&avx512_f32);
  MESSAGE("levels tested: ", levels.size(), " of 3");
  std::vector<const TileKernels<float>*> tiles;
  for (const TileLevel<float>* level : levels) tiles.insert(tiles.end(), {&level->wide, &level->narrow});
  for (const TileKernels<float>* kernels : tiles) {
    const int64_t taps = 3, depth = 7, rows = kernels->rows, columns = kernels->columns;
    const Tensor a = case_values({taps * rows * depth}, 5).to(DType::f32);
    const Tensor b = case_values({taps * depth * columns}, 6).to(DType::f32);
    std::vector<const float*> pointers;
    for (int64_t i = 0; i < taps * rows; ++i) pointers.push_back(a.data<float>() + i * depth);
    Tensor tile({rows, columns}), expected = Tensor::zeros({rows, columns}, DType::f64);
    kernels->by_rows(taps, depth, pointers.data(), b.data<float>(), tile.data<float>());
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t k = 0; k < depth; ++k) {
          for (int64_t j = 0; j < columns; ++j) {
            expected.data<double>()[i * columns + j] +=
                double{pointers[t * rows + i][k]} * b.data<float>()[(t * depth + k) * columns + j];
          }
        }
      }
    }
    CHECK_CLOSE(tile, expected, 1e-6);
  }
}

TEST_CASE("matmul: errors show the shapes") {
  const Tensor a = Tensor::zeros({2, 3});
  CHECK(test::error_of([&] { matmul(a, a); }) == "[matmul] inner extents differ: a (2,3), b (2,3)");
  CHECK(test::error_of([&] { matmul(a, Tensor::zeros({3})); }) ==
        "[matmul] operands need two axes at least: a (2,3), b (3)");
  CHECK(test::error_of([&] {
          matmul(Tensor::zeros({2, 2, 3}), Tensor::zeros({4, 3, 2}));
        }) == "[matmul] batch axes differ: a (2,2,3), b (4,3,2)");
}

}  // namespace lacuna
