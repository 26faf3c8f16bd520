#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "distributed/together.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/random/random.h"
#include "ops/reduce/reduce.h"
#include "tensor/trace.h"
#include "train/vgg_file.h"

namespace lacuna {
namespace {

/// What random numbers are for; each purpose has a seed of its own.
enum class Purpose : uint64_t { generator, global_critic, local_critic, data, holes, global_penalty, local_penalty };

uint64_t seed_for(uint64_t seed, Purpose purpose) {
  const Philox::Word4 w = Philox{seed, static_cast<uint64_t>(purpose)}.words(0);
  return static_cast<uint64_t>(w.v[0]) << 32 | w.v[1];
}

using Values = std::vector<std::pair<std::string, double>>;

/// Adds to the value of that name.
void note(Values& values, const std::string& name, double value) {
  for (auto& [known, sum] : values) {
    if (known == name) {
      sum += value;
      return;
    }
  }
  values.emplace_back(name, value);
}

Generator moved(Generator generator, Device device) {
  generator.params().move_to(device);
  return generator;
}

Critic moved(Critic critic, Device device) {
  critic.params().move_to(device);
  return critic;
}

std::unique_ptr<Optimizer> optimizer_of(const TrainConfig::Optimizer& options, const Optimizer::Named& parameters) {
  if (options.kind == TrainConfig::Optimizer::Kind::adam) return std::make_unique<Adam>(parameters, options.adam);
  return std::make_unique<Muon>(parameters, MuonOptions{options.momentum, options.adam});
}

const TrainConfig& checked(const TrainConfig& config, const Communicator& communicator) {
  check_config(config);
  check(config.batch % communicator.size() == 0, "[train] a batch of ", config.batch,
        " pictures cannot be shared evenly by ", communicator.size(),
        " processes; set training.batch to a multiple of ", communicator.size());
  return config;
}

}  // namespace

OpenSource picture_source(const TrainConfig& config, BatchPart part) {
  DataOptions options = config.data;
  options.seed = seed_for(config.seed, Purpose::data);
  return [options, batch = config.batch, part](uint64_t first_batch) -> PictureSource {
    auto loader = std::make_shared<DataLoader>(options, batch, first_batch, part);
    return [loader] { return loader->next(); };
  };
}

Trainer::Trainer(const TrainConfig& config, OpenSource open, Communicator& communicator, Device device)
    : config_(checked(config, communicator)),
      communicator_(communicator),
      device_(device),
      open_(std::move(open)),
      holes_(config.holes),
      generator_(moved(Generator(config.network, seed_for(config.seed, Purpose::generator)), device)),
      generator_optimizer_(optimizer_of(config.optimizer, generator_.params().tensors())) {
  config_.optimizer.schedule.total = config.steps;
  config_.optimizer.critic_schedule.total = std::max<int64_t>(1, config.steps - config.first_critic_step());
  if (config.ema_decay > 0) {
    averaged_.emplace(moved(Generator(config.network), device));
    averaged_->params().assign(generator_.params().tensors());
    average_.emplace(generator_.params().tensors(), averaged_->params().tensors(), config.ema_decay);
  }
  if (config.pretrain_coarse > 0) {
    GeneratorOptions options = config.network;
    options.one_stage = true;
    coarse_.emplace(options);
    coarse_->params() = generator_.params();
  }
  if (config.loss.discount != TrainConfig::Loss::Discount::distance) {
    const double gamma = config.loss.discount == TrainConfig::Loss::Discount::box ? config.loss.gamma : 1;
    discount_ =
        discount_mask(config.holes.hole_height, config.holes.hole_width, gamma, config.network.dtype).to(device);
  }
  if (config.loss.perceptual > 0 || config.loss.style > 0) {
    vgg_ = load_vgg16(config.loss.vgg, config.network.dtype);
    vgg_->move_to(device);
  }
  // The ranks' exchanges go on beside a pass and are not recorded.
  if (device.kind == Device::Kind::cuda && config.plan && communicator.size() == 1) {
    plan_memory_ = std::make_shared<PlanMemory>(device);
  }
  if (!config.adversarial()) return;
  using Critics = TrainConfig::Loss::Critics;
  const DType dtype = config.network.dtype;
  if (config.loss.critics != Critics::local) {
    judges_.push_back({moved(Critic(Critic::Kind::global, config.data.height, config.data.width, config.critic_cnum,
                                    dtype, seed_for(config.seed, Purpose::global_critic)),
                             device),
                       false, seed_for(config.seed, Purpose::global_penalty)});
  }
  if (config.loss.critics != Critics::global) {
    judges_.push_back({moved(Critic(Critic::Kind::local, config.holes.hole_height, config.holes.hole_width,
                                    config.critic_cnum, dtype, seed_for(config.seed, Purpose::local_critic)),
                             device),
                       true, seed_for(config.seed, Purpose::local_penalty)});
  }
  critic_adam_.emplace(critic_tensors(), config.optimizer.adam);
}

StepReport Trainer::step() {
  const WithPrecision precision(config_.precision);
  StepReport report;
  report.step = step_ + 1;
  report.lr = config_.optimizer.lr * schedule_factor(config_.optimizer.schedule, step_);
  if (config_.adversarial_at(step_)) {
    const TrainConfig::Optimizer& optimizer = config_.optimizer;
    const double factor = optimizer.own_critic_schedule
                              ? schedule_factor(optimizer.critic_schedule, step_ - config_.first_critic_step())
                              : schedule_factor(optimizer.schedule, step_);
    report.critic_lr = optimizer.critic_lr * factor;
    for (int64_t i = 1; i <= config_.critic_steps; ++i) {
      update_critics(report, i < config_.critic_steps || config_.critics_alone_at(step_));
    }
    for (Values* values : {&report.losses, &report.measures}) {
      for (auto& [name, sum] : *values) sum /= static_cast<double>(config_.critic_steps);
    }
  }
  if (!config_.critics_alone_at(step_)) {
    update_generator(report);
    if (average_) average_->update();
  }
  ++step_;
  return report;
}

void Trainer::start_from(const std::vector<std::pair<std::string, Tensor>>& parameters) {
  check(step_ == 0, "[train] parameters can be given before the first step alone");
  generator_.params().assign(parameters);
  if (averaged_) averaged_->params().assign(parameters);
}

bool Trainer::measures_gradients() const {
  return config_.log.gradients_every > 0 && (step_ + 1) % config_.log.gradients_every == 0;
}

std::vector<Tensor> Trainer::Batch::tensors() const {
  std::vector<Tensor> all{truth, mask, corners};
  for (const Tensor& x : {known, weight}) {
    if (x.defined()) all.push_back(x);
  }
  all.insert(all.end(), places.begin(), places.end());
  return all;
}

Trainer::Batch Trainer::Batch::from(const std::vector<Tensor>& tensors, bool for_critics) {
  if (!for_critics) return {tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], {}};
  return {tensors[0], tensors[1], tensors[2], {}, {}, {tensors.begin() + 3, tensors.end()}};
}

