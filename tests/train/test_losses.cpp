#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/concat/concat.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "tests/support/any_threads.h"
#include "train/losses.h"
#include "train/ssim.h"

namespace lacuna {
namespace {

const Adversarial games[] = {Adversarial::wgan_gp, Adversarial::lsgan, Adversarial::log, Adversarial::hinge};

/// A mask (n,h,w,1), f64, with about a third of its pixels in the hole.
Tensor speckles(int64_t n, int64_t h, int64_t w, uint64_t seed) {
  Tensor mask = case_values({n, h, w, 1}, seed);
  for (int64_t i = 0; i < mask.numel(); ++i) mask.data<double>()[i] = mask.at(i) > 0.3 ? 1 : 0;
  return mask;
}

double softplus_of(double x) { return std::log1p(std::exp(x)); }

/// mean of f over the elements of x.
template <class F>
double mean_of(const Tensor& x, F f) {
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += f(x.at(i));
  return sum / static_cast<double>(x.numel());
}

void check_value(const Variable& loss, double expected) {
  CHECK(loss.rank() == 0);
  CHECK(loss.value().item() == doctest::Approx(expected).epsilon(1e-12));
}

}  // namespace

TEST_CASE("losses: the box's discount is the definition, also for odd and flat boxes") {
  for (const auto& [h, w] : {std::pair<int64_t, int64_t>{7, 4}, {1, 5}, {16, 16}}) {
    const Tensor weight = discount_mask(h, w, 0.9, DType::f64);
    CHECK(weight.shape() == Shape{1, h, w, 1});
    for (int64_t r = 0; r < h; ++r) {
      for (int64_t c = 0; c < w; ++c) {
        const double expected = std::max(std::pow(0.9, std::min(r, h - r)), std::pow(0.9, std::min(c, w - c)));
        CHECK(weight.at(r * w + c) == doctest::Approx(expected).epsilon(1e-14));
      }
    }
  }
}

TEST_CASE("losses: the distance to the nearest known pixel is exact") {
  for (const auto& [h, w] : {std::pair<int64_t, int64_t>{13, 9}, {1, 20}, {20, 1}}) {
    Tensor mask = speckles(2, h, w, 5);
    for (int64_t i = 0; i < h * w; ++i) mask.data<double>()[i] = i == h * w / 3 ? 0 : 1;  // a single known pixel
    const Tensor distance = test::on_any_threads([&] { return distance_to_known(mask); });
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t p = 0; p < h * w; ++p) {
        double nearest = std::numeric_limits<double>::infinity();
        for (int64_t q = 0; q < h * w; ++q) {
          if (mask.at(n * h * w + q) > 0.5) continue;
          nearest =
              std::min(nearest, std::hypot(static_cast<double>(p / w - q / w), static_cast<double>(p % w - q % w)));
        }
        CHECK(distance.at(n * h * w + p) == doctest::Approx(nearest).epsilon(1e-14));
      }
    }
  }
}

TEST_CASE("losses: the distance discount") {
  const Tensor mask = Tensor::from<float>({1, 1, 5, 1}, {0, 1, 1, 1, 0});
  CHECK_CLOSE(discount_mask_distance(mask, 0.5), Tensor::from<float>({1, 1, 5, 1}, {1, 0.5F, 0.25F, 0.5F, 1}), 1e-7);
  CHECK(discount_mask_distance(Tensor::full({1, 2, 2, 1}, 1), 0.5).at(0) == 0);  // nothing known
}

TEST_CASE("losses: crop_boxes takes each sample's own window") {
  const Tensor x = case_values({2, 5, 6, 3}, 1);
  const std::vector<Box> boxes{{1, 2, 3, 2}, {0, 4, 3, 2}};
  const Variable y = crop_boxes(x, boxes);
  REQUIRE(y.shape() == Shape{2, 3, 2, 3});
  int64_t i = 0;
  for (int64_t n = 0; n < 2; ++n) {
    const Box& box = boxes[static_cast<size_t>(n)];
    for (int64_t r = box.top; r < box.top + 3; ++r) {
      for (int64_t c = box.left; c < box.left + 2; ++c) {
        for (int64_t k = 0; k < 3; ++k) CHECK(y.value().at(i++) == x.at(((n * 5 + r) * 6 + c) * 3 + k));
      }
    }
  }
  CHECK(gradcheck([&](const Variables& v) { return crop_boxes(v[0], boxes); }, {x}).passed);
}

TEST_CASE("losses: reconstruction against sums written out") {
  const Tensor truth = case_values({2, 4, 5, 3}, 1), generated = case_values({2, 4, 5, 3}, 2);
  const Tensor mask = speckles(2, 4, 5, 3), weight = case_values({1, 4, 5, 1}, 4, 0, 1);
  double weighted = 0, known = 0, share = 0;
  for (int64_t i = 0; i < truth.numel(); ++i) {
    const double difference = std::abs(truth.at(i) - generated.at(i));
    weighted += difference * weight.at(i / 3 % 20);
    known += difference * (1 - mask.at(i / 3));
    share += 1 - mask.at(i / 3);
  }
  check_value(weighted_l1(truth, generated, weight), weighted / 120);
  check_value(known_l1(truth, generated, mask), known / share);
  check_value(known_l1(truth, generated, mask, Tensor::scalar(0.25, DType::f64)), known / 120 / 0.25);
}

