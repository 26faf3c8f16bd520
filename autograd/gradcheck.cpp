#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "tensor/memory.h"
#include "tensor/philox.h"

namespace lacuna {
namespace {

Tensor random_cotangent(const Variable& y, uint64_t seed) {
  Tensor c(y.shape(), DType::f64);
  const Philox random{seed, 0};
  for (int64_t i = 0; i < c.numel(); ++i) c.data<double>()[i] = 2 * random.uniform(static_cast<uint64_t>(i)) - 1;
  return c.to(y.device());
}

double dot(const Tensor& a, const Tensor& b) {
  const Tensor x = a.to(Device{}), y = b.to(Device{});
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += x.data<double>()[i] * y.data<double>()[i];
  return sum;
}

void set_element(Tensor& x, int64_t i, double value) {
  copy_memory(static_cast<double*>(x.raw()) + i, x.device(), &value, {}, sizeof(value));
}

Variables as_leaves(const Variables& inputs) {
  Variables leaves;
  for (const Variable& x : inputs) {
    check(x.dtype() == DType::f64, "[gradcheck] inputs must be f64, not ", name_of(x.dtype()));
    leaves.push_back(Variable::leaf(x.value().clone()));
  }
  return leaves;
}

}  // namespace

double GradcheckResult::max_error() const {
  return errors.empty() ? 0 : *std::max_element(errors.begin(), errors.end());
}

GradcheckResult gradcheck(const Function& f, const Variables& inputs, const GradcheckOptions& options) {
  Variables leaves = as_leaves(inputs);
  const Variable y = f(leaves);
  const Tensor c = random_cotangent(y, options.seed);
  const Variables analytic = grad(y, leaves, {.cotangent = Variable(c)});

  GradcheckResult result{.errors = std::vector<double>(inputs.size(), 0.0)};
  for (size_t k = 0; k < leaves.size(); ++k) {
    Tensor x = leaves[k].value();  // shares the leaf's storage: f sees the shifted element
    for (int64_t i = 0; i < x.numel(); ++i) {
      const double centre = x.at(i);
      set_element(x, i, centre + options.step);
      const double above = dot(f(leaves).value(), c);
      set_element(x, i, centre - options.step);
      const double below = dot(f(leaves).value(), c);
      set_element(x, i, centre);
      const double numeric = (above - below) / (2 * options.step);
      const double error = std::abs(analytic[k].value().at(i) - numeric) / std::max(1.0, std::abs(numeric));
      // NaN compares false with everything; it must not slip through as the smaller one.
      if (!(error <= result.errors[k])) result.errors[k] = std::isnan(error) ? INFINITY : error;
    }
  }
  result.passed = result.max_error() <= options.tolerance;
  return result;
}

GradcheckResult gradgradcheck(const Function& f, const Variables& inputs, const GradcheckOptions& options) {
  Variables with_cotangent = inputs;
  with_cotangent.push_back(Variable(random_cotangent(f(inputs), options.seed + 1)));

  GradcheckResult result{.errors = std::vector<double>(inputs.size() + 1, 0.0)};
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Function gradient_k = [&](const Variables& xs) {
      const Variables x(xs.begin(), xs.end() - 1);
      return grad(f(x), x, {.cotangent = xs.back(), .create_graph = true})[k];
    };
    const GradcheckResult kth = gradcheck(gradient_k, with_cotangent, options);
    for (size_t i = 0; i < kth.errors.size(); ++i) result.errors[i] = std::max(result.errors[i], kth.errors[i]);
  }
  result.passed = result.max_error() <= options.tolerance;
  return result;
}

}  // namespace lacuna
