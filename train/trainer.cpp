#include "train/trainer.h"

#include <cmath>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/random/random.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

/// What random numbers are for; each purpose has a seed of its own.
enum class Purpose : uint64_t { generator, global_critic, local_critic, data, holes, global_penalty, local_penalty };

uint64_t seed_for(uint64_t seed, Purpose purpose) {
  const Philox::Word4 w = Philox{seed, static_cast<uint64_t>(purpose)}.words(0);
  return static_cast<uint64_t>(w.v[0]) << 32 | w.v[1];
}

/// The sum of terms; an undefined one is nothing.
Variable plus(const Variable& a, const Variable& b) { return a.defined() ? a + b : b; }

/// Adds to the loss of that name.
void accumulate(StepReport& report, const std::string& name, double value) {
  for (auto& [known, sum] : report.losses) {
    if (known == name) {
      sum += value;
      return;
    }
  }
  report.losses.emplace_back(name, value);
}

const TrainConfig& checked(const TrainConfig& config) {
  check_config(config);
  return config;
}

}  // namespace

OpenSource picture_source(const TrainConfig& config) {
  DataOptions options = config.data;
  options.seed = seed_for(config.seed, Purpose::data);
  return [options, batch = config.batch](uint64_t first_batch) -> PictureSource {
    auto loader = std::make_shared<DataLoader>(options, batch, first_batch);
    return [loader] { return loader->next(); };
  };
}

Trainer::Trainer(const TrainConfig& config, OpenSource open)
    : config_(checked(config)),
      open_(std::move(open)),
      holes_(config.holes),
      generator_(config.network, seed_for(config.seed, Purpose::generator)),
      generator_adam_(generator_.params().tensors(), config.optimizer.adam) {
  config_.optimizer.schedule.total = config.steps;
  if (config.pretrain_coarse > 0) {
    GeneratorOptions options = config.network;
    options.one_stage = true;
    coarse_.emplace(options);
    coarse_->params() = generator_.params();
  }
  if (config.loss.discount != TrainConfig::Loss::Discount::distance) {
    const double gamma = config.loss.discount == TrainConfig::Loss::Discount::box ? config.loss.gamma : 1;
    discount_ = discount_mask(config.holes.hole_height, config.holes.hole_width, gamma, config.network.dtype);
  }
  if (!config.adversarial()) return;
  using Critics = TrainConfig::Loss::Critics;
  const DType dtype = config.network.dtype;
  if (config.loss.critics != Critics::local) {
    judges_.push_back({Critic(Critic::Kind::global, config.data.height, config.data.width, config.critic_cnum, dtype,
                              seed_for(config.seed, Purpose::global_critic)),
                       false, seed_for(config.seed, Purpose::global_penalty)});
  }
  if (config.loss.critics != Critics::global) {
    judges_.push_back({Critic(Critic::Kind::local, config.holes.hole_height, config.holes.hole_width,
                              config.critic_cnum, dtype, seed_for(config.seed, Purpose::local_critic)),
                       true, seed_for(config.seed, Purpose::local_penalty)});
  }
  critic_adam_.emplace(critic_tensors(), config.optimizer.adam);
}

StepReport Trainer::step() {
  StepReport report;
  report.step = step_ + 1;
  report.lr = config_.optimizer.lr * schedule_factor(config_.optimizer.schedule, step_);
  if (config_.adversarial_at(step_)) {
    for (int64_t i = 0; i < config_.critic_steps; ++i) update_critics(report);
    for (auto& [name, sum] : report.losses) sum /= static_cast<double>(config_.critic_steps);
  }
  update_generator(report);
  ++step_;
  return report;
}

Trainer::Batch Trainer::next_batch() {
  const TraceSpan span("data");
  if (!source_) source_ = open_(batches_);
  const uint64_t index = batches_++;
  const DType dtype = config_.network.dtype;
  const Tensor truth = source_().to(dtype);
  const HoleBatch holes =
      holes_(truth.dim(0), truth.dim(1), truth.dim(2), Philox{seed_for(config_.seed, Purpose::holes), index});
  return {index, truth, holes.mask.to(dtype), holes.boxes};
}

