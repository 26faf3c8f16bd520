#include <tuple>

#include "autograd/checkpoint.h"
#include "autograd/explain.h"
#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "tensor/memory.h"
#include "tests/autograd/tiny_ops.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using tiny::vector;

const Variable a = vector({0.3, -1.1, 0.8}), b = vector({1.4, 0.2, -0.6});

Variable f(const Variables& v) {
  return tiny::multiply(tiny::sine(v[0]), tiny::exponential(tiny::multiply(v[0], v[1])));
}

void check_same(const Variables& x, const Variables& y) {
  REQUIRE(x.size() == y.size());
  for (size_t i = 0; i < x.size(); ++i) CHECK(test::same_bits(x[i].value(), y[i].value()));
}

}  // namespace

TEST_CASE("checkpoint: one op on the tape, the same gradients") {
  const Variable x = Variable::leaf(a.value()), w = Variable::leaf(b.value());
  const Variable y = checkpoint(f, {x, w});
  CHECK(explain(y).starts_with("1 op, 2 leaves"));
  CHECK(test::same_bits(y.value(), f({x, w}).value()));
  check_same(grad(y, {x, w}), grad(f({x, w}), {x, w}));
  check_same(grad(y, {w}), grad(f({x, w}), {w}));
  CHECK(!grad(y, {x})[0].requires_grad());
  CHECK(!checkpoint(f, {a, b}).requires_grad());
  const NoGrad no_grad;
  CHECK(!checkpoint(f, {x, w}).requires_grad());
}

TEST_CASE("checkpoint: any order of derivative") {
  const Function once = [](const Variables& v) { return checkpoint(f, v); };
  CHECK(gradcheck(once, {a, b}).passed);
  CHECK(gradgradcheck(once, {a, b}).passed);
  // Third derivatives of a function whose checkpoint holds another one.
  const auto inner = [](const Variables& v) { return tiny::multiply(checkpoint(f, v), v[1]); };
  const auto third = [](const Variables& v, const std::function<Variable(const Variables&)>& g) {
    const Variable x = Variable::leaf(v[0].value()), w = Variable::leaf(v[1].value());
    Variable y = g({x, w});
    y = grad(y, {x}, {.create_graph = true})[0];
    y = grad(y, {w}, {.create_graph = true})[0];
    return grad(y, {x, w});
  };
  const Variables nested = third({a, b}, [&](const Variables& v) { return checkpoint(inner, v); });
  const Variables plain = third({a, b}, [](const Variables& v) { return tiny::multiply(f(v), v[1]); });
  for (size_t i = 0; i < 2; ++i) CHECK_CLOSE(nested[i].value(), plain[i].value(), 1e-14);
}

TEST_CASE("checkpoint: inputs that depend on each other") {
  // w = sin(x) comes in beside x: what flows to x through w must be counted once, in every order.
  const Function with = [](const Variables& v) { return checkpoint(f, {v[0], tiny::sine(v[0])}); };
  const Function without = [](const Variables& v) { return f({v[0], tiny::sine(v[0])}); };
  CHECK(gradcheck(with, {a}).passed);
  CHECK(gradgradcheck(with, {a}).passed);
  const Variable x = Variable::leaf(a.value());
  check_same(grad(with({x}), {x}), grad(without({x}), {x}));
  // The same variable twice.
  CHECK(gradgradcheck([](const Variables& v) { return checkpoint(f, {v[0], v[0]}); }, {a}).passed);
}

TEST_CASE("checkpoint: captured leaves get their gradients, captured results are refused") {
  const Variable x = Variable::leaf(a.value()), w = Variable::leaf(b.value());
  const auto of = [&](const Variables& v) { return f({v[0], w}); };
  check_same(grad(checkpoint(of, {x}), {w, x}), grad(f({x, w}), {w, x}));
  check_same(grad(checkpoint(of, {a}), {w}), grad(f({a, w}), {w}));

  // The leaf also lies before the checkpoint, and beside it as an input.
  const auto around = [&](bool checkpointed, bool again) {
    const Variable input = tiny::multiply(x, w);
    const Variables inputs = again ? Variables{input, w} : Variables{input, x};
    const auto body = [&](const Variables& v) { return tiny::multiply(f({v[0], w}), v[1]); };
    Variable y = checkpointed ? checkpoint(body, inputs) : body(inputs);
    y = tiny::total(grad(tiny::total(y), {w}, {.create_graph = true})[0]);
    return grad(y, {w, x});
  };
  for (const bool again : {false, true}) {
    const Variables with = around(true, again), without = around(false, again);
    for (size_t i = 0; i < 2; ++i) CHECK_CLOSE(with[i].value(), without[i].value(), 1e-14);
  }

  const Variable computed = tiny::scale(w, 2);
  CHECK(test::error_of([&] {
          checkpoint([&](const Variables& v) { return f({v[0], computed}); }, {x});
        }) == "[checkpoint] the function captures a variable of shape (3) computed by scale; pass it as an input");
}

TEST_CASE("checkpoint: what f computes is freed until it is wanted") {
  const int64_t n = 1 << 18, bytes = 8 * n;
  const Variable x = Variable::leaf(Tensor::full({n}, 0.5, DType::f64));
  const auto chain = [](const Variables& v) {
    Variable y = v[0];
    for (int i = 0; i < 8; ++i) y = tiny::exponential(tiny::scale(y, -1));
    return y;
  };
  const auto measure = [&](bool checkpointed) {
    reset_peak_memory();
    const int64_t before = memory_stats().in_use;
    Variable y = x;
    for (int i = 0; i < 6; ++i) y = checkpointed ? checkpoint(chain, {y}) : chain({y});
    const int64_t kept = memory_stats().in_use - before;
    const Variables gradients = grad(y, {x});
    return std::tuple(kept / bytes, (memory_stats().peak - before) / bytes, gradients);
  };
  const auto [kept, peak, gradients] = measure(true);
  const auto [kept_by_tape, peak_of_tape, gradients_of_tape] = measure(false);
  CHECK(kept == 6);
  CHECK(kept_by_tape >= 6 * 8);
  CHECK(peak <= 6 + 8 + 5);
  CHECK(peak_of_tape >= 6 * 8);
  check_same(gradients, gradients_of_tape);
}

}  // namespace lacuna
