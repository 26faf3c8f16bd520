#include <limits>
#include <nlohmann/json.hpp>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tensor/safetensors.h"
#include "tests/support/checkpoints.h"
#include "tests/support/temporary_folder.h"
#include "train/checkpoint_model.h"
#include "train/model_file.h"
#include "train/run.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

/// A folder of a few small pictures and a run's configuration for them.
struct Workshop {
  Workshop() {
    fs::create_directories(folder / "pictures");
    for (int k = 0; k < 5; ++k) {
      Image image{20, 18, 3, 8, std::vector<uint16_t>(20 * 18 * 3)};
      for (size_t i = 0; i < image.samples.size(); ++i) image.samples[i] = static_cast<uint16_t>((i * (k + 1)) % 256);
      write_image(folder / "pictures" / (std::to_string(k) + ".png"), image);
    }
    config.network.cnum = 4;
    config.critic_cnum = 2;
    config.data.sources = {(folder / "pictures").string()};
    config.validation = config.data.sources;
    config.validation_pictures = 3;
    config.data.height = config.data.width = 16;
    config.holes.hole_height = config.holes.hole_width = 8;
    config.holes.max_shrink = 2;
    config.batch = 2;
    config.critic_steps = 1;
    config.steps = 4;
    config.checkpoint_every = 2;
    config.keep = 2;
    config.validate_every = 2;
    config.log_every = 1;
  }

  RunResult run(
      const std::string& name, bool resume = false, const std::atomic<bool>* stop = nullptr,
      const std::function<void(const StepReport&)>& report = [](const StepReport&) {}) {
    return train_run(
        config, {folder / name, resume, {}, stop}, [](int64_t) {}, report);
  }

  std::vector<nlohmann::json> log(const std::string& name) const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(read_file(folder / name / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  test::TemporaryFolder folder;
  TrainConfig config;
};

}  // namespace

TEST_CASE("run: what a finished run leaves behind") {
  Workshop w;
  const RunResult result = w.run("a");
  CHECK(result.steps == 4);
  CHECK(!result.stopped);
  CHECK(result.checkpoint == checkpoint_path(w.folder / "a" / "checkpoints", 4));
  CHECK(fs::exists(result.checkpoint));
  CHECK(fs::exists(checkpoint_path(w.folder / "a" / "checkpoints", 2)));
  CHECK(!fs::exists(checkpoint_path(w.folder / "a" / "checkpoints", 0)));  // only two are kept
  CHECK(to_toml(run_config(w.folder / "a")) == to_toml(w.config));

  const Model model = load_model(w.folder / "a" / "model.safetensors");
  CHECK(model.metadata.at("step") == "4");
  CHECK(model.channel_order == "rgb");
  const Checkpoint last = read_checkpoint(result.checkpoint);
  const auto parameters = model.generator.params().tensors();
  for (size_t i = 0; i < parameters.size(); ++i) {
    CHECK(last.tensors[i].first == parameters[i].first);
    CHECK(test::same_bits(last.tensors[i].second, parameters[i].second));
  }

  const auto event_files = [&] {
    int64_t count = 0;
    for (const auto& entry : fs::directory_iterator(w.folder / "a")) {
      count += entry.path().filename().string().starts_with("events.out.tfevents.");
    }
    return count;
  };
  CHECK(event_files() == 1);

  const Image grid = read_image(w.folder / "a" / "validation" / "step_00000004.png");
  CHECK(grid.height == 3 * 16);  // pictures
  CHECK(grid.width == 6 * 16);   // original, hole, coarse, fine, completed, attention
  const auto log = w.log("a");
  REQUIRE(log.size() == 6);
  CHECK(log[0]["step"] == 1);
  CHECK(log[0]["kind"] == "train");
  CHECK(log[0].contains("critic_global_penalty"));
  CHECK(log[5]["kind"] == "validation");
  CHECK(log[5]["step"] == 4);

  w.config.steps = 5;
  w.run("a", true);
  CHECK(event_files() == 2);
  w.config.steps = 6;
  w.config.log.tensorboard = false;
  w.run("a", true);
  CHECK(event_files() == 2);
}

TEST_CASE("run: stopped and resumed it ends as if never stopped") {
  Workshop w;
  SUBCASE("as it is") {}
  SUBCASE("with a moving average and a schedule") {
    w.config.ema_decay = 0.9;
    w.config.optimizer.schedule = {.kind = ScheduleOptions::Kind::linear, .warmup = 2, .final_factor = 0.1};
    w.config.optimizer.own_critic_schedule = true;
    w.config.optimizer.critic_schedule = {
        .kind = ScheduleOptions::Kind::piecewise, .decay_factor = 0.5, .milestones = {1, 2}};
    w.config.critic_warmup = 2;
    w.config.log.gradients_every = 1;
  }
  w.run("whole");
  std::atomic<bool> stop{false};
  const RunResult stopped = w.run("parts", false, &stop, [&](const StepReport& step) { stop = step.step == 1; });
  CHECK(stopped.stopped);
  CHECK(stopped.steps == 1);
  const RunResult rest = w.run("parts", true);
  CHECK(rest.steps == 4);
  const auto whole = read_checkpoint(checkpoint_path(w.folder / "whole" / "checkpoints", 4));
  const auto parts = read_checkpoint(rest.checkpoint);
  test::check_same(whole, parts);
  const auto a = w.log("whole"), b = w.log("parts");
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i]["step"] == b[i]["step"]);
    for (const char* name : {"l1", "lr", "critic_lr", "critic_local_real", "gradient_l1", "gradient_critics", "psnr"}) {
      CAPTURE(name);
      CHECK(a[i].value(name, -1.0) == b[i].value(name, -1.0));
    }
  }
  CHECK(read_file(w.folder / "whole/model.safetensors") == read_file(w.folder / "parts/model.safetensors"));
  CHECK(read_file(w.folder / "whole/best.safetensors") == read_file(w.folder / "parts/best.safetensors"));
}

