#include <cmath>
#include <limits>

#include "autograd/gradcheck.h"
#include "tests/autograd/tiny_ops.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using tiny::vector;

const Variable a = vector({0.3, -1.1, 0.8}), b = vector({1.4, 0.2, -0.6});

// a * b with the VJP given.
Function product(VjpFn (*vjp)(const Variable&, const Variable&)) {
  return
      [vjp](const Variables& v) { return record("product", v, tiny::multiply(v[0], v[1]).value(), vjp(v[0], v[1])); };
}

// The sine, whose VJP multiplies the cotangent with f(cosine).
template <class F>
Function sine_with(F f) {
  return [f](const Variables& v) {
    return record("sine", v, tiny::sine(v[0]).value(),
                  [x = v[0], f](const Vjp& w) { return Variables{f(w.cotangent(), tiny::sine(x, 1))}; });
  };
}

}  // namespace

TEST_CASE("gradcheck and gradgradcheck pass what is right") {
  const Function f = [](const Variables& v) {
    return tiny::multiply(tiny::sine(v[0]), tiny::exponential(tiny::multiply(v[0], v[1])));
  };
  const Tensor before = a.value().clone();
  const GradcheckResult first = gradcheck(f, {a, b});
  CHECK(first.passed);
  CHECK(first.errors.size() == 2);
  CHECK(first.max_error() < 1e-8);
  const GradcheckResult second = gradgradcheck(f, {a, b});
  CHECK(second.passed);
  CHECK(second.errors.size() == 3);  // the last is the cotangent's
  CHECK(second.max_error() < 1e-8);
  CHECK(test::same_bits(a.value(), before));
}

TEST_CASE("gradcheck and gradgradcheck pass linear and scalar functions, and inputs that do not matter") {
  const auto passes = [](const Function& f) {
    CHECK(gradcheck(f, {a, b}).passed);
    CHECK(gradgradcheck(f, {a, b}).passed);
  };
  passes([](const Variables& v) { return tiny::scale(v[0], 3); });
  passes([](const Variables& v) { return tiny::total(tiny::multiply(v[1], v[1])); });
  passes([](const Variables& v) { return v[0]; });
  passes([](const Variables&) { return Variable(vector({1})); });
}

TEST_CASE("gradcheck fails a wrong VJP and tells which input's") {
  const GradcheckResult result = gradcheck(
      product([](const Variable& x, const Variable& y) -> VjpFn {
        return [x, y](const Vjp& v) {
          return Variables{tiny::multiply(v.cotangent(), y), tiny::scale(tiny::multiply(v.cotangent(), x), 1.001)};
        };
      }),
      {a, b});
  CHECK(!result.passed);
  CHECK(result.errors[0] < 1e-8);
  CHECK(result.errors[1] > 1e-5);
}

TEST_CASE("gradcheck fails a VJP that is wrong in one element, and one that is missing") {
  CHECK(!gradcheck(sine_with([](const Variable& g, const Variable& cosine) {
                     return tiny::multiply(tiny::multiply(g, cosine), vector({1, 1, 0.999}));
                   }),
                   {a})
             .passed);
  CHECK(!gradcheck(sine_with([](const Variable&, const Variable&) { return Variable(); }), {a}).passed);
}

TEST_CASE("gradcheck fails on NaN and infinity, in the gradient and in the value") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    for (const size_t place : {0, 1, 2}) {
      std::vector<double> factors(3, 1.0);
      factors[place] = bad;
      const GradcheckResult gradient = gradcheck(sine_with([factors](const Variable& g, const Variable& cosine) {
                                                   return tiny::multiply(tiny::multiply(g, cosine), vector(factors));
                                                 }),
                                                 {a});
      CHECK(!gradient.passed);
      CHECK(gradient.max_error() == INFINITY);
      CHECK(!gradcheck([factors](const Variables& v) { return tiny::multiply(v[0], vector(factors)); }, {a}).passed);
    }
  }
}

TEST_CASE("gradgradcheck fails a VJP that is right and cuts the second derivative") {
  const Function cut = sine_with([](const Variable& g, const Variable& c) { return tiny::multiply(g, c.detach()); });
  CHECK(gradcheck(cut, {a}).passed);
  CHECK(!gradgradcheck(cut, {a}).passed);

  const Function cuts_cotangent =
      sine_with([](const Variable& g, const Variable& c) { return tiny::multiply(g.detach(), c); });
  CHECK(gradcheck(cuts_cotangent, {a}).passed);
  const GradcheckResult result = gradgradcheck(cuts_cotangent, {a});
  CHECK(!result.passed);
  CHECK(result.errors[0] < 1e-8);
  CHECK(result.errors[1] > 1e-5);
}

TEST_CASE("gradcheck takes f64 alone") {
  CHECK(test::error_of([] { gradcheck([](const Variables& v) { return v[0]; }, {Variable(Tensor::zeros({2}))}); }) ==
        "[gradcheck] inputs must be f64, not f32");
}

}  // namespace lacuna
