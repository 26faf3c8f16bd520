#include "ops/cases.h"

#include <cmath>

#include "ops/sample/sample.h"

namespace lacuna {
namespace {

// Positions in and around a 3 x 4 picture, none within 0.1 of a kink of the bilinear kernel.
Tensor case_grid(const Shape& shape, uint64_t seed) {
  Tensor grid = case_values(shape, seed, -2, 5);
  double* position = grid.data<double>();
  for (int64_t i = 0; i < grid.numel(); ++i) {
    const double below = std::floor(position[i]);
    position[i] = below + 0.1 + 0.8 * (position[i] - below);
  }
  return grid;
}

}  // namespace

OpCases sample_cases() {
  const Variable rows = case_values({4, 3}, 1), picked = case_values({2, 3, 3}, 2);
  const Tensor indices = Tensor::from<int32_t>({2, 3}, {3, 0, 0, 2, 3, 0});
  const Variable x = case_values({2, 3, 4, 2}, 3), g = case_values({2, 3, 3, 2}, 4), grid = case_grid({2, 3, 3, 2}, 5);

  OpCases cases{
      {"sample",
       "gather",
       {"x"},
       {rows},
       [indices](const Variables& v) { return gather(v[0], indices.to(v[0].device())); }},
      {"sample",
       "scatter_add",
       {"g"},
       {picked},
       [indices](const Variables& v) { return scatter_add(v[0], indices.to(v[0].device()), 4); }},
      {"sample", "grid_sample", {"x", "grid"}, {x, grid}, [](const Variables& v) { return grid_sample(v[0], v[1]); }},
  };
  for (const SampleDerivative order : {SampleDerivative{0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
    const std::string suffix = " {" + std::to_string(order.row) + "," + std::to_string(order.col) + "}";
    cases.push_back(
        {"sample", "grid_sample_derivative" + suffix, {"x", "grid"}, {x, grid}, [order](const Variables& v) {
           return grid_sample_derivative(v[0], v[1], order);
         }});
    cases.push_back({"sample", "grid_sample_adjoint" + suffix, {"g", "grid"}, {g, grid}, [order](const Variables& v) {
                       return grid_sample_adjoint(v[0], v[1], 3, 4, order);
                     }});
  }
  return cases;
}

}  // namespace lacuna