TEST_CASE("run: starts from a given model") {
  Workshop w;
  w.config.steps = 1;
  w.config.optimizer.lr = 0;
  const Generator given(w.config.network, 99);
  save_model(w.folder / "given.safetensors", given, {});
  train_run(
      w.config, {w.folder / "a", false, w.folder / "given.safetensors", nullptr}, [](int64_t) {},
      [](const StepReport&) {});
  const Model trained = load_model(w.folder / "a" / "model.safetensors");
  for (const auto& [name, tensor] : given.params().tensors()) {
    CHECK(test::same_bits(trained.generator.params().at(name).value(), tensor));
  }
}

TEST_CASE("run: what is kept of averages, and what a checkpoint yields") {
  Workshop w;
  w.config.ema_decay = 0.5;
  w.config.storage = Storage::f16;
  w.run("a");
  const fs::path newest = checkpoint_path(w.folder / "a/checkpoints", 4);
  const Model model = load_model(w.folder / "a/model.safetensors");
  const Model averaged = load_model_or_checkpoint(newest), raw = load_model_or_checkpoint(newest, true);
  CHECK(model.metadata.at("parameters") == "moving average, decay 0.5");
  CHECK(averaged.metadata.at("parameters") == "moving average, decay 0.5");
  CHECK(!raw.metadata.contains("parameters"));
  CHECK(read_safetensors_header(w.folder / "a/model.safetensors").tensors[0].type == "F16");
  const Checkpoint checkpoint = read_checkpoint(newest);
  for (const auto& [name, tensor] : raw.generator.params().tensors()) {
    CAPTURE(name);
    const Tensor average = averaged.generator.params().at(name).value();
    CHECK_CLOSE(model.generator.params().at(name).value(), average, 0x1p-11);
    if (name.ends_with("kernel")) CHECK(!test::same_bits(average, tensor));
    for (const auto& [known, saved] : checkpoint.tensors) {
      if (known == name) CHECK(test::same_bits(saved, tensor));
      if (known == "ema/average/" + name) CHECK(test::same_bits(saved, average));
    }
  }
  CHECK(test::error_of([&] { load_model_or_checkpoint(w.folder / "a/model.safetensors", true); }) != "");

  // A new run from a checkpoint starts from what it yields, with fresh critics.
  w.config.steps = 1;
  w.config.critic_warmup = 1;
  train_run(
      w.config, {w.folder / "b", false, newest, nullptr}, [](int64_t) {}, [](const StepReport&) {});
  const Model started = load_model_or_checkpoint(checkpoint_path(w.folder / "b/checkpoints", 1), true);
  for (const auto& [name, tensor] : averaged.generator.params().tensors()) {
    CHECK(test::same_bits(started.generator.params().at(name).value(), tensor));
  }
}

