#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/tape.h"
#include "nets/contextual_attention.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/concat/concat.h"
#include "ops/reduce/reduce.h"
#include "tensor/stream.h"
#include "tests/nets/attention_cases.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using test::mask_of;
using Case = test::AttentionCase;

std::vector<Case> cases() { return test::attention_cases(); }

/// Sections 1 to 6 of the definition in plain loops.
struct Reference {
  std::vector<double> attention, y;
};
Reference reference(const Tensor& f, const Tensor& b, const Tensor& mask, const AttentionOptions& o) {
  const int64_t n = b.dim(0), H = b.dim(1), W = b.dim(2), channels = b.dim(3), rate = o.rate, k = o.ksize / 2;
  const int64_t h = H / rate, w = W / rate, l = h * w;
  const auto source = [](int64_t i, int64_t in, int64_t out) {
    if (out == 1) return int64_t{0};
    const double exact = static_cast<double>(i * (in - 1)) / static_cast<double>(out - 1);
    return std::min(static_cast<int64_t>(std::floor(exact + 0.5)), in - 1);
  };
  const auto small = [&](const Tensor& x, int64_t s, int64_t r, int64_t c, int64_t ch) {
    if (r < 0 || r >= h || c < 0 || c >= w) return 0.0;
    return x.at(((s * H + source(r, H, h)) * W + source(c, W, w)) * x.dim(3) + ch);
  };
  const auto fused = [&](const std::vector<double>& s) {
    std::vector<double> t(s.size());
    const int64_t reach = o.fuse_k / 2;
    for (int64_t i = 0; i < l; ++i) {
      for (int64_t j = 0; j < l; ++j) {
        for (int64_t d = -reach; d <= reach; ++d) {
          if (i + d >= 0 && i + d < l && j + d >= 0 && j + d < l) t[i * l + j] += s[(i + d) * l + j + d];
        }
      }
    }
    return t;
  };
  const auto transposed = [&](const std::vector<double>& s, int64_t rows, int64_t cols) {
    std::vector<double> t(s.size());
    const auto turn = [&](int64_t p) { return p % cols * rows + p / cols; };
    for (int64_t i = 0; i < l; ++i) {
      for (int64_t j = 0; j < l; ++j) t[turn(i) * l + turn(j)] = s[i * l + j];
    }
    return t;
  };

  Reference result;
  result.y.assign(static_cast<size_t>(b.numel()), 0);
  for (int64_t s = 0; s < n; ++s) {
    std::vector<double> scores(static_cast<size_t>(l * l)), available(static_cast<size_t>(l), 1);
    const int64_t own_mask = mask.dim(0) == 1 ? 0 : s;
    for (int64_t j = 0; j < l; ++j) {
      double energy = 0;
      for (int64_t r = -k; r <= k; ++r) {
        for (int64_t c = -k; c <= k; ++c) {
          if (small(mask, own_mask, j / w + r, j % w + c, 0) != 0) available[j] = 0;
          for (int64_t ch = 0; ch < channels; ++ch) energy += std::pow(small(b, s, j / w + r, j % w + c, ch), 2);
        }
      }
      for (int64_t i = 0; i < l; ++i) {
        double product = 0;
        for (int64_t r = -k; r <= k; ++r) {
          for (int64_t c = -k; c <= k; ++c) {
            for (int64_t ch = 0; ch < channels; ++ch) {
              product += small(f, s, i / w + r, i % w + c, ch) * small(b, s, j / w + r, j % w + c, ch);
            }
          }
        }
        scores[i * l + j] = product / std::max(std::sqrt(energy), 1e-4);
      }
    }
    if (o.fuse) scores = transposed(fused(transposed(fused(scores), h, w)), w, h);
    const int64_t before = rate / 2;
    for (int64_t i = 0; i < l; ++i) {
      double total = 0;
      for (int64_t j = 0; j < l; ++j) total += std::exp(o.softmax_scale * scores[i * l + j] * available[j]);
      for (int64_t j = 0; j < l; ++j) {
        const double a = std::exp(o.softmax_scale * scores[i * l + j] * available[j]) / total * available[j];
        result.attention.push_back(a);
        for (int64_t r = 0; r < 2 * rate; ++r) {
          for (int64_t c = 0; c < 2 * rate; ++c) {
            const int64_t to_row = i / w * rate - before + r, to_col = i % w * rate - before + c;
            const int64_t row = j / w * rate - before + r, col = j % w * rate - before + c;
            if (std::min({to_row, to_col, row, col}) < 0 || std::max(to_row, row) >= H || std::max(to_col, col) >= W) {
              continue;
            }
            for (int64_t ch = 0; ch < channels; ++ch) {
              result.y[((s * H + to_row) * W + to_col) * channels + ch] +=
                  a * b.at(((s * H + row) * W + col) * channels + ch) / 4;
            }
          }
        }
      }
    }
  }
  return result;
}

