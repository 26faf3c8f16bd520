#include "autograd/grad.h"
#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/reduce/reduce.h"
#include "ops/window/window.h"
#include "tensor/trace.h"
#include "train/trainer.h"

// What is computed between a batch and its gradients. On a CUDA device it may be recorded and run again, so nothing
// here looks at the numbers.
namespace lacuna {
namespace {

/// The sum of terms; an undefined one is nothing.
Variable plus(const Variable& a, const Variable& b) { return a.defined() ? a + b : b; }

}  // namespace

/// A pass in the making.
class Trainer::Passing {
 public:
  void loss(const std::string& name, const Variable& value) {
    pass_.names.losses.push_back(name);
    losses_.push_back(row(value));
  }
  void measure(const std::string& name, const Variable& value) {
    pass_.names.measures.push_back(name);
    measures_.push_back(row(value));
  }
  void part(const std::string& name, const Tensor& gradient) {
    pass_.names.parts.push_back(name);
    pass_.parts.push_back(gradient);
  }
  void gradients(GradientAverager averager) { pass_.averagers.push_back(std::move(averager)); }

  Pass finish() {
    losses_.insert(losses_.end(), measures_.begin(), measures_.end());
    pass_.values = concat(losses_, 0).value();
    return std::move(pass_);
  }

 private:
  static Variable row(const Variable& value) { return reshape(cast(value.detach(), DType::f64), Shape{1}); }

