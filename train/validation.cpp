#include "train/validation.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "train/flow_picture.h"
#include "train/inpaint.h"
#include "train/metrics.h"

namespace lacuna {
namespace {

Image image_of(const Variable& x) { return to_image(x.value().to(Device{})); }

}  // namespace

Validation::Validation(const TrainConfig& config, const std::vector<std::string>& sources, int64_t count)
    : dtype_(config.network.dtype) {
  DataOptions options = config.data;
  options.sources = sources;
  options.flip = false;
  options.seed = config.seed;
  count = std::min(count, static_cast<int64_t>(list_pictures(sources).size()));
  truth_ = DataLoader(options, count).next();
  mask_ = make_holes(config.holes, count, config.data.height, config.data.width, Philox{config.seed, 0}).mask;
}

Validation::Result Validation::operator()(const Generator& generator, int64_t rows) const {
  const NoGrad no_grad;
  Result result;
  const int64_t count = truth_.dim(0);
  for (int64_t i = 0; i < count; ++i) {
    const Variable truth = slice(cast(truth_, dtype_), 0, i, 1), mask = slice(cast(mask_, dtype_), 0, i, 1);
    GeneratorOutput output = generator(truth.value().to(generator.device()), mask.value().to(generator.device()));
    output.coarse = output.coarse.value().to(Device{});
    output.fine = output.fine.value().to(Device{});
    const Variable completed = complete(output.fine, truth, mask);
    size_t k = 0;
    for (const auto& [name, value] : metrics_of(truth, completed, mask)) {
      if (i == 0) result.metrics.emplace_back(name, 0);
      result.metrics[k++].second += value / static_cast<double>(count);
    }
    if (i >= rows) continue;
    std::vector<Image> row;
    for (const Variable& x : {truth, truth * (1 - mask) + mask, output.coarse, output.fine, completed}) {
      row.push_back(image_of(x));
    }
    if (output.offsets.defined()) {
      row.push_back(flow_picture(output.offsets.to(Device{}), Generator::size_unit, truth.dim(1), truth.dim(2)));
    }
    result.rows.push_back(side_by_side(row));
  }
  return result;
}

Image one_above_the_other(const std::vector<Image>& pictures) {
  Image all{.height = 0, .width = pictures.at(0).width, .channels = pictures[0].channels, .bits = 8, .samples = {}};
  for (const Image& picture : pictures) {
    check(picture.width == all.width && picture.channels == all.channels && picture.bits == all.bits,
          "[image] pictures one above the other must be alike in width, channels and bits");
    all.height += picture.height;
    all.samples.insert(all.samples.end(), picture.samples.begin(), picture.samples.end());
  }
  return all;
}

}  // namespace lacuna
