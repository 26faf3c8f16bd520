#include <algorithm>
#include <functional>

#include "distributed/together.h"
#include "train/trainer.h"

namespace lacuna {
namespace {

/// What the state of the generator's optimiser is named behind.
std::string prefix_of(TrainConfig::Optimizer::Kind kind) {
  return kind == TrainConfig::Optimizer::Kind::adam ? "adam/generator/" : "muon/generator/";
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> Trainer::critic_tensors() const {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const Judge& judge : judges_) {
    for (const auto& named : judge.critic.params().tensors()) all.push_back(named);
  }
  return all;
}

Checkpoint Trainer::state() const {
  Checkpoint checkpoint{step_, batches_, to_toml(config_), {}};
  const auto add = [&](const std::string& prefix, const std::vector<std::pair<std::string, Tensor>>& tensors) {
    for (const auto& [name, value] : tensors) checkpoint.tensors.emplace_back(prefix + name, value.to(Device{}));
  };
  add("", generator_.params().tensors());
  add("", critic_tensors());
  add(prefix_of(config_.optimizer.kind), generator_optimizer_->state());
  if (critic_adam_) add("adam/critics/", critic_adam_->state());
  if (average_) add("ema/", average_->state());
  return checkpoint;
}

void Trainer::restore(const Checkpoint& checkpoint) {
  // Sorted by what the tensors belong to, so that each part can complain about what it lacks or does not know.
  using Named = std::vector<std::pair<std::string, Tensor>>;
  Named generator, optimizer, critic_adam, average;
  std::vector<Named> critics(judges_.size());
  using Kind = TrainConfig::Optimizer::Kind;
  const bool adam = config_.optimizer.kind == Kind::adam;
  const std::string own_prefix = prefix_of(config_.optimizer.kind);
  const std::string other_prefix = prefix_of(adam ? Kind::muon : Kind::adam);
  const auto belongs = [&](const std::string& name, const std::string& prefix, Named& to, const Tensor& value) {
    if (!name.starts_with(prefix)) return false;
    to.emplace_back(name.substr(prefix.size()), value);
    return true;
  };
  for (const auto& [name, value] : checkpoint.tensors) {
    check(!name.starts_with(other_prefix),
          "[train] the checkpoint was trained with another optimizer.kind: set it to \"", adam ? "muon" : "adam",
          "\", or start a new run from it with --init");
    bool placed = belongs(name, own_prefix, optimizer, value) || belongs(name, "ema/", average, value) ||
                  (critic_adam_ && belongs(name, "adam/critics/", critic_adam, value));
    for (size_t k = 0; k < judges_.size() && !placed; ++k) {
      placed = judges_[k].critic.params().has(name) && belongs(name, "", critics[k], value);
    }
    if (!placed) generator.emplace_back(name, value);
  }
  generator_.params().assign(generator);
  const bool fresh = critic_adam.empty() && std::all_of(critics.begin(), critics.end(), std::mem_fn(&Named::empty));
  for (size_t k = 0; k < judges_.size() && !fresh; ++k) judges_[k].critic.params().assign(critics[k]);
  generator_optimizer_->load(optimizer);
  if (critic_adam_ && !fresh) critic_adam_->load(critic_adam);
  if (averaged_) averaged_->params().assign(generator);
  if (average_ && !average.empty()) average_->load(average);
  step_ = checkpoint.step;
  batches_ = checkpoint.batches;
  source_ = nullptr;
  prepared_.reset();
}

void Trainer::synchronise() {
  if (communicator_.size() == 1) return;
  Checkpoint common = state();
  const Tensor counts =
      Tensor::from<double>({2}, {static_cast<double>(common.step), static_cast<double>(common.batches)});
  communicator_.broadcast(counts);
  for (auto& [name, value] : common.tensors) {
    if (!communicator_.is_first()) value = value.clone();
    communicator_.broadcast(value);
  }
  if (communicator_.is_first()) return;
  common.step = static_cast<int64_t>(counts.data<double>()[0]);
  common.batches = static_cast<uint64_t>(counts.data<double>()[1]);
  restore(common);
}

void Trainer::check_synchronised() const { check_same(communicator_, state().tensors); }

}  // namespace lacuna