TEST_CASE("losses: total variation against sums written out") {
  const Tensor x = case_values({2, 3, 4, 2}, 1);
  double down = 0, right = 0;
  const auto at = [&](int64_t n, int64_t r, int64_t c, int64_t k) { return x.at(((n * 3 + r) * 4 + c) * 2 + k); };
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t k = 0; k < 2; ++k) {
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t c = 0; c < 4; ++c) {
          if (r + 1 < 3) down += std::abs(at(n, r + 1, c, k) - at(n, r, c, k));
          if (c + 1 < 4) right += std::abs(at(n, r, c + 1, k) - at(n, r, c, k));
        }
      }
    }
  }
  check_value(total_variation(x), down / (2 * 2 * 4 * 2) + right / (2 * 3 * 3 * 2));
  check_value(total_variation(case_values({1, 1, 1, 3}, 1)), 0);
}

TEST_CASE("losses: the dissimilarity is what SSIM lacks to 1") {
  const Tensor truth = case_values({2, 12, 13, 3}, 1), completed = case_values({2, 12, 13, 3}, 2);
  check_value(dissimilarity(truth, completed), 1 - mean(ssim_map(luma(completed), luma(truth))).value().item());
  check_value(dissimilarity(truth, truth), 0);
}

TEST_CASE("losses: the games against their formulas") {
  const Tensor real = case_values({5, 1}, 1, -3, 3), fake = case_values({5, 1}, 2, -3, 3);
  const auto sq = [](double x) { return x * x; };
  const auto relu_of = [](double x) { return std::max(x, 0.0); };
  check_value(critic_loss(Adversarial::wgan_gp, real, fake),
              mean_of(fake, [](double x) { return x; }) - mean_of(real, [](double x) { return x; }));
  check_value(critic_loss(Adversarial::lsgan, real, fake),
              (mean_of(real, [&](double x) { return sq(x - 1); }) + mean_of(fake, sq)) / 2);
  check_value(critic_loss(Adversarial::log, real, fake),
              (mean_of(real, [](double x) { return softplus_of(-x); }) + mean_of(fake, softplus_of)) / 2);
  check_value(critic_loss(Adversarial::hinge, real, fake), (mean_of(real, [&](double x) { return relu_of(1 - x); }) +
                                                            mean_of(fake, [&](double x) { return relu_of(1 + x); })) /
                                                               2);
  check_value(generator_loss(Adversarial::wgan_gp, fake), -mean_of(fake, [](double x) { return x; }));
  check_value(generator_loss(Adversarial::hinge, fake), -mean_of(fake, [](double x) { return x; }));
  check_value(generator_loss(Adversarial::lsgan, fake), mean_of(fake, [&](double x) { return sq(x - 1); }));
  check_value(generator_loss(Adversarial::log, fake), mean_of(fake, [](double x) { return softplus_of(-x); }));
}

TEST_CASE("losses: features are compared one by one, and by their Gram matrices") {
  const Tensor a = case_values({2, 3, 4, 2}, 1), b = case_values({2, 3, 4, 2}, 2), c = case_values({2, 1, 2, 3}, 3);
  double perceptual = 0, style = 0;
  for (int64_t i = 0; i < 48; ++i) perceptual += (a.at(i) - b.at(i)) * (a.at(i) - b.at(i)) / 48;
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t i = 0; i < 4; ++i) {
      double difference = 0;
      for (int64_t p = 0; p < 12; ++p) {
        const int64_t at = (n * 12 + p) * 2;
        difference += a.at(at + i / 2) * a.at(at + i % 2) - b.at(at + i / 2) * b.at(at + i % 2);
      }
      style += difference / 24 * (difference / 24) / 2;
    }
  }
  check_value(perceptual_loss({a, c}, {b, c}), perceptual);
  check_value(style_loss({a, c}, {b, c}), style);
  CHECK(test::error_of([&] { style_loss({a, c}, {b}); }) == "[style_loss] 2 and 1 features cannot be compared");
}