void Trainer::update_critics(StepReport& report) {
  const TraceSpan span("critic update");
  const Batch batch = next_batch();
  report.pictures += batch.truth.dim(0);
  Variable completed;
  {
    const NoGrad no_grad;
    completed = complete(generator_(batch.truth, batch.mask).fine, batch.truth, batch.mask);
  }
  const auto view = [&](const Judge& judge, const Variable& x) { return judge.local ? crop_boxes(x, batch.boxes) : x; };

  const Adversarial game = config_.loss.adversarial;
  std::vector<Tensor> gradients;
  for (const Judge& judge : judges_) {
    const std::string name = judge.local ? "critic_local" : "critic_global";
    const Variable real = view(judge, batch.truth), fake = view(judge, completed);
    const int64_t n = real.dim(0);
    // In one batch, since what a convolution prepares from its kernel then serves both.
    const Variable scores = judge.critic(concat({real, fake}, 0));
    Variable loss = critic_loss(game, slice(scores, 0, 0, n), slice(scores, 0, n, n));
    note(report, name, loss);
    if (game == Adversarial::wgan_gp && config_.loss.gradient_penalty > 0) {
      const Tensor alpha = random_uniform({n, 1}, Philox{judge.seed, batch.index}, 0, 1, real.dtype());
      const Variable penalty = gradient_penalty(judge.critic, real, fake, alpha, view(judge, batch.mask));
      note(report, name + "_penalty", penalty);
      loss = loss + config_.loss.gradient_penalty * penalty;
    }
    for (const Tensor& g : finite_gradients(loss, judge.critic.params())) gradients.push_back(g);
  }
  critic_adam_->step(gradients, config_.optimizer.critic_lr * schedule_factor(config_.optimizer.schedule, step_));
}

void Trainer::update_generator(StepReport& report) {
  const TraceSpan span("generator update");
  const Batch batch = next_batch();
  report.pictures += batch.truth.dim(0);
  const bool coarse_only = step_ < config_.pretrain_coarse;
  const GeneratorOutput output =
      (coarse_only ? *coarse_ : generator_)(batch.truth, batch.mask, {.recompute = config_.recompute});
  Variable loss = reconstruction(batch, output, coarse_only, report);
  const Variable completed = complete(output.fine, batch.truth, batch.mask);
  if (config_.loss.total_variation > 0) {
    const Variable variation = total_variation(completed);
    note(report, "total_variation", variation);
    loss = loss + config_.loss.total_variation * variation;
  }
  if (config_.adversarial_at(step_)) loss = loss + config_.loss.gan * adversarial(batch, completed, report);
  note(report, "loss", loss);

  std::vector<Tensor> gradients = finite_gradients(loss, generator_.params());
  if (config_.optimizer.clip_norm > 0) gradients = clip_by_global_norm(gradients, config_.optimizer.clip_norm);
  generator_adam_.step(gradients, report.lr);
}

Variable Trainer::reconstruction(const Batch& batch, const GeneratorOutput& output, bool coarse_only,
                                 StepReport& report) const {
  const TrainConfig::Loss& options = config_.loss;
  const Variable weight = discount(batch), truth = crop_boxes(batch.truth, batch.boxes);
  Variable l1, ae;
  const auto add_stage = [&](const Variable& generated, double factor) {
    l1 = plus(l1, factor * weighted_l1(truth, crop_boxes(generated, batch.boxes), weight));
    ae = plus(ae, factor * known_l1(batch.truth, generated, batch.mask));
  };
  if (coarse_only || !config_.network.one_stage) add_stage(output.coarse, options.coarse);
  if (!coarse_only) add_stage(output.fine, 1);
  note(report, "l1", l1);
  note(report, "ae", ae);
  return options.l1 * l1 + options.ae * ae;
}

