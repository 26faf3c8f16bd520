#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/tiny_ops.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using tiny::vector;

Variable differentiable_grad(const Variable& y, const Variable& x) { return grad(y, {x}, {.create_graph = true})[0]; }

}  // namespace

TEST_CASE("grad: a diamond") {
  const std::vector<double> points{-1.2, 0, 0.3, 2};
  const Variable x = Variable::leaf(vector(points));
  const Variable g = grad(tiny::multiply(tiny::sine(x), tiny::sine(x, 1)), {x})[0];  // sin x cos x
  for (size_t i = 0; i < points.size(); ++i) {
    CHECK(g.value().data<double>()[i] == doctest::Approx(std::cos(2 * points[i])).epsilon(1e-14));
  }
  CHECK(!g.requires_grad());
}

TEST_CASE("grad: cotangents of all uses are summed") {
  const Variable x = Variable::leaf(vector({3}));
  CHECK(grad(tiny::multiply(x, x), {x})[0].value().item() == 6);
  Variable y = tiny::scale(x, 0);
  for (int i = 1; i <= 100; ++i) y = tiny::add(y, tiny::scale(x, i));
  CHECK(grad(y, {x})[0].value().item() == 5050);
}

TEST_CASE("grad: each op is gone through once, however many paths lead to it") {
  const Variable x = Variable::leaf(vector({1}));
  Variable y = x;
  for (int i = 0; i < 60; ++i) y = tiny::add(y, y);  // 2^60 paths
  CHECK(grad(y, {x})[0].value().item() == std::ldexp(1.0, 60));
}

TEST_CASE("grad: the cotangent given is the one that flows") {
  const Variable x = Variable::leaf(vector({1, 2, 3}));
  const Variable y = tiny::multiply(x, x);
  const Tensor c = vector({1, 10, -1});
  CHECK(test::same_bits(grad(y, {x}, {.cotangent = c})[0].value(), vector({2, 40, -6})));
  CHECK(test::same_bits(grad(y, {x})[0].value(), vector({2, 4, 6})));

  const Variable leaf = Variable::leaf(c);  // the gradient is linear in it
  const Variable g = grad(y, {x}, {.cotangent = leaf, .create_graph = true})[0];
  CHECK(test::same_bits(grad(g, {leaf})[0].value(), vector({2, 4, 6})));
}

TEST_CASE("grad: tells of each gradient once it is final, long before the end") {
  const Variable a = Variable::leaf(vector({2})), b = Variable::leaf(vector({3})), c = Variable::leaf(vector({5}));
  const Variable unused = Variable::leaf(vector({7}));
  // a is used at both ends, b in the middle, c in the last op.
  const Variable inner = tiny::multiply(tiny::sine(a), b);
  std::vector<size_t> done_before;  // how many gradients were known when the vjp of the first op ran
  std::vector<std::pair<size_t, double>> told;
  const Variable marked = record("mark", {inner}, inner.value(), [&](const Vjp& v) {
    done_before.push_back(told.size());
    return Variables{v.cotangent()};
  });
  const Variable y = tiny::multiply(tiny::multiply(marked, c), a);
  const Variables xs{a, b, unused, c, b};
  const Variables g =
      grad(y, xs, {.on_ready = [&](size_t i, const Variable& x) { told.emplace_back(i, x.value().item()); }});
  CHECK(done_before == std::vector<size_t>{1});
  REQUIRE(told.size() == xs.size());
  CHECK(told[0].first == 3);
  std::vector<size_t> seen(xs.size());
  for (const auto& [i, value] : told) {
    ++seen[i];
    CHECK(value == g[i].value().item());
  }
  CHECK(seen == std::vector<size_t>(xs.size(), 1));
  CHECK(told.back().first == 2);  // nothing leads there
  CHECK(g[3].value().item() == doctest::Approx(std::sin(2) * 3 * 2).epsilon(1e-14));
}

TEST_CASE("grad: of inner variables, of y itself and of the same variable twice") {
  const Variable x = Variable::leaf(vector({2})), inner = tiny::scale(x, 3), y = tiny::multiply(inner, inner);
  const Variables g = grad(y, {inner, x, y, x});
  REQUIRE(g.size() == 4);
  CHECK(g[0].value().item() == 12);
  CHECK(g[1].value().item() == 36);
  CHECK(g[2].value().item() == 1);
  CHECK(g[3].value().item() == 36);
  CHECK(grad(y, {}).empty());
}

TEST_CASE("grad: where y does not depend on x the gradient is zeros") {
  const Variable x = Variable::leaf(vector({1, 2})), other = Variable::leaf(vector({3, 4, 5}));
  const Variable y = tiny::sine(x);
  const Variable younger = tiny::sine(other);
  CHECK(test::same_bits(grad(y, {other})[0].value(), vector({0, 0, 0})));
  CHECK(test::same_bits(grad(y, {younger})[0].value(), vector({0, 0, 0})));
  CHECK(test::same_bits(grad(Variable(vector({7})), {x})[0].value(), vector({0, 0})));
  CHECK(test::same_bits(grad(y.detach(), {x})[0].value(), vector({0, 0})));

  const Variable cut = record("cut", {x}, x.value(), [](const Vjp&) { return Variables{Variable()}; });
  CHECK(test::same_bits(grad(cut, {x})[0].value(), vector({0, 0})));
}

