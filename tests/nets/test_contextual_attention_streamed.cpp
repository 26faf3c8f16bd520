#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "nets/contextual_attention.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/reduce/reduce.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/nets/attention_cases.h"
#include "tests/support/compare.h"

// The attention that never holds its matrix, against the composed formulation, which does.
namespace lacuna {
namespace {

using test::AttentionCase;
using test::mask_of;

struct Outcome {
  Tensor y, offsets, f, b;
};

/// Value and gradient for a random cotangent.
Outcome outcome(const Tensor& f, const Tensor& b, const Tensor& mask, const AttentionOptions& options) {
  const Variable own_f = Variable::leaf(f), own_b = Variable::leaf(b);
  const AttentionOutput out = contextual_attention(own_f, own_b, mask, options);
  const Variables g = grad(out.y, {own_f, own_b}, {.cotangent = case_values(b.shape(), 3).to(b.dtype())});
  return {out.y.value(), out.offsets, g[0].value(), g[1].value()};
}

AttentionOptions streamed(AttentionOptions options, int64_t block_rows = 0, int64_t max_bytes = 0) {
  options.keep_attention = false;
  options.block_rows = block_rows;
  options.max_bytes = max_bytes;
  return options;
}

bool same(const Outcome& a, const Outcome& b) {
  return test::same_bits(a.y, b.y) && test::same_bits(a.offsets, b.offsets) && test::same_bits(a.f, b.f) &&
         test::same_bits(a.b, b.b);
}

struct Threads {
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before = num_threads();
};

}  // namespace

TEST_CASE("contextual_attention streamed: value, offsets and gradient are the composed ones, in any blocks") {
  for (const AttentionCase& c : test::attention_cases()) {
    CAPTURE(c.name);
    const Tensor f = case_values(c.shape, 1), b = case_values(c.shape, 2);
    const Outcome composed = outcome(f, b, c.mask, c.options);
    const Tensor first = contextual_attention(f, b, c.mask, streamed(c.options)).y.value();
    for (int64_t rows = 0; rows <= c.shape[1] / c.options.rate; ++rows) {
      CAPTURE(rows);
      const Outcome own = outcome(f, b, c.mask, streamed(c.options, rows));
      CHECK_CLOSE(own.y, composed.y, 1e-13);
      CHECK(test::same_bits(own.y, first));
      CHECK(test::same_bits(own.offsets, composed.offsets));
      CHECK_CLOSE(own.f, composed.f, 1e-12);
      CHECK_CLOSE(own.b, composed.b, 1e-12);
    }
    CHECK_FALSE(contextual_attention(f, b, c.mask, streamed(c.options)).attention.defined());
  }
}

TEST_CASE("contextual_attention streamed: the second gradient is the literal one") {
  const auto second = [](auto formulation, const AttentionCase& c, const AttentionOptions& options) {
    const Variable f = Variable::leaf(case_values(c.shape, 1)), b = Variable::leaf(case_values(c.shape, 2));
    const Variable cotangent = Variable::leaf(case_values(c.shape, 3));
    const Variable loss = sum(formulation(f, b, c.mask, options).y * cotangent);
    const Variables first = grad(loss, {f, b}, {.create_graph = true});
    const Variable along =
        sum(first[0] * Variable(case_values(c.shape, 5))) + sum(first[1] * Variable(case_values(c.shape, 6)));
    Variables all = grad(along, {f, b, cotangent});
    all.insert(all.end(), first.begin(), first.end());
    return all;
  };
  for (const AttentionCase& c : test::attention_cases()) {
    CAPTURE(c.name);
    const Variables own = second(contextual_attention, c, streamed(c.options));
    const Variables literal = second(contextual_attention_literal, c, c.options);
    for (size_t k = 0; k < own.size(); ++k) {
      CAPTURE(k);
      CHECK_CLOSE(own[k].value(), literal[k].value(), 1e-12);
    }
  }
}

TEST_CASE("contextual_attention streamed: one variable on both sides, or a gradient on one alone") {
  const AttentionCase c = test::attention_cases()[1];
  const Tensor f = case_values(c.shape, 1), b = case_values(c.shape, 2), g = case_values(c.shape, 3);
  for (const bool create_graph : {false, true}) {
    const auto gradient = [&](const AttentionOptions& options, auto attend) {
      const Variable x = Variable::leaf(f);
      return grad(attend(x, options), {x}, {.cotangent = g, .create_graph = create_graph})[0].value();
    };
    const auto check_same = [&](auto attend) {
      CHECK_CLOSE(gradient(streamed(c.options), attend), gradient(c.options, attend), 1e-12);
    };
    check_same([&](const Variable& x, const AttentionOptions& o) { return contextual_attention(x, x, c.mask, o).y; });
    check_same([&](const Variable& x, const AttentionOptions& o) { return contextual_attention(x, b, c.mask, o).y; });
    check_same([&](const Variable& x, const AttentionOptions& o) { return contextual_attention(b, x, c.mask, o).y; });
    // What is pasted leads to what is matched.
    check_same([&](const Variable& x, const AttentionOptions& o) {
      const Variable y = x * x;
      return contextual_attention(y * Variable(b), y, c.mask, o).y;
    });
  }
}

TEST_CASE("contextual_attention streamed: f32, rows longer than vectors, any number of threads") {
  const Shape shape{2, 26, 46, 5};
  const Tensor mask = mask_of(26, 46, {{{6, 10, 9, 14}}, {{0, 30, 20, 16}, {20, 2, 3, 3}}});
  const Tensor f = case_values(shape, 1), b = case_values(shape, 2);
  for (const bool fuse : {true, false}) {
    const AttentionOptions options{.softmax_scale = 3, .fuse = fuse};
    const Outcome composed = outcome(f, b, mask, options), exact = outcome(f, b, mask, streamed(options));
    CHECK_CLOSE(exact.y, composed.y, 1e-13);
    CHECK_CLOSE(exact.f, composed.f, 1e-12);
    CHECK_CLOSE(exact.b, composed.b, 1e-12);
    const auto run = [&](int threads, int64_t rows) {
      const Threads some(threads);
      return outcome(f.to(DType::f32), b.to(DType::f32), mask.to(DType::f32), streamed(options, rows));
    };
    const Outcome one = run(1, 0);
    CHECK_CLOSE(one.y.to(DType::f64), exact.y, 1e-4);
    CHECK_CLOSE(one.f.to(DType::f64), exact.f, 1e-3);
    CHECK_CLOSE(one.b.to(DType::f64), exact.b, 1e-3);
    CHECK(same(one, run(2, 0)));
    CHECK(same(one, run(4, 0)));
    CHECK(same(run(1, 4), run(3, 4)));
  }
}

TEST_CASE("contextual_attention streamed: the bytes that are allowed bound what is held") {
  const Shape shape{1, 96, 64, 4};
  const Tensor mask = mask_of(96, 64, {{{20, 20, 30, 20}}}).to(DType::f32);
  const Tensor f = case_values(shape, 1).to(DType::f32), b = case_values(shape, 2).to(DType::f32);
  const Threads two(2);
  const AttentionOptions options{.rate = 1};  // a matrix of 151 MB
  const Tensor y = contextual_attention(f, b, mask, streamed(options)).y.value();
  for (const int64_t bytes : {int64_t{5} << 20, int64_t{12} << 20}) {
    CAPTURE(bytes);
    const int64_t before = memory_stats().in_use;
    reset_peak_memory();
    CHECK(test::same_bits(contextual_attention(f, b, mask, streamed(options, 0, bytes)).y.value(), y));
    const int64_t needed = attention_bytes(shape, DType::f32, streamed(options, 0, bytes));
    CHECK(needed <= bytes);
    CHECK(memory_stats().peak - before < needed + 8 * f.nbytes());
  }
}

TEST_CASE("contextual_attention streamed: what is not finite spreads as it does in the composed formulation") {
  const Tensor mask = mask_of(8, 12, {{{2, 4, 4, 4}}});
  const auto nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double value : {nan, inf, -inf}) {
    for (const int64_t pixel : {0 * 12 + 0, 3 * 12 + 6, 4 * 12 + 5, 7 * 12 + 10}) {
      for (const bool in_f : {true, false}) {
        CAPTURE(value);
        CAPTURE(pixel);
        CAPTURE(in_f);
        Tensor f = case_values({1, 8, 12, 2}, 1).clone(), b = case_values({1, 8, 12, 2}, 2).clone();
        (in_f ? f : b).data<double>()[pixel * 2] = value;
        const AttentionOutput composed = contextual_attention(f, b, mask);
        const AttentionOutput own = contextual_attention(f, b, mask, {.keep_attention = false});
        CHECK(test::same_bits(own.offsets, composed.offsets));
        for (int64_t k = 0; k < f.numel(); ++k) {
          const double x = own.y.value().at(k), y = composed.y.value().at(k);
          CHECK((std::isfinite(y) ? std::abs(x - y) < 1e-12 : std::isnan(x) == std::isnan(y) && !std::isfinite(x)));
        }
      }
    }
  }
}

