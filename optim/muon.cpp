#include "optim/muon.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "tensor/memory.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

bool is_matrix(const Tensor& parameter) { return parameter.rank() >= 2; }

Optimizer::Named without_matrices(const Optimizer::Named& parameters) {
  Optimizer::Named others;
  std::copy_if(parameters.begin(), parameters.end(), std::back_inserter(others),
               [](const auto& named) { return !is_matrix(named.second); });
  return others;
}

Shape matrix_shape(const Tensor& parameter) {
  const int64_t columns = parameter.dim(parameter.rank() - 1);
  return {columns == 0 ? 0 : parameter.numel() / columns, columns};
}

}  // namespace

Tensor orthogonalise(const Tensor& matrix) {
  check(matrix.rank() == 2, "[orthogonalise] a matrix is needed, not ", matrix.shape());
  // By the largest element first, for the squares of small ones may be no numbers of the type any more. The small
  // divisor keeps zeros zeros.
  constexpr double least = 1e-30;
  Variable x = matrix;
  x = x / (max(reshape(abs(x), Shape{x.value().numel()}), 0) + least);
  x = x / (sqrt(sum(square(x))) + least);
  // Of x x^T and x^T x the smaller one.
  const bool wide = matrix.dim(0) < matrix.dim(1);
  for (int i = 0; i < 5; ++i) {
    const Variable gram = matmul(x, x, {.transpose_a = !wide, .transpose_b = wide});
    const Variable factor = 2.0315 * matmul(gram, gram) - 4.7750 * gram;
    x = 3.4445 * x + (wide ? matmul(factor, x) : matmul(x, factor));
  }
  return x.value();
}

Muon::Muon(const Named& parameters, const MuonOptions& options)
    : options_(options), parameters_(parameters), adam_(without_matrices(parameters), options.adam) {
  check(options.momentum >= 0 && options.momentum < 1, "[muon] the momentum must be in [0, 1), not ", options.momentum);
  check_parameters("muon", parameters_);
  for (const auto& [name, p] : parameters_) {
    means_.push_back(is_matrix(p) ? Tensor::zeros(p.shape(), p.dtype(), p.device()) : Tensor());
  }
}

void Muon::step(const std::vector<Tensor>& gradients, double lr) {
  const TraceSpan span("Muon");
  check_gradients("muon", parameters_, gradients);
  std::vector<Tensor> others;
  for (size_t k = 0; k < gradients.size(); ++k) {
    Tensor p = parameters_[k].second;
    if (!is_matrix(p)) {
      others.push_back(gradients[k]);
      continue;
    }
    const Variable g = (1 - options_.momentum) * Variable(gradients[k]);
    const Variable m = options_.momentum * Variable(means_[k]) + g;
    means_[k] = m.value();
    const Shape shape = matrix_shape(p);
    const Tensor direction = orthogonalise((options_.momentum * m + g).value().reshaped(shape));
    const double rate = 0.2 * lr * std::sqrt(static_cast<double>(std::max(shape.dim(0), shape.dim(1))));
    const Tensor updated = (Variable(p.reshaped(shape)) - rate * Variable(direction)).value();
    copy_memory(p.raw(), p.device(), updated.raw(), updated.device(), updated.nbytes());
  }
  adam_.step(others, lr);
}

Muon::Named Muon::matrix_means() const {
  Named means;
  for (size_t k = 0; k < parameters_.size(); ++k) {
    if (means_[k].defined()) means.emplace_back("m/" + parameters_[k].first, means_[k]);
  }
  return means;
}

Muon::Named Muon::state() const {
  Named state = adam_.state();
  for (const auto& mean : matrix_means()) state.push_back(mean);
  return state;
}

void Muon::load(const Named& state) {
  check_state("muon", state, this->state());
  const Named means = matrix_means();
  const std::map<std::string, Tensor> known(means.begin(), means.end());
  Named of_matrices, of_others;
  for (const auto& named : state) (known.count(named.first) ? of_matrices : of_others).push_back(named);
  copy_state("muon", of_matrices, means);
  adam_.load(of_others);
}

}  // namespace lacuna