using Formulation = decltype(contextual_attention);

/// Value, gradient and second gradient, for random cotangents.
Variables derivatives(Formulation formulation, const Case& c) {
  const Variable f = Variable::leaf(case_values(c.shape, 1)), b = Variable::leaf(case_values(c.shape, 2));
  const AttentionOutput out = formulation(f, b, c.mask, c.options);
  const Variable loss = sum(out.y * Variable(case_values(c.shape, 3))) +
                        sum(out.attention * Variable(case_values(out.attention.shape(), 4)));
  const Variables first = grad(loss, {f, b}, {.create_graph = true});
  const Variable along =
      sum(first[0] * Variable(case_values(c.shape, 5))) + sum(first[1] * Variable(case_values(c.shape, 6)));
  const Variables second = grad(along, {f, b});
  return {out.y, out.attention, first[0], first[1], second[0], second[1]};
}

}  // namespace

TEST_CASE("contextual_attention: the cheap formulation is the literal one, with both derivatives") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const Variables cheap = derivatives(contextual_attention, c),
                    literal = derivatives(contextual_attention_literal, c);
    for (size_t k = 0; k < cheap.size(); ++k) {
      CAPTURE(k);
      CHECK_CLOSE(cheap[k].value(), literal[k].value(), 1e-12);
    }
    const Variable f = case_values(c.shape, 1), b = case_values(c.shape, 2);
    CHECK(test::same_bits(contextual_attention(f, b, c.mask, c.options).offsets,
                          contextual_attention_literal(f, b, c.mask, c.options).offsets));
  }
}

TEST_CASE("contextual_attention: values against plain loops") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const Tensor f = case_values(c.shape, 1), b = case_values(c.shape, 2);
    const AttentionOutput out = contextual_attention(f, b, c.mask, c.options);
    const Reference expected = reference(f, b, c.mask, c.options);
    CHECK_CLOSE(out.y.value(), Tensor::from(c.shape, expected.y), 1e-13);
    CHECK_CLOSE(out.attention.value(), Tensor::from(out.attention.shape(), expected.attention), 1e-13);
  }
}

TEST_CASE("contextual_attention: gradcheck and gradgradcheck") {
  const Tensor mask = mask_of(4, 6, {{{1, 2, 2, 2}}});
  for (const auto& [rate, keep] : {std::pair{1, true}, {2, true}, {1, false}, {2, false}}) {
    const AttentionOptions options{.rate = rate, .softmax_scale = 2, .keep_attention = keep};
    const Function f = [&](const Variables& x) { return contextual_attention(x[0], x[1], mask, options).y; };
    const Variables inputs = {case_values({1, 4, 6, 2}, 1), case_values({1, 4, 6, 2}, 2)};
    CHECK(gradcheck(f, inputs).max_error() < 1e-6);
    CHECK(gradgradcheck(f, inputs).max_error() < 1e-6);
  }
}