TEST_CASE("run: averages and critics can join a run that began without") {
  Workshop w;
  w.config.loss.adversarial = Adversarial::none;
  w.config.steps = 2;
  w.run("a");
  w.config.loss.adversarial = Adversarial::wgan_gp;
  w.config.ema_decay = 0.9;
  w.config.steps = 3;
  w.run("a", true);
  const auto has = [&](const std::string& name) {
    const Checkpoint last = read_checkpoint(*newest_checkpoint(w.folder / "a/checkpoints"));
    return std::any_of(last.tensors.begin(), last.tensors.end(), [&](const auto& t) { return t.first == name; });
  };
  CHECK(has("ema/updates"));
  CHECK(has("adam/critics/updates"));
  w.config.ema_decay = 0;
  w.config.steps = 4;
  w.run("a", true);
  CHECK(!has("ema/updates"));
}

TEST_CASE("run: it ends when the validation gets no better, and the best model stays") {
  Workshop w;
  w.config.steps = 100;
  w.config.validate_every = 1;
  w.config.optimizer.lr = 0;  // nothing changes, so the first validation is the best
  w.config.early_stop.patience = 3;
  const RunResult result = w.run("a");
  CHECK(result.steps == 4);
  CHECK(result.stopped);
  CHECK(result.out_of_patience);
  CHECK(fs::exists(result.checkpoint));
  const Model best = load_model(w.folder / "a/best.safetensors");
  CHECK(best.metadata.at("step") == "1");
  CHECK(best.metadata.at("chosen_by").starts_with("hole_l1 "));

  CHECK(w.run("a", true).steps == 4);  // its patience is still at an end
  w.config.early_stop.patience = 5;
  CHECK(w.run("a", true).steps == 6);
  w.config.early_stop.patience = 0;
  w.config.steps = 8;
  CHECK(!w.run("a", true).stopped);

  w.config.early_stop.patience = 1;
  w.config.validation.clear();
  CHECK(test::error_of([&] { w.run("b"); }).starts_with("[train] early_stop.patience needs pictures to validate on"));
  CHECK(!fs::exists(w.folder / "b"));
}

TEST_CASE("run: nothing is overwritten, and nothing is left behind by a run that cannot start") {
  Workshop w;
  w.folder.file("note.txt", "mine");
  CHECK(test::error_of([&] {
          w.run(".");
        }).ends_with(" is not empty; go on with that run by --resume or name another folder"));
  CHECK(test::error_of([&] {
          w.run("a", true);
        }).ends_with("holds no checkpoint to go on from; start the run without --resume"));
  CHECK(test::error_of([&] { run_config(w.folder / "a"); }) != "");
  w.config.data.sources = {(w.folder / "missing").string()};
  CHECK(test::error_of([&] { w.run("b"); }) != "");
  CHECK(!fs::exists(w.folder / "b"));
}

TEST_CASE("run: a checkpoint that does not fit is an error that names it") {
  Workshop w;
  w.run("a");
  w.config.network.cnum = 8;
  CHECK(test::error_of([&] { w.run("a", true); })
            .starts_with("[train] " + checkpoint_path(w.folder / "a" / "checkpoints", 4).string() +
                         " does not fit the configuration: "));
}

TEST_CASE("run: a diverged run keeps the checkpoint from before") {
  Workshop w;
  w.config.optimizer.lr = 1;
  w.config.optimizer.adam.epsilon = 1e-30;
  w.config.network.dtype = DType::f32;
  w.config.steps = 2;
  w.run("a");
  const auto file = checkpoint_path(w.folder / "a" / "checkpoints", 2);
  Checkpoint poisoned = read_checkpoint(file);
  poisoned.step = 3;
  for (auto& [name, tensor] : poisoned.tensors) {
    if (name == "inpaint_net/conv1/kernel") tensor.data<float>()[0] = std::numeric_limits<float>::infinity();
  }
  write_checkpoint(checkpoint_path(w.folder / "a" / "checkpoints", 3), poisoned);
  w.config.steps = 9;
  CHECK(test::error_of([&] { w.run("a", true); }).starts_with("[train] step 4: the "));
  CHECK(newest_checkpoint(w.folder / "a" / "checkpoints")->filename() == "step_00000003.safetensors");
}

}  // namespace lacuna
