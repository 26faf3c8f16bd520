#include <Eigen/Dense>
#include <cmath>

#include "ops/cases.h"
#include "optim/muon.h"
#include "tests/support/any_threads.h"

namespace lacuna {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A reproducible f64 tensor.
Tensor values(const Shape& shape, uint64_t seed) { return case_values(shape, seed); }

Matrix matrix_of(const Tensor& t) {
  const std::vector<double> elements = t.to_vector();
  return Eigen::Map<const Matrix>(elements.data(), t.dim(0), t.dim(1));
}

Tensor tensor_of(const Matrix& m, const Shape& shape) {
  return Tensor::from(shape, std::vector<double>(m.data(), m.data() + m.size()));
}

/// The definition on singular values: U f(S) V^T, with the polynomial applied five times to each.
Matrix by_singular_values(const Matrix& m) {
  const Eigen::JacobiSVD<Matrix> svd(m, Eigen::ComputeThinU | Eigen::ComputeThinV);
  Eigen::VectorXd s = svd.singularValues() / m.norm();
  for (int i = 0; i < 5; ++i) {
    s = s.unaryExpr([](double x) { return 3.4445 * x - 4.7750 * x * x * x + 2.0315 * x * x * x * x * x; });
  }
  return svd.matrixU() * s.asDiagonal() * svd.matrixV().transpose();
}

}  // namespace

TEST_CASE("orthogonalise: the same singular vectors, singular values near one") {
  for (const Shape& shape : {Shape{7, 7}, Shape{40, 5}, Shape{5, 40}, Shape{1, 6}, Shape{9, 1}, Shape{1, 1}}) {
    CAPTURE(shape.dim(0));
    CAPTURE(shape.dim(1));
    const Tensor m = values(shape, 3);
    const Tensor x = orthogonalise(m);
    CHECK_CLOSE(x, tensor_of(by_singular_values(matrix_of(m)), shape), 1e-11);
    // Neither the size nor the type of the numbers matters.
    Matrix small = matrix_of(m) * 1e-6;
    CHECK_CLOSE(orthogonalise(tensor_of(small, shape)), x, 1e-10);
    CHECK_CLOSE(orthogonalise(m.to(DType::f32)), x.to(DType::f32), 1e-4);
  }
}

TEST_CASE("orthogonalise: every singular value above 0.002 of the norm ends near one") {
  Matrix diagonal = Matrix::Zero(60, 60);
  for (int i = 0; i < 60; ++i) diagonal(i, i) = std::pow(10, -2.3 * i / 59);
  REQUIRE(diagonal(59, 59) / diagonal.norm() == doctest::Approx(0.002).epsilon(0.1));
  for (const double scale : {1.0, 0.1, 30.0}) {
    const Matrix x = matrix_of(orthogonalise(tensor_of(scale * diagonal, {60, 60})));
    for (int i = 0; i < 60; ++i) {
      CAPTURE(diagonal(i, i));
      CHECK(x(i, i) > 0.68);
      CHECK(x(i, i) < 1.21);
    }
  }
}

TEST_CASE("orthogonalise: matrices of any size, also where their squares vanish") {
  const Tensor x = tensor_of(Matrix::Random(4, 3), {4, 3}).to(DType::f32);
  const Tensor expected = orthogonalise(x);
  for (const float scale : {1e-25f, 1e25f}) {
    Tensor scaled = x.clone();
    for (int64_t i = 0; i < x.numel(); ++i) scaled.data<float>()[i] *= scale;
    CHECK_CLOSE(orthogonalise(scaled), expected, 1e-4);
  }
}

TEST_CASE("orthogonalise: zeros stay zeros, other ranks are an error") {
  const Tensor zeros = Tensor::zeros({4, 3});
  CHECK(test::same_bits(orthogonalise(zeros), zeros));
  CHECK(test::error_of([] { orthogonalise(Tensor::zeros({4})); }) == "[orthogonalise] a matrix is needed, not (4)");
}