TEST_CASE("contextual_attention streamed: nothing is read that was not written, nothing written outside") {
  const MemoryCheck memory;
  for (const AttentionCase& c : test::attention_cases()) {
    const Outcome own = outcome(case_values(c.shape, 1), case_values(c.shape, 2), c.mask, streamed(c.options));
    for (const double v : own.y.to_vector()) CHECK(std::isfinite(v));
    for (const double v : own.b.to_vector()) CHECK(std::isfinite(v));
  }
  CHECK(memory.violations() == 0);
}

TEST_CASE("contextual_attention streamed: products in reduced precision") {
  const Shape shape{1, 20, 36, 64};
  const Tensor mask = mask_of(20, 36, {{{4, 8, 8, 8}}}).to(DType::f32);
  const Tensor f = case_values(shape, 1).to(DType::f32), b = case_values(shape, 2).to(DType::f32);
  const AttentionOptions options{.softmax_scale = 0.5};
  const auto run = [&](Precision p, const AttentionOptions& o) {
    const WithPrecision chosen(p);
    return outcome(f, b, mask, o);
  };
  const Outcome exact = run(Precision::highest, streamed(options));
  for (const auto& [p, error] : {std::pair{Precision::high, 2e-4}, {Precision::medium, 3e-2}}) {
    const Outcome own = run(p, streamed(options));
    CHECK_CLOSE(own.y, exact.y, error);
    CHECK_CLOSE(own.f, exact.f, error);
    CHECK_CLOSE(own.b, exact.b, error);
    CHECK(test::same_bits(own.y, run(p, streamed(options, 3)).y));
  }
}

}  // namespace lacuna