TEST_CASE("grad: higher derivatives of the sine go round in a circle") {
  const std::vector<double> points{-1.2, 0, 0.3, 2};
  const Variable x = Variable::leaf(vector(points));
  Variable derivative = tiny::sine(x);
  for (int order = 1; order <= 5; ++order) {
    derivative = differentiable_grad(derivative, x);
    CHECK(derivative.requires_grad());
    for (size_t i = 0; i < points.size(); ++i) {
      const double expected = std::sin(points[i] + order * std::acos(0.0));
      CHECK(derivative.value().data<double>()[i] == doctest::Approx(expected).epsilon(1e-13));
    }
  }
}

TEST_CASE("grad: higher derivatives of a power, and one more is zero") {
  const Variable x = Variable::leaf(vector({1.5}));
  Variable y = tiny::multiply(tiny::multiply(x, x), x);
  for (const double expected : {6.75, 9.0, 6.0}) {
    y = differentiable_grad(y, x);
    CHECK(y.value().item() == doctest::Approx(expected));
  }
  CHECK(grad(y, {x})[0].value().item() == 0);
}

TEST_CASE("grad: an op that differentiates through its own output") {
  const Variable x = Variable::leaf(vector({0.7}));
  Variable y = tiny::exponential(x);
  for (int order = 1; order <= 3; ++order) {
    y = differentiable_grad(y, x);
    CHECK(y.value().item() == doctest::Approx(std::exp(0.7)));
  }
}

TEST_CASE("grad: a penalty on a gradient's norm, with a mixed second derivative") {
  const Variable w = Variable::leaf(vector({2, -1})), x = Variable::leaf(vector({3, 0.5}));
  const Variable score = tiny::total(tiny::multiply(w, tiny::multiply(x, x)));  // sum of w x^2
  const Variable g = differentiable_grad(score, x);                             // 2 w x
  const Variables penalty = grad(tiny::total(tiny::multiply(g, g)), {w, x});    // of sum 4 w^2 x^2
  CHECK(test::same_bits(penalty[0].value(), vector({8 * 2 * 9, 8 * -1 * 0.25})));
  CHECK(test::same_bits(penalty[1].value(), vector({8 * 4 * 3, 8 * 1 * 0.5})));
}

TEST_CASE("grad: nothing is recorded under NoGrad, and recording goes on after an error") {
  const Variable x = Variable::leaf(vector({1}));
  const Variable y = tiny::sine(x);
  {
    const NoGrad no_grad;
    CHECK(!differentiable_grad(y, x).requires_grad());
  }
  const Variable broken = record("broken", {x}, x.value(), [](const Vjp&) -> Variables { fail("stop"); });
  CHECK(test::error_of([&] { grad(broken, {x}); }) == "stop");
  CHECK(recording());
}

TEST_CASE("grad: f32 stays f32") {
  const Variable x = Variable::leaf(Tensor::from<float>({1}, {1}));
  const Variable y = record("twice", {x, x}, x.value(), [](const Vjp& v) {
    return Variables{v.cotangent(), v.cotangent()};
  });
  CHECK(test::same_bits(grad(y, {x})[0].value(), Tensor::from<float>({1}, {2})));
}

TEST_CASE("grad: only what lies between y and the xs is worked on") {
  const Variable x = Variable::leaf(vector({2})), w = Variable::leaf(vector({3}));
  std::vector<bool> needs;
  const auto probe = [&](const Variable& a, const Variable& b) {
    return record("probe", {a, b}, a.value(), [&needs](const Vjp& v) {
      needs = {v.needs(0), v.needs(1)};
      return Variables{v.cotangent(), v.cotangent()};
    });
  };
  const Variable y = probe(x, tiny::sine(w));
  CHECK(grad(y, {x})[0].value().item() == 1);
  CHECK(needs == std::vector<bool>{true, false});
  grad(y, {w});
  CHECK(needs == std::vector<bool>{false, true});
  needs.clear();
  grad(tiny::add(x, probe(w, w)), {x});
  CHECK(needs.empty());
}

TEST_CASE("grad: errors") {
  const Variable x = Variable::leaf(vector({1, 2})), y = tiny::sine(x);
  CHECK(test::error_of([&] {
          grad(y, {Variable(vector({1, 2, 3}))});
        }) == "[grad] a constant of shape (3) has no gradient; make it a leaf first");
  CHECK(test::error_of([&] { grad(y, {x}, {.cotangent = vector({1})}); }) ==
        "[grad] the cotangent of y is (1) f64, its value (2) f64");
  CHECK(test::error_of([&] { grad(y, {x}, {.cotangent = Tensor::zeros({2})}); }) ==
        "[grad] the cotangent of y is (2) f32, its value (2) f64");

  const Variable too_many = record("pair", {x}, x.value(), [](const Vjp& v) {
    return Variables{v.cotangent(), v.cotangent()};
  });
  CHECK(test::error_of([&] { grad(too_many, {x}); }) == "[grad] the vjp of pair returned 2 cotangents for 1 inputs");
  const Variable misshapen = record("sum", {x}, x.value(), [](const Vjp&) { return Variables{vector({1})}; });
  CHECK(test::error_of([&] { grad(misshapen, {x}); }) == "[grad] the cotangent of leaf is (1) f64, its value (2) f64");
  const Variable disagreeing = record("pair", {x, x}, x.value(), [](const Vjp& v) {
    return Variables{v.cotangent(), vector({1})};
  });
  CHECK(test::error_of([&] { grad(disagreeing, {x}); }) ==
        "[grad] two cotangents of leaf disagree: (2) f64 and (1) f64");
}

}  // namespace lacuna
