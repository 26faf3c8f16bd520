#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "autograd/grad.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/pad/pad.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "tensor/safetensors.h"
#include "tests/support/any_threads.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_training.h"
#include "tests/support/tiny_vgg.h"

namespace lacuna {
namespace {

/// Two steps, a new trainer restored from them, two more: the bits of four steps.
void check_resume(const TrainConfig& config) {
  Trainer whole(config, test::made_up_pictures());
  for (int i = 0; i < 4; ++i) whole.step();
  Trainer first(config, test::made_up_pictures());
  for (int i = 0; i < 2; ++i) first.step();
  Trainer second(config, test::made_up_pictures());
  second.restore(test::copied(first));
  for (int i = 0; i < 2; ++i) second.step();
  test::check_same(whole.state(), second.state());
}

double loss_of(const StepReport& report, const std::string& name) {
  for (const auto& [known, value] : report.losses) {
    if (known == name) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

/// Adam, straight from the formula.
class NaiveAdam {
 public:
  void step(const Params& params, const Variables& gradients, double lr) {
    ++t_;
    const double rate = lr * std::sqrt(1 - std::pow(0.9, t_)) / (1 - std::pow(0.5, t_));
    for (size_t k = 0; k < gradients.size(); ++k) {
      Tensor p = params.items()[k].second.value();
      for (int64_t i = 0; i < p.numel(); ++i) {
        auto& [m, v] = moments_[{k, i}];
        const double g = gradients[k].value().at(i);
        m = 0.5 * m + 0.5 * g;
        v = 0.9 * v + 0.1 * g * g;
        p.data<double>()[i] -= rate * m / (std::sqrt(v) + 1e-8);
      }
    }
  }

 private:
  std::map<std::pair<size_t, int64_t>, std::pair<double, double>> moments_;
  int t_ = 0;
};

}  // namespace

TEST_CASE("trainer: resumed training has the bits of uninterrupted training") {
  TrainConfig config = test::tiny_config();
  SUBCASE("wgan_gp, both critics") {}
  SUBCASE("f32") { config.network.dtype = DType::f32; }
  SUBCASE("hinge, local critic, cosine") {
    config.loss.adversarial = Adversarial::hinge;
    config.loss.critics = TrainConfig::Loss::Critics::local;
    config.optimizer.schedule = {.kind = ScheduleOptions::Kind::cosine, .warmup = 2};
    config.optimizer.clip_norm = 0.01;
  }
  SUBCASE("critics that come in after the interruption") { config.adversarial_start = 3; }
  SUBCASE("coarse network first") { config.pretrain_coarse = 3; }
  SUBCASE("muon") { config.optimizer.kind = TrainConfig::Optimizer::Kind::muon; }
  SUBCASE("a moving average, critics alone first, schedules of their own") {
    config.ema_decay = 0.9;
    config.critic_warmup = 3;
    config.optimizer.schedule = {.kind = ScheduleOptions::Kind::linear, .final_factor = 0.1};
    config.optimizer.own_critic_schedule = true;
    config.optimizer.critic_schedule = {.kind = ScheduleOptions::Kind::cosine, .warmup = 2};
  }
  check_resume(config);
}

TEST_CASE("trainer: ten steps in f64 follow the recipe written out") {
  TrainConfig config = test::tiny_config();
  config.holes.max_shrink = 0;
  config.holes.margin = 4;  // leaves one place for the hole: rows and columns 4 to 11
  config.loss.adversarial = Adversarial::lsgan;
  config.loss.gan = 0.1;
  config.loss.global_alpha = 0.5;
  config.optimizer.lr = 2e-3;
  config.optimizer.critic_lr = 1e-3;
  Trainer trainer(config, test::made_up_pictures());

  // The same networks, updated by hand.
  Generator generator(config.network);
  Critic global(Critic::Kind::global, 16, 16, 2, DType::f64), local(Critic::Kind::local, 8, 8, 2, DType::f64);
  std::map<std::string, Tensor> start;
  for (const auto& [name, tensor] : test::copied(trainer).tensors) start[name] = tensor;
  for (Params* params : {&generator.params(), &global.params(), &local.params()}) {
    std::vector<std::pair<std::string, Tensor>> own;
    for (const auto& item : params->items()) own.emplace_back(item.first, start.at(item.first));
    params->assign(own);
  }
  Tensor hole = Tensor::zeros({1, 16, 16, 1}, DType::f64), discount = Tensor::zeros({1, 16, 16, 1}, DType::f64);
  for (int64_t r = 0; r < 8; ++r) {
    for (int64_t c = 0; c < 8; ++c) {
      const double row = std::pow(0.9, std::min(r, 8 - r)), column = std::pow(0.9, std::min(c, 8 - c));
      hole.data<double>()[(r + 4) * 16 + c + 4] = 1;
      discount.data<double>()[(r + 4) * 16 + c + 4] = std::max(row, column);
    }
  }
  const Variable mask = hole, known = 1 - mask;
  const auto window = [](const Variable& x) { return crop(x, 4, 4, 8, 8); };
  const PictureSource source = test::made_up_pictures()(0);
  NaiveAdam generator_adam, global_adam, local_adam;
  for (int step = 0; step < 10; ++step) {
    trainer.step();
    for (int k = 0; k < 2; ++k) {
      const Variable truth = source();
      const Variable fake = (generator(truth, mask).fine.detach() * mask + truth * known).detach();
      const auto loss = [&](const Critic& critic, const Variable& real_view, const Variable& fake_view) {
        return (mean(square(critic(real_view) - 1)) + mean(square(critic(fake_view)))) / 2;
      };
      const Variable of_global = loss(global, truth, fake), of_local = loss(local, window(truth), window(fake));
      global_adam.step(global.params(), grad(of_global, global.params().variables()), 1e-3);
      local_adam.step(local.params(), grad(of_local, local.params().variables()), 1e-3);
    }
    const Variable truth = source();
    const GeneratorOutput out = generator(truth, mask);
    const Variable coarse = abs(truth - out.coarse), fine = abs(truth - out.fine);
    // Means over the window: 2 * 8 * 8 * 3 elements. Means over the picture: 2 * 16 * 16 * 3, of which 3/4 are known.
    const Variable l1 = (1.2 * sum(coarse * discount) + sum(fine * discount)) / 384;
    const Variable ae = (1.2 * sum(coarse * known) + sum(fine * known)) / 1536 / 0.75;
    const Variable completed = out.fine * mask + truth * known;
    const Variable gan = mean(square(local(window(completed)) - 1)) + 0.5 * mean(square(global(completed) - 1));
    const Variable total = 1.2 * l1 + 1.2 * ae + 0.1 * gan;
    generator_adam.step(generator.params(), grad(total, generator.params().variables()), 2e-3);
  }
  for (const auto& [name, tensor] : generator.params().tensors()) {
    CAPTURE(name);
    CHECK_CLOSE(trainer.generator().params().at(name).value(), tensor, 1e-11);
    CHECK(test::relative_error(tensor, start.at(name)) > 1e-4);
  }
}

TEST_CASE("trainer: it learns a picture by heart") {
  TrainConfig config = test::tiny_config();
  config.loss.adversarial = Adversarial::none;
  config.optimizer.lr = 3e-3;
  config.network.dtype = DType::f32;
  Trainer trainer(config, [](uint64_t) -> PictureSource {
    return [] {
      Tensor x({2, 16, 16, 3});
      for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = 0.1F * static_cast<float>(i % 48 / 3) - 0.8F;
      return x;
    };
  });
  const double before = loss_of(trainer.step(), "l1");
  for (int i = 0; i < 80; ++i) trainer.step();
  CHECK(loss_of(trainer.step(), "l1") < 0.5 * before);
}

TEST_CASE("trainer: what a step reports and draws") {
  TrainConfig config = test::tiny_config();
  config.adversarial_start = 1;
  Trainer trainer(config, test::made_up_pictures());
  const StepReport alone = trainer.step();
  CHECK(alone.step == 1);
  CHECK(alone.pictures == 2);
  CHECK(std::isnan(loss_of(alone, "gan")));
  CHECK(loss_of(alone, "loss") == doctest::Approx(1.2 * loss_of(alone, "l1") + 1.2 * loss_of(alone, "ae")));
  const StepReport adversarial = trainer.step();
  CHECK(adversarial.pictures == 6);
  for (const char* name : {"gan", "critic_global", "critic_global_penalty", "critic_local", "critic_local_penalty"}) {
    CHECK(std::isfinite(loss_of(adversarial, name)));
  }
  CHECK(trainer.state().batches == 4);
  CHECK(trainer.steps_done() == 2);
}

TEST_CASE("trainer: the moving average is that of the parameters after each step") {
  TrainConfig config = test::tiny_config();
  config.ema_decay = 0.75;
  config.loss.adversarial = Adversarial::none;
  Trainer trainer(config, test::made_up_pictures());
  const std::string name = "inpaint_net/allconv17/kernel";
  CHECK(test::same_bits(trainer.result().params().at(name).value(), trainer.generator().params().at(name).value()));
  std::vector<Tensor> history;
  for (int t = 0; t < 5; ++t) {
    trainer.step();
    history.push_back(trainer.generator().params().at(name).value().clone());
  }
  const Tensor average = trainer.result().params().at(name).value();
  for (int64_t i = 0; i < average.numel(); ++i) {
    double sum = 0, weights = 0;
    for (int s = 0; s < 5; ++s) {
      sum += std::pow(0.75, 4 - s) * history[static_cast<size_t>(s)].at(i);
      weights += std::pow(0.75, 4 - s);
    }
    CHECK(std::abs(average.at(i) - sum / weights) < 1e-14);
  }
  config.ema_decay = 0;
  const Trainer plain(config, test::made_up_pictures());
  CHECK(&plain.result() == &plain.generator());
}

TEST_CASE("trainer: critics warm up alone, on rates of their own") {
  TrainConfig config = test::tiny_config();
  config.adversarial_start = 1;
  config.critic_warmup = 2;
  config.optimizer.critic_lr = 1e-3;
  config.optimizer.own_critic_schedule = true;
  config.optimizer.critic_schedule.warmup = 2;
  Trainer trainer(config, test::made_up_pictures());
  const std::string conv = "inpaint_net/conv1/kernel", critic = "discriminator/discriminator_global/conv1/kernel";
  const auto value = [&](const std::string& name) {
    const Checkpoint state = trainer.state();
    return std::find_if(state.tensors.begin(), state.tensors.end(), [&](const auto& t) { return t.first == name; })
        ->second.clone();
  };
  const auto moves = [&](StepReport& report) {
    const Tensor generator_before = value(conv), critic_before = value(critic);
    report = trainer.step();
    return std::pair(!test::same_bits(value(conv), generator_before), !test::same_bits(value(critic), critic_before));
  };
  StepReport report;
  CHECK(moves(report) == std::pair(true, false));
  CHECK(report.critic_lr == 0);
  for (const double factor : {0.5, 1.0}) {
    CHECK(moves(report) == std::pair(false, true));
    CHECK(report.critic_lr == doctest::Approx(factor * 1e-3));
    CHECK(std::isnan(loss_of(report, "l1")));
    CHECK(std::isfinite(loss_of(report, "critic_local")));
    CHECK(report.pictures == 4);
  }
  CHECK(moves(report) == std::pair(true, true));
  CHECK(std::isfinite(loss_of(report, "gan")));
}

TEST_CASE("trainer: measuring gradients tells them and changes nothing") {
  const auto train = [](int64_t every) {
    TrainConfig config = test::tiny_config();
    config.loss.ssim = 0.1;
    config.loss.total_variation = 0.1;
    config.log.gradients_every = every;
    Trainer trainer(config, test::made_up_pictures());
    StepReport report;
    for (int i = 0; i < 3; ++i) report = trainer.step();
    return std::pair(report, test::copied(trainer).tensors);
  };
  const auto [measured, with] = train(3);
  const auto [plain, without] = train(0);
  REQUIRE(with.size() == without.size());
  for (size_t i = 0; i < with.size(); ++i) CHECK(test::same_bits(with[i].second, without[i].second));
  for (const char* name : {"l1", "ae", "ssim", "total_variation", "gan", "generator", "critics"}) {
    CAPTURE(name);
    const auto has = [&](const StepReport& report) {
      return std::any_of(report.measures.begin(), report.measures.end(), [&](const auto& m) {
        return m.first == std::string("gradient_") + name && std::isfinite(m.second) && m.second > 0;
      });
    };
    CHECK(has(measured));
    CHECK(!has(plain));
  }
}

TEST_CASE("trainer: perceptual and style losses take part, from a file of VGG16") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "vgg.safetensors", {{}, test::tiny_vgg(3)});
  TrainConfig config = test::tiny_config();
  config.loss.adversarial = Adversarial::none;
  config.loss.vgg = (folder / "vgg.safetensors").string();
  config.loss.perceptual = 0.3;
  config.loss.style = 2;
  config.log.gradients_every = 1;
  const StepReport report = Trainer(config, test::made_up_pictures()).step();
  const double l1 = loss_of(report, "l1"), ae = loss_of(report, "ae");
  const double perceptual = loss_of(report, "perceptual"), style = loss_of(report, "style");
  CHECK(perceptual > 0);
  CHECK(style > 0);
  CHECK(loss_of(report, "loss") == doctest::Approx(1.2 * (l1 + ae) + 0.3 * perceptual + 2 * style));
  for (const std::string name : {"gradient_perceptual", "gradient_style"}) {
    CHECK(std::any_of(report.measures.begin(), report.measures.end(),
                      [&](const auto& m) { return m.first == name && m.second > 0; }));
  }
  check_resume(config);
  config.loss.vgg = (folder / "none").string();
  CHECK(test::error_of([&] { Trainer(config, test::made_up_pictures()); }).find("there is no such file") !=
        std::string::npos);
}

TEST_CASE("trainer: a loss's gradient with respect to the result, by its formula") {
  TrainConfig config = test::tiny_config();
  config.loss.adversarial = Adversarial::none;
  config.loss.discount = TrainConfig::Loss::Discount::none;
  config.log.gradients_every = 1;
  Trainer trainer(config, test::made_up_pictures());
  const StepReport report = trainer.step();
  // l1 is a mean over 2 windows of 8x8x3, so each of their n numbers has the slope 1.2 / n (no fill meets the truth).
  const double n = 2 * 8 * 8 * 3;
  for (const auto& [name, value] : report.measures) {
    if (name == "gradient_l1") CHECK(value == doctest::Approx(1.2 / std::sqrt(n)));
  }
  CHECK(!report.measures.empty());
}

TEST_CASE("trainer: critics see the window of every kind of hole") {
  using Kind = MaskOptions::Kind;
  for (const Kind kind : {Kind::box, Kind::boxes, Kind::strokes, Kind::mixed}) {
    CAPTURE(static_cast<int>(kind));
    TrainConfig config = test::tiny_config();
    config.data.height = config.data.width = 32;
    config.holes.kind = kind;
    config.holes.hole_height = config.holes.hole_width = 16;
    Trainer trainer(config, [](uint64_t first) -> PictureSource {
      return [k = first]() mutable { return case_values({2, 32, 32, 3}, 1000 + k++); };
    });
    for (int i = 0; i < 2; ++i) {
      const StepReport report = trainer.step();
      for (const char* name : {"l1", "gan", "critic_local", "critic_local_penalty"}) {
        CHECK(std::isfinite(loss_of(report, name)));
      }
    }
  }
}

TEST_CASE("trainer: pretraining leaves the refinement network alone, and both stages share what is learned") {
  TrainConfig config = test::tiny_config();
  config.pretrain_coarse = 1;
  Trainer trainer(config, test::made_up_pictures());
  const Checkpoint before = test::copied(trainer);
  trainer.step();
  for (const auto& [name, tensor] : before.tensors) {
    if (!name.starts_with("inpaint_net/") || !name.ends_with("kernel")) continue;
    CAPTURE(name);
    const bool coarse = name.starts_with("inpaint_net/conv");
    CHECK(test::same_bits(trainer.generator().params().at(name).value(), tensor) != coarse);
  }
}

TEST_CASE("trainer: a diverged run stops with the step and the first bad tensor") {
  TrainConfig config = test::tiny_config();
  config.loss.adversarial = Adversarial::none;
  Trainer trainer(config, test::made_up_pictures());
  trainer.step();
  Tensor bias = trainer.generator().params().at("inpaint_net/conv17/bias").value();
  bias.data<double>()[0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(test::error_of([&] { trainer.step(); }).starts_with("[train] step 2: the loss l1 is nan"));
  CHECK(trainer.steps_done() == 1);

  // An infinite weight is hidden by the clipping of the result, not from the gradient.
  Trainer another(config, test::made_up_pictures());
  Tensor kernel = another.generator().params().at("inpaint_net/conv17/kernel").value();
  kernel.data<double>()[4 * kernel.dim(2) * 3] = std::numeric_limits<double>::infinity();  // the middle tap's
  const Checkpoint before = test::copied(another);
  CHECK(test::error_of([&] {
          another.step();
        }).starts_with("[train] step 1: the gradient of inpaint_net/conv1/kernel is not finite"));
  for (const auto& [name, tensor] : before.tensors) {
    if (name.starts_with("inpaint_net/")) {
      CHECK(test::same_bits(another.generator().params().at(name).value(), tensor));
    }
  }
}

TEST_CASE("trainer: the same bits for any number of threads") {
  TrainConfig config = test::tiny_config();
  config.network.dtype = DType::f32;
  test::on_any_threads([&] {
    Trainer trainer(config, test::made_up_pictures());
    for (int i = 0; i < 2; ++i) trainer.step();
    return trainer.generator().params().at("inpaint_net/xconv1/kernel").value();
  });
}

TEST_CASE("trainer: a checkpoint of other networks is refused") {
  Trainer trainer(test::tiny_config(), test::made_up_pictures());
  TrainConfig wider = test::tiny_config();
  wider.network.cnum = 8;
  const Trainer other(wider, test::made_up_pictures());
  const Checkpoint before = test::copied(trainer);
  CHECK(test::error_of([&] { trainer.restore(other.state()); }) != "");
  test::check_same(trainer.state(), before);
}

}  // namespace lacuna
