#include "train/validation.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "train/metrics.h"

namespace lacuna {
namespace {

constexpr int64_t columns = 8;

/// (n,H,W,3) as one row of pictures, (1,H,nW,3).
Variable side_by_side(const Variable& x) {
  return reshape(permute(x, {1, 0, 2, 3}), {1, x.dim(1), x.dim(0) * x.dim(2), 3});
}

}  // namespace

Validation::Validation(const TrainConfig& config) : dtype_(config.network.dtype) {
  DataOptions options = config.data;
  options.sources = config.validation;
  options.flip = false;
  options.seed = config.seed;
  const int64_t count =
      std::min(config.validation_pictures, static_cast<int64_t>(list_pictures(options.sources).size()));
  truth_ = DataLoader(options, count).next();
  mask_ = make_holes(config.holes, count, config.data.height, config.data.width, Philox{config.seed, 0}).mask;
}

Validation::Result Validation::operator()(const Generator& generator) const {
  const NoGrad no_grad;
  Result result;
  std::vector<Variables> rows(4);
  const int64_t count = truth_.dim(0);
  for (int64_t i = 0; i < count; ++i) {
    const Variable truth = slice(cast(truth_, dtype_), 0, i, 1), mask = slice(cast(mask_, dtype_), 0, i, 1);
    const GeneratorOutput output = generator(truth, mask);
    const Variable coarse = complete(output.coarse, truth, mask), fine = complete(output.fine, truth, mask);
    size_t k = 0;
    for (const auto& [name, value] : metrics_of(truth, fine, mask)) {
      if (i == 0) result.metrics.emplace_back(name, 0);
      result.metrics[k++].second += value / static_cast<double>(count);
    }
    if (i >= columns) continue;
    const Variables pictures{truth * (1 - mask) + mask, coarse, fine, truth};
    for (size_t row = 0; row < rows.size(); ++row) rows[row].push_back(pictures[row]);
  }
  Variables strips;
  for (const Variables& row : rows) strips.push_back(side_by_side(concat(row, 0)));
  result.grid = concat(strips, 1).value();
  return result;
}

}  // namespace lacuna