Trainer::Batch Trainer::next_batch(bool for_critics) {
  std::optional<Prepared> ready = std::exchange(prepared_, std::nullopt);
  if (ready && ready->for_critics != for_critics) {
    ready.reset();
    source_ = nullptr;  // which has gone on
  }
  Batch batch = ready ? std::move(ready->batch) : make_batch(for_critics);
  ++batches_;
  return batch;
}

void Trainer::prepare_batch(bool for_critics) {
  if (device_.kind == Device::Kind::cuda) prepared_ = Prepared{make_batch(for_critics), for_critics};
}

Trainer::Batch Trainer::make_batch(bool for_critics) {
  const TraceSpan span("data");
  const uint64_t index = batches_;
  if (!source_) source_ = open_(index);
  const DType dtype = config_.network.dtype;
  const Tensor truth = source_();
  const int64_t n = truth.dim(0), first = communicator_.rank() * n;
  const HoleBatch holes =
      holes_(n, truth.dim(1), truth.dim(2), Philox{seed_for(config_.seed, Purpose::holes), index}, first);
  const Tensor mask = holes.mask.to(dtype);
  Batch batch{truth.to(dtype).to(device_), mask.to(device_), corners_of(holes.boxes).to(device_), {}, {}, {}};
  if (for_critics) {
    if (!penalises()) return batch;
    for (const Judge& judge : judges_) {
      const Tensor all = random_uniform({first + n, 1}, Philox{judge.seed, index}, 0, 1, dtype);
      batch.places.push_back(slice(all, 0, first, n).value().to(device_));
    }
    return batch;
  }
  const Tensor known = mean(1 - Variable(mask)).value();
  communicator_.all_reduce(known, Reduction::mean);
  check_shared(communicator_, known.item() > 0, "[train] step ", step_ + 1, ": the holes leave no known pixel");
  batch.known = known.to(device_);
  batch.weight = discount_.defined()
                     ? discount_
                     : crop_boxes(discount_mask_distance(mask, config_.loss.gamma), holes.boxes).value().to(device_);
  return batch;
}