TEST_CASE("contextual_attention: samples do not see each other") {
  const Tensor mask = mask_of(12, 8, {{{0, 0, 5, 3}}, {{6, 2, 3, 5}}, {}});
  const Variable f = case_values({3, 12, 8, 2}, 1), b = case_values({3, 12, 8, 2}, 2);
  const AttentionOutput batch = contextual_attention(f, b, mask);
  for (int64_t k = 0; k < 3; ++k) {
    const auto own = [&](const Variable& x) { return slice(x, 0, k, 1); };
    const AttentionOutput single = contextual_attention(own(f), own(b), own(mask).value());
    CHECK_CLOSE(own(batch.y).value(), single.y.value(), 1e-14);
    CHECK_CLOSE(own(batch.attention).value(), single.attention.value(), 1e-14);
  }
}

TEST_CASE("contextual_attention: holes are never copied from") {
  const Tensor mask = mask_of(8, 8, {{{2, 2, 3, 3}}});
  const Variable f = case_values({1, 8, 8, 2}, 1), b = case_values({1, 8, 8, 2}, 2);
  const Tensor a = contextual_attention(f, b, mask, {.rate = 1}).attention.value();
  for (int64_t i = 0; i < 64; ++i) {
    double total = 0;
    for (int64_t j = 0; j < 64; ++j) {
      const int64_t r = j / 8, c = j % 8;
      if (r >= 1 && r <= 5 && c >= 1 && c <= 5) CHECK(a.at(i * 64 + j) == 0);
      total += a.at(i * 64 + j);
    }
    CHECK(total <= 1 + 1e-12);
    CHECK(total > 0);
  }
}

TEST_CASE("contextual_attention: a background of zeros has no length and no gradient through it") {
  const Variable f = Variable::leaf(case_values({1, 4, 4, 2}, 1));
  const Variable b = Variable::leaf(Tensor::zeros({1, 4, 4, 2}, DType::f64));
  const AttentionOutput out = contextual_attention(f, b, mask_of(4, 4, {{}}), {.rate = 1});
  for (const Variable& g : grad(sum(out.y), {f, b})) {
    for (const double v : g.value().to_vector()) CHECK(std::isfinite(v));
  }
}

TEST_CASE("contextual_attention: f32, and any number of threads") {
  const Case c = cases()[1];
  const Tensor f = case_values(c.shape, 1), b = case_values(c.shape, 2);
  const Tensor exact = contextual_attention(f, b, c.mask, c.options).y.value();
  const int threads = num_threads();
  const auto run = [&](int count) {
    set_num_threads(count);
    return contextual_attention(f.to(DType::f32), b.to(DType::f32), c.mask.to(DType::f32), c.options).y.value();
  };
  const Tensor one = run(1), four = run(4);
  set_num_threads(threads);
  CHECK_CLOSE(one.to(DType::f64), exact, 1e-4);
  CHECK(test::same_bits(one, four));
}

TEST_CASE("contextual_attention: errors name the shapes") {
  const Tensor x = Tensor::zeros({2, 6, 8, 3}), mask = Tensor::zeros({1, 6, 8, 1});
  CHECK(test::error_of([&] {
          contextual_attention(Tensor::zeros({2, 8, 6, 3}), x, mask);
        }) == "[contextual_attention] f (2,8,6,3) and b (2,6,8,3) must have the same shape (N,H,W,C)");
  CHECK(test::error_of([&] {
          contextual_attention(x, x, Tensor::zeros({1, 3, 4, 1}));
        }) == "[contextual_attention] mask must be (N or 1,H,W,1) for b (2,6,8,3), not (1,3,4,1)");
  CHECK(test::error_of([&] { contextual_attention(x, x, mask, {.rate = 4}); }) ==
        "[contextual_attention] height and width of b (2,6,8,3) must be multiples of rate 4");
  CHECK(test::error_of([&] { contextual_attention(x, x, mask, {.ksize = 4}); }) ==
        "[contextual_attention] ksize must be odd, not 4");
  CHECK(test::error_of([&] { contextual_attention(x, x, mask, {.fuse_k = 2}); }) ==
        "[contextual_attention] fuse_k must be odd, not 2");
  CHECK(test::error_of([&] { contextual_attention(x, x.to(DType::f64), mask); }) ==
        "[contextual_attention] f is f32 but b is f64");
}

}  // namespace lacuna