  Pass pass_;
  Variables losses_, measures_;
};

Trainer::Pass Trainer::carry_out(const std::string& name, const Batch& batch, bool for_critics) {
  const auto pass = [&](const Batch& b) { return for_critics ? pass_critics(b) : pass_generator(b); };
  if (!plan_memory_) return pass(batch);
  const std::vector<Tensor> inputs = batch.tensors();
  auto planned = plans_.find(name);
  if (planned == plans_.end() || !planned->second.plan.fits(inputs)) {
    Pass::Names names;
    const auto recorded = [&](const std::vector<Tensor>& tensors) {
      Pass result = pass(Batch::from(tensors, for_critics));
      names = result.names;
      std::vector<Tensor> all{result.values};
      all.insert(all.end(), result.parts.begin(), result.parts.end());
      for (GradientAverager& averager : result.averagers) {
        for (const Tensor& g : averager.finish()) all.push_back(g);
      }
      return all;
    };
    Plan plan(recorded, inputs, plan_memory_);
    planned = plans_.insert_or_assign(name, Planned{std::move(plan), names}).first;
  }
  const std::vector<Tensor>& all = planned->second.plan(inputs);
  const Pass::Names& names = planned->second.names;
  const auto parts_end = all.begin() + 1 + static_cast<std::ptrdiff_t>(names.parts.size());
  return {names, all[0], {all.begin() + 1, parts_end}, {parts_end, all.end()}, {}};
}

Trainer::Pass Trainer::pass_critics(const Batch& batch) const {
  Passing passing;
  Variable completed;
  {
    const NoGrad no_grad;
    completed = generator_.fill(batch.truth, batch.mask);
  }
  const auto view = [&](const Judge& judge, const Variable& x) { return judge.local ? window_of(x, batch) : x; };

  const Adversarial game = config_.loss.adversarial;
  for (size_t k = 0; k < judges_.size(); ++k) {
    const Judge& judge = judges_[k];
    const std::string name = judge.local ? "critic_local" : "critic_global";
    const Variable real = view(judge, batch.truth), fake = view(judge, completed);
    const int64_t n = real.dim(0);
    // In one batch, since what a convolution prepares from its kernel then serves both.
    const Variable scores = judge.critic(concat({real, fake}, 0));
    const Variable real_scores = slice(scores, 0, 0, n), fake_scores = slice(scores, 0, n, n);
    Variable loss = critic_loss(game, real_scores, fake_scores);
    passing.loss(name, loss);
    passing.measure(name + "_real", mean(real_scores));
    passing.measure(name + "_fake", mean(fake_scores));
    if (penalises()) {
      const Variable penalty = gradient_penalty(judge.critic, real, fake, batch.places[k], view(judge, batch.mask));
      passing.loss(name + "_penalty", penalty);
      loss = loss + config_.loss.gradient_penalty * penalty;
    }
    passing.gradients(start_gradients(loss, judge.critic.params()));
  }
  return passing.finish();
}

Trainer::Pass Trainer::pass_generator(const Batch& batch) const {
  Passing passing;
  const Generator& network = trains_coarse_only() ? *coarse_ : generator_;
  const GeneratorOutput output = network(batch.truth, batch.mask, {.recompute = config_.recompute});
  Parts parts = reconstruction(batch, output, passing);
  const Variable completed = complete(output.fine, batch.truth, batch.mask);
  const auto add = [&](const char* name, double weight, const auto& loss_of) {
    if (weight <= 0) return;
    const Variable part = loss_of();
    passing.loss(name, part);
    parts.emplace_back(name, weight * part);
  };
  add("ssim", config_.loss.ssim, [&] { return dissimilarity(batch.truth, completed); });
  if (vgg_) {
    const Variables features = (*vgg_)(completed);
    const Variables of_truth = (*vgg_)(batch.truth);
    add("perceptual", config_.loss.perceptual, [&] { return perceptual_loss(of_truth, features); });
    add("style", config_.loss.style, [&] { return style_loss(of_truth, features); });
  }
  add("total_variation", config_.loss.total_variation, [&] { return total_variation(completed); });
  if (config_.adversarial_at(step_)) {
    parts.emplace_back("gan", config_.loss.gan * adversarial(batch, completed, passing));
  }
  Variable loss;
  for (const auto& [name, part] : parts) loss = plus(loss, part);
  passing.loss("loss", loss);
  if (measures_gradients()) {
    for (const auto& [name, part] : parts) passing.part(name, grad(part, {output.fine})[0].value());
  }
  passing.gradients(start_gradients(loss, generator_.params()));
  return passing.finish();
}

Trainer::Parts Trainer::reconstruction(const Batch& batch, const GeneratorOutput& output, Passing& passing) const {
  const TrainConfig::Loss& options = config_.loss;
  const Variable truth = window_of(batch.truth, batch);
  Variable l1, ae;
  const auto add_stage = [&](const Variable& generated, double factor) {
    l1 = plus(l1, factor * weighted_l1(truth, window_of(generated, batch), batch.weight));
    ae = plus(ae, factor * known_l1(batch.truth, generated, batch.mask, batch.known));
  };
  if (trains_coarse_only() || !config_.network.one_stage) add_stage(output.coarse, options.coarse);
  if (!trains_coarse_only()) add_stage(output.fine, 1);
  passing.loss("l1", l1);
  passing.loss("ae", ae);
  return {{"l1", options.l1 * l1}, {"ae", options.ae * ae}};
}

Variable Trainer::adversarial(const Batch& batch, const Variable& completed, Passing& passing) const {
  Variable total;
  for (const Judge& judge : judges_) {
    const Variable scores = judge.critic(judge.local ? window_of(completed, batch) : completed);
    const Variable loss = generator_loss(config_.loss.adversarial, scores);
    total = plus(total, judge.local ? loss : config_.loss.global_alpha * loss);
  }
  passing.loss("gan", total);
  return total;
}

Variable Trainer::window_of(const Variable& x, const Batch& batch) const {
  return take_windows(x, batch.corners, config_.holes.hole_height, config_.holes.hole_width);
}

GradientAverager Trainer::start_gradients(const Variable& loss, const Params& params) const {
  std::vector<Tensor> values;
  for (const auto& [name, value] : params.tensors()) values.push_back(value);
  GradientAverager averager(communicator_, values);
  grad(loss, params.variables(),
       {.cotangent = {}, .on_ready = [&](size_t i, const Variable& gradient) { averager.ready(i, gradient.value()); }});
  return averager;
}

}  // namespace lacuna