void Trainer::update_critics(StepReport& report, bool critics_next) {
  const TraceSpan span("critic update");
  Pass pass = carry_out("critics", next_batch(true), true);
  prepare_batch(critics_next);
  settle(pass, report);
  std::vector<const Params*> networks;
  for (const Judge& judge : judges_) networks.push_back(&judge.critic.params());
  const std::vector<Tensor> gradients = finite_gradients(pass, networks);
  if (measures_gradients()) note(report.measures, "gradient_critics", global_norm(gradients));
  critic_adam_->step(gradients, report.critic_lr);
}

void Trainer::update_generator(StepReport& report) {
  const TraceSpan span("generator update");
  std::string name = "generator";
  if (trains_coarse_only()) name += ", coarse";
  if (config_.adversarial_at(step_)) name += ", judged";
  if (measures_gradients()) name += ", measured";
  Pass pass = carry_out(name, next_batch(false), false);
  prepare_batch(config_.adversarial_at(step_ + 1));
  settle(pass, report);
  for (size_t k = 0; k < pass.parts.size(); ++k) {
    note(report.measures, "gradient_" + pass.names.parts[k], norm_over_ranks(pass.parts[k]));
  }
  std::vector<Tensor> gradients = finite_gradients(pass, {&generator_.params()});
  if (measures_gradients()) note(report.measures, "gradient_generator", global_norm(gradients));
  if (config_.optimizer.clip_norm > 0) gradients = clip_by_global_norm(gradients, config_.optimizer.clip_norm);
  generator_optimizer_->step(gradients, report.lr);
}

double Trainer::norm_over_ranks(const Tensor& gradient) const {
  const double norm = global_norm({gradient});
  if (communicator_.size() == 1) return norm;
  const Tensor square = Tensor::scalar(norm * norm, DType::f64);
  communicator_.all_reduce(square, Reduction::sum);
  return std::sqrt(square.item()) / communicator_.size();
}

std::vector<Tensor> Trainer::finite_gradients(Pass& pass, const std::vector<const Params*>& networks) const {
  std::vector<Tensor> gradients = pass.gradients;
  for (GradientAverager& averager : pass.averagers) {
    for (const Tensor& g : averager.finish()) gradients.push_back(g);
  }
  if (const std::optional<size_t> bad = first_not_finite(gradients)) {
    std::vector<std::string> names;
    for (const Params* params : networks) {
      for (const auto& [name, value] : params->items()) names.push_back(name);
    }
    check_shared(communicator_, false, "[train] step ", step_ + 1, ": the gradient of ", names[*bad],
                 " is not finite; go on from the last checkpoint with a smaller learning rate or optimizer.clip_norm");
  }
  return gradients;
}

void Trainer::settle(const Pass& pass, StepReport& report) const {
  report.pictures += config_.batch;
  const Tensor means = pass.values.to(Device{});
  communicator_.all_reduce(means, Reduction::mean);
  const double* next = means.data<double>();
  for (const std::string& name : pass.names.losses) {
    const double mean = *next++;
    check_shared(communicator_, std::isfinite(mean), "[train] step ", step_ + 1, ": the loss ", name, " is ", mean,
                 "; go on from the last checkpoint with a smaller learning rate or optimizer.clip_norm");
    note(report.losses, name, mean);
  }
  for (const std::string& name : pass.names.measures) note(report.measures, name, *next++);
}

}  // namespace lacuna