TEST_CASE("muon: kernels by the formula, biases by Adam") {
  const Shape kernel{3, 3, 2, 4}, bias{4};
  Tensor w = values(kernel, 1), b = values(bias, 2);
  Tensor same_b = b.clone();
  const MuonOptions options{.momentum = 0.9, .adam = {.beta1 = 0.5, .beta2 = 0.99}};
  Muon muon({{"w", w}, {"b", b}}, options);
  Adam adam({{"b", same_b}}, options.adam);
  Matrix expected = matrix_of(w.reshaped({18, 4})), m = Matrix::Zero(18, 4);
  for (uint64_t t = 1; t <= 4; ++t) {
    const double lr = 0.01 * static_cast<double>(t);
    const Tensor of_w = values(kernel, 10 * t), of_b = values(bias, 10 * t + 1);
    muon.step({of_w, of_b}, lr);
    adam.step({of_b}, lr);
    const Matrix g = matrix_of(of_w.reshaped({18, 4}));
    m = 0.9 * m + 0.1 * g;
    expected -= 0.2 * lr * std::sqrt(18.0) * by_singular_values(0.9 * m + 0.1 * g);
  }
  CHECK_CLOSE(w, tensor_of(expected, kernel), 1e-11);
  CHECK(test::same_bits(b, same_b));
}

TEST_CASE("muon: a wide matrix's rate follows its longer side") {
  Tensor tall = values({30, 4}, 1);
  const Tensor gradient = values({30, 4}, 2);
  const auto transposed = [](const Tensor& t) {
    const Matrix m = matrix_of(t).transpose();
    return tensor_of(m, {t.dim(1), t.dim(0)});
  };
  Tensor wide = transposed(tall);
  Muon({{"p", tall}}, {}).step({gradient}, 0.1);
  Muon({{"p", wide}}, {}).step({transposed(gradient)}, 0.1);
  CHECK_CLOSE(transposed(wide), tall, 1e-12);
}

TEST_CASE("muon: restored from its state it goes on with the same bits") {
  const auto gradients = [](uint64_t t) { return std::vector<Tensor>{values({6, 4}, 10 + t), values({5}, 20 + t)}; };
  const auto parameters = [] { return Muon::Named{{"w", values({6, 4}, 1)}, {"b", values({5}, 2)}}; };
  const Muon::Named whole = parameters(), parts = parameters();
  Muon muon(whole, {});
  for (uint64_t t = 0; t < 4; ++t) muon.step(gradients(t), 0.1);
  Muon first(parts, {});
  for (uint64_t t = 0; t < 2; ++t) first.step(gradients(t), 0.1);
  Muon second(parts, {});
  second.load(first.state());
  for (uint64_t t = 2; t < 4; ++t) second.step(gradients(t), 0.1);
  for (size_t k = 0; k < 2; ++k) CHECK(test::same_bits(whole[k].second, parts[k].second));
}

TEST_CASE("muon: the same bits for any number of threads") {
  test::on_any_threads([] {
    Tensor p = values({700, 90}, 1).to(DType::f32).clone();
    Muon muon({{"p", p}}, {});
    muon.step({values({700, 90}, 2).to(DType::f32)}, 0.1);
    return p;
  });
}

TEST_CASE("muon: errors") {
  const Tensor w = Tensor::zeros({2, 3}), b = Tensor::zeros({3});
  CHECK(test::error_of([&] {
          Muon({{"w", w}}, {.momentum = 1, .adam = {}});
        }) == "[muon] the momentum must be in [0, 1), not 1");
  CHECK(test::error_of([&] { Muon({{"w", w}, {"w", w}}, {}); }) == "[muon] two parameters are named w");
  Muon muon({{"w", w}, {"b", b}}, {});
  CHECK(test::error_of([&] { muon.step({w}, 1); }) == "[muon] 1 gradients for 2 parameters");
  CHECK(test::error_of([&] {
          muon.step({b, b}, 1);
        }) == "[muon] the gradient of w is (3) f32, the parameter (2,3) f32");
  Muon::Named state = muon.state();
  CHECK(state.size() == 4);  // updates, m/b, v/b, m/w
  state.pop_back();
  CHECK(test::error_of([&] { muon.load(state); }) == "[muon] the state lacks m/w");
}

}  // namespace lacuna