Variable Trainer::discount(const Batch& batch) const {
  if (discount_.defined()) return discount_;
  return crop_boxes(discount_mask_distance(batch.mask.value(), config_.loss.gamma), batch.boxes);
}

Variable Trainer::adversarial(const Batch& batch, const Variable& completed, StepReport& report) const {
  Variable total;
  for (const Judge& judge : judges_) {
    const Variable scores = judge.critic(judge.local ? crop_boxes(completed, batch.boxes) : completed);
    const Variable loss = generator_loss(config_.loss.adversarial, scores);
    total = plus(total, judge.local ? loss : config_.loss.global_alpha * loss);
  }
  note(report, "gan", total);
  return total;
}

std::vector<std::pair<std::string, Tensor>> Trainer::critic_tensors() const {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const Judge& judge : judges_) {
    for (const auto& named : judge.critic.params().tensors()) all.push_back(named);
  }
  return all;
}

std::vector<Tensor> Trainer::finite_gradients(const Variable& loss, const Params& params) const {
  std::vector<Tensor> gradients;
  for (const Variable& g : grad(loss, params.variables())) gradients.push_back(g.value());
  if (const std::optional<size_t> bad = first_not_finite(gradients)) {
    fail("[train] step ", step_ + 1, ": the gradient of ", params.items()[*bad].first,
         " is not finite; go on from the last checkpoint with a smaller learning rate or optimizer.clip_norm");
  }
  return gradients;
}

void Trainer::note(StepReport& report, const std::string& name, const Variable& loss) const {
  const double value = loss.value().item();
  check(std::isfinite(value), "[train] step ", step_ + 1, ": the loss ", name, " is ", value,
        "; go on from the last checkpoint with a smaller learning rate or optimizer.clip_norm");
  accumulate(report, name, value);
}

Checkpoint Trainer::state() const {
  Checkpoint checkpoint{step_, batches_, to_toml(config_), generator_.params().tensors()};
  const auto add = [&](const std::string& prefix, const std::vector<std::pair<std::string, Tensor>>& tensors) {
    for (const auto& [name, value] : tensors) checkpoint.tensors.emplace_back(prefix + name, value);
  };
  add("", critic_tensors());
  add("adam/generator/", generator_adam_.state());
  if (critic_adam_) add("adam/critics/", critic_adam_->state());
  return checkpoint;
}

void Trainer::restore(const Checkpoint& checkpoint) {
  // Sorted by what the tensors belong to, so that each part can complain about what it lacks or does not know.
  using Named = std::vector<std::pair<std::string, Tensor>>;
  Named generator, generator_adam, critic_adam;
  std::vector<Named> critics(judges_.size());
  const auto belongs = [&](const std::string& name, const std::string& prefix, Named& to, const Tensor& value) {
    if (!name.starts_with(prefix)) return false;
    to.emplace_back(name.substr(prefix.size()), value);
    return true;
  };
  for (const auto& [name, value] : checkpoint.tensors) {
    bool placed = belongs(name, "adam/generator/", generator_adam, value) ||
                  (critic_adam_ && belongs(name, "adam/critics/", critic_adam, value));
    for (size_t k = 0; k < judges_.size() && !placed; ++k) {
      placed = judges_[k].critic.params().has(name) && belongs(name, "", critics[k], value);
    }
    if (!placed) generator.emplace_back(name, value);
  }
  generator_.params().assign(generator);
  for (size_t k = 0; k < judges_.size(); ++k) judges_[k].critic.params().assign(critics[k]);
  generator_adam_.load(generator_adam);
  if (critic_adam_) critic_adam_->load(critic_adam);
  step_ = checkpoint.step;
  batches_ = checkpoint.batches;
  source_ = nullptr;
}

}  // namespace lacuna