TEST_CASE("losses: gradients of all of them") {
  const Tensor a = case_values({2, 4, 3, 2}, 1), b = case_values({2, 4, 3, 2}, 2), mask = speckles(2, 4, 3, 3);
  const auto passes = [](const Function& f, const Variables& inputs) {
    CHECK(gradcheck(f, inputs).max_error() < 1e-6);
    CHECK(gradgradcheck(f, inputs).max_error() < 1e-5);
  };
  passes([&](const Variables& v) { return weighted_l1(v[0], v[1], mask); }, {a, b});
  passes([&](const Variables& v) { return known_l1(v[0], v[1], mask); }, {a, b});
  passes([](const Variables& v) { return total_variation(v[0]); }, {a});
  passes([](const Variables& v) { return dissimilarity(v[0], v[1]); },
         {case_values({2, 4, 3, 3}, 6), case_values({2, 4, 3, 3}, 7)});
  const auto features = [](const Variable& x) { return Variables{x, x * x}; };
  passes([&](const Variables& v) { return perceptual_loss(features(v[0]), features(v[1])); }, {a, b});
  passes([&](const Variables& v) { return style_loss(features(v[0]), features(v[1])); }, {a, b});
  const Tensor real = case_values({5, 1}, 4, -3, 3), fake = case_values({5, 1}, 5, -3, 3);
  for (const Adversarial game : games) {
    passes([=](const Variables& v) { return critic_loss(game, v[0], v[1]); }, {real, fake});
    passes([=](const Variables& v) { return generator_loss(game, v[0]); }, {fake});
  }
}

TEST_CASE("losses: the penalty of a linear critic is that of its weights, wherever it is taken") {
  // D(x) = <w, x> has the gradient w at every picture.
  const Tensor real = case_values({3, 4, 4, 2}, 1), fake = case_values({3, 4, 4, 2}, 2),
               alpha = case_values({3, 1}, 3, 0, 1);
  const Tensor w = case_values({32, 1}, 4), mask = speckles(1, 4, 4, 5);
  double norm = 0;
  for (int64_t i = 0; i < 32; ++i) norm += w.at(i) * w.at(i) * mask.at(i / 2);
  norm = std::sqrt(norm);
  const auto critic = [&](const Variable& x) { return matmul(reshape(x, {-1, 32}), w); };
  check_value(gradient_penalty(critic, real, fake, alpha, mask), (norm - 1) * (norm - 1));
}

TEST_CASE("losses: the penalty's own gradient, through a critic that bends") {
  const Tensor real = case_values({2, 3, 3, 2}, 1), fake = case_values({2, 3, 3, 2}, 2),
               alpha = case_values({2, 1}, 3, 0, 1);
  const Tensor mask = speckles(2, 3, 3, 6), w = case_values({18, 4}, 4), u = case_values({4, 1}, 5);
  const Function penalty = [&](const Variables& v) {
    const auto critic = [&](const Variable& x) { return matmul(tanh(matmul(reshape(x, {-1, 18}), v[0])), v[1]); };
    return gradient_penalty(critic, v[2], v[3], alpha, mask);
  };
  CHECK(gradcheck(penalty, {w, u, real, fake}).max_error() < 1e-6);
}

TEST_CASE("losses: a vanishing gradient gives a penalty of 1 and stops nothing") {
  const Variable w = Variable::leaf(Tensor::zeros({12, 1}, DType::f64));
  const Tensor x = case_values({2, 2, 2, 3}, 1), mask = Tensor::full({1, 2, 2, 1}, 1, DType::f64);
  const auto critic = [&](const Variable& v) { return matmul(reshape(v, {-1, 12}), w); };
  const Variable penalty = gradient_penalty(critic, x, x, Tensor::full({2, 1}, 0.5, DType::f64), mask);
  check_value(penalty, 1);
  CHECK_CLOSE(grad(penalty, {w})[0].value(), Tensor::zeros({12, 1}, DType::f64), 0);
}

TEST_CASE("losses: errors") {
  const Tensor x = Tensor::zeros({2, 4, 4, 3});
  CHECK(test::error_of([&] {
          crop_boxes(x, {{0, 0, 2, 2}});
        }) == "[crop_boxes] pictures (2,4,4,3) need one box a sample, there are 1");
  CHECK(test::error_of([&] {
          crop_boxes(x, {{0, 0, 2, 2}, {0, 0, 2, 3}});
        }) == "[crop_boxes] boxes of 2x2 and 2x3 in one batch; all must agree");
  CHECK(test::error_of([&] { weighted_l1(x, x, x); }) ==
        "[weighted_l1] pictures (2,4,4,3) take a mask (N or 1,H,W,1), not (2,4,4,3)");
  CHECK(test::error_of([&] {
          known_l1(x, x, Tensor::full({1, 4, 4, 1}, 1));
        }) == "[known_l1] the mask (1,4,4,1) leaves no known pixel");
  CHECK(test::error_of([&] { critic_loss(Adversarial::none, x, x); }) ==
        "[critic_loss] without an adversarial game there is no such loss");
  CHECK(test::error_of([&] { discount_mask(4, 4, 1.5); }) == "[discount_mask] gamma must be in (0, 1], not 1.5");
  CHECK(test::error_of([&] {
          gradient_penalty(nullptr, x, x, Tensor::zeros({3, 1}), Tensor::zeros({1, 4, 4, 1}));
        }) == "[gradient_penalty] alpha (3,1) must hold one number for each of 2 samples");
}

}  // namespace lacuna
