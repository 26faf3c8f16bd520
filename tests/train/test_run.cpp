#include <nlohmann/json.hpp>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tensor/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
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

  const Image grid = read_image(w.folder / "a" / "validation" / "step_00000004.png");
  CHECK(grid.height == 4 * 16);
  CHECK(grid.width == 3 * 16);
  const auto log = w.log("a");
  REQUIRE(log.size() == 6);
  CHECK(log[0]["step"] == 1);
  CHECK(log[0]["kind"] == "train");
  CHECK(log[0].contains("critic_global_penalty"));
  CHECK(log[5]["kind"] == "validation");
  CHECK(log[5]["step"] == 4);
}

TEST_CASE("run: stopped and resumed it ends as if never stopped") {
  Workshop w;
  w.run("whole");
  std::atomic<bool> stop{false};
  const RunResult stopped = w.run("parts", false, &stop, [&](const StepReport& step) { stop = step.step == 1; });
  CHECK(stopped.stopped);
  CHECK(stopped.steps == 1);
  const RunResult rest = w.run("parts", true);
  CHECK(rest.steps == 4);
  const auto whole = read_checkpoint(checkpoint_path(w.folder / "whole" / "checkpoints", 4));
  const auto parts = read_checkpoint(rest.checkpoint);
  REQUIRE(whole.tensors.size() == parts.tensors.size());
  for (size_t i = 0; i < whole.tensors.size(); ++i) {
    CAPTURE(whole.tensors[i].first);
    CHECK(test::same_bits(whole.tensors[i].second, parts.tensors[i].second));
  }
  const auto a = w.log("whole"), b = w.log("parts");
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i]["step"] == b[i]["step"]);
    if (a[i].contains("l1")) CHECK(a[i]["l1"] == b[i]["l1"]);
  }
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
