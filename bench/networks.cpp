#include "bench/networks.h"

#include <algorithm>
#include <memory>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "bench/traced.h"
#include "nets/planned_generator.h"
#include "ops/random/random.h"
#include "tensor/memory.h"

namespace lacuna::bench {
namespace {

Tensor random_pictures(const Shape& shape, DType dtype, uint64_t draw = 0) {
  return random_uniform(shape, Philox{1, draw}, -1, 1, dtype);
}

/// A hole of half the sides in the middle.
Tensor middle_hole(int64_t height, int64_t width) {
  Tensor mask = Tensor::zeros({1, height, width, 1}, DType::f32);
  for (int64_t row = height / 4; row < height - height / 4; ++row) {
    float* const line = mask.data<float>() + row * width;
    std::fill(line + width / 4, line + width - width / 4, 1.0f);
  }
  return mask;
}

/// A call of the generator.
std::function<void()> forward_pass(const Generator& generator, const Setting& s) {
  const DType dtype = generator.options().dtype;
  const Device device = generator.device();
  const Variable pictures = random_pictures({s.batch, s.height, s.width, 3}, dtype).to(device);
  const Variable mask = middle_hole(s.height, s.width).to(dtype).to(device);
  return [&generator, pictures, mask] {
    const NoGrad no_grad;
    generator(pictures, mask);
  };
}

/// The same call as it is made for one picture after the other.
std::function<void()> planned_pass(const Generator& generator, const Setting& s) {
  const DType dtype = generator.options().dtype;
  const Tensor pictures = random_pictures({s.batch, s.height, s.width, 3}, dtype).to(generator.device());
  const Tensor mask = middle_hole(s.height, s.width).to(dtype).to(generator.device());
  return [planned = std::make_shared<PlannedGenerator>(generator), pictures, mask] { (*planned)(pictures, mask); };
}

std::function<void()> face_of(const Params& params, ConvLayer layer, Face face, const Tensor& x) {
  if (face == Face::forward) {
    return [&params, layers = ConvLayers{std::move(layer)}, x] {
      const NoGrad no_grad;
      apply(layers, params, x);
    };
  }
  layer.activation = {};
  const Variable input = face == Face::input ? Variable::leaf(x) : Variable(x);
  const Variable wanted = face == Face::input ? input : params.at(layer.name + "/kernel");
  const Variable y = apply({layer}, params, input);
  const Variable g = random_pictures(y.shape(), y.dtype(), 1).to(y.device());
  return [y, wanted, g] { grad(y, {wanted}, {.cotangent = g}); };
}

double product(const Shape& shape) { return static_cast<double>(shape.numel()); }

}  // namespace

InferenceRow measure_inference(const Generator& generator, const Setting& setting, const Effort& effort) {
  const WithPrecision with(setting.precision);
  reset_peaks(effort.device);
  const auto pass = planned_pass(generator, setting);
  InferenceRow row{.setting = setting, .times = measure(pass, effort), .memory = {}};
  row.memory = peaks(effort.device);
  return row;
}

std::vector<OpRow> measure_ops(const Generator& generator, const Setting& setting, const Effort& effort) {
  const WithPrecision with(setting.precision);
  const auto pass = forward_pass(generator, setting);
  std::vector<OpRow> rows;
  bool warm = false;
  measure(
      [&] {
        const Traced traced(pass);
        if (std::exchange(warm, true)) add_ops(traced, setting, rows);
      },
      effort);
  return rows;
}

LayerRow measure_layer(const std::string& network, const Params& params, const PlacedLayer& place, Face face,
                       const Setting& setting, const Effort& effort) {
  const WithPrecision with(setting.precision);
  const ConvLayer& l = place.layer;
  const Shape input{setting.batch, place.height, place.width, l.in};
  const Shape output{setting.batch, place.out_height(), place.out_width(), l.out};
  const Shape kernel{l.kernel, l.kernel, l.in, l.out};
  const Tensor x = random_pictures(input, params.at(l.name + "/kernel").dtype()).to(effort.device);
  LayerRow row{.setting = setting, .network = network, .place = place, .face = face, .times = {}};
  row.times = measure(face_of(params, l, face, x), effort);
  row.flops = 2 * product(output) * product(kernel) / static_cast<double>(l.out);
  row.bytes = (product(input) + product(kernel) + product(output)) * static_cast<double>(size_of(x.dtype()));
  return row;
}

TrainConfig training_config(const Setting& s) {
  TrainConfig config;
  config.precision = s.precision;
  config.network.cnum = s.cnum;
  config.critic_cnum = 2 * s.cnum;
  config.data.height = s.height;
  config.data.width = s.width;
  config.holes.hole_height = std::max<int64_t>(1, s.height / 2);
  config.holes.hole_width = std::max<int64_t>(1, s.width / 2);
  config.holes.max_shrink = std::min(s.height, s.width) / 8;
  config.batch = s.batch;
  return config;
}

TrainingRow measure_training(const TrainConfig& config, const Effort& effort) {
  const Setting setting{config.data.height, config.data.width, config.batch, config.network.cnum, config.precision};
  TrainingRow row;
  row.setting = setting;
  row.critic_steps = config.critic_steps;

  // Asked for before every update, so that an iteration need not be waited for.
  const OpenSource open = [&](uint64_t first) -> PictureSource {
    const Shape shape{config.batch, config.data.height, config.data.width, 3};
    const PictureSource source =
        config.data.sources.empty()
            ? PictureSource([pictures = random_pictures(shape, DType::f32)] { return pictures; })
            : picture_source(config)(first);
    return [source, &effort] {
      effort.check_stop();
      return source();
    };
  };
  reset_peaks(effort.device);
  Trainer trainer(config, open, single_process(), effort.device);
  bool warm = false;
  const auto traced_step = [&] {
    const Traced traced([&] { trainer.step(); });
    if (!std::exchange(warm, true)) return;
    for (const double t : traced.spans("critic update")) row.critic_update.runs.push_back(t);
    for (const double t : traced.spans("generator update")) row.generator_update.runs.push_back(t);
    row.data.runs.push_back(traced.total("data"));
    row.adam.runs.push_back(traced.total("Adam"));
  };
  if (effort.device.kind == Device::Kind::cuda) {
    // A trace waits for the device after every kernel: its parts are measured in iterations of their own.
    row.iteration = measure([&] { trainer.step(); }, effort);
    Effort parts = effort;
    parts.repeat = std::min<int64_t>(3, static_cast<int64_t>(row.iteration.runs.size()));
    measure(traced_step, parts);
  } else {
    row.iteration = measure(traced_step, effort);
  }
  row.memory = peaks(effort.device);
  return row;
}

}  // namespace lacuna::bench
