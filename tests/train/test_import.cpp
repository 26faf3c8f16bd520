#include <cmath>

#include "autograd/tape.h"
#include "ops/random/random.h"
#include "tensor/safetensors.h"
#include "tests/support/bundle_writer.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/config.h"
#include "train/import.h"
#include "train/trainer.h"

namespace lacuna {
namespace {

using test::BundleWriter;
using test::error_of;
using test::TemporaryFolder;
using Named = std::vector<std::pair<std::string, Tensor>>;

const std::string data_folder = LACUNA_SOURCE_DIR "/tests/import_data/";

const Safetensors& golden() {
  static const Safetensors file =
      read_safetensors(LACUNA_SOURCE_DIR "/tests/golden_extra/generator__masks.safetensors");
  return file;
}

/// Runs the generator on the golden case's pictures and compares with what the independent program expects.
void check_golden(const Generator& generator) {
  const NoGrad no_grad;
  const Tensor image = golden().at("in.image").to(DType::f32), mask = golden().at("in.mask").to(DType::f32);
  const GeneratorOutput output = generator(image, mask);
  CHECK_CLOSE(output.coarse.value(), golden().at("out.coarse"), 1e-5);
  CHECK_CLOSE(output.fine.value(), golden().at("out.fine"), 1e-4);
}

Generator tiny(bool one_stage = false) {
  GeneratorOptions options;
  options.cnum = 2;
  options.one_stage = one_stage;
  return Generator(options, 3);
}

/// A checkpoint of the released code's training: networks, Adam's means and squares, counters.
Named training_tensors() {
  Named all = tiny().params().tensors();
  for (const Critic& critic : {Critic(Critic::Kind::global, 32, 32, 2), Critic(Critic::Kind::local, 16, 16, 2)}) {
    for (const auto& named : critic.params().tensors()) all.push_back(named);
  }
  const size_t parameters = all.size();
  for (size_t i = 0; i < parameters; ++i) {
    const auto [name, value] = all[i];
    all.emplace_back(name + "/Adam", random_uniform(value.shape(), Philox{1, i}, -1, 1, DType::f32));
    all.emplace_back(name + "/Adam_1", random_uniform(value.shape(), Philox{2, i}, 0, 1, DType::f32));
  }
  all.emplace_back("beta1_power", Tensor::scalar(std::pow(0.5, 13)));
  all.emplace_back("beta2_power", Tensor::scalar(std::pow(0.9, 13)));
  all.emplace_back("global_step", Tensor::scalar(2, DType::i32));
  all.emplace_back("lr", Tensor::scalar(1e-4));
  return all;
}

const Tensor& at(const Named& tensors, const std::string& name) {
  for (const auto& [known, tensor] : tensors) {
    if (known == name) return tensor;
  }
  fail("there is no ", name);
}

}  // namespace

TEST_CASE("import: a checkpoint written by TensorFlow fills as expected") {
  const Imported imported = import_tensorflow(data_folder + "tiny");
  CHECK(imported.metadata.at("channel_order") == "bgr");
  CHECK(imported.metadata.at("description") == "imported from the TensorFlow checkpoint tiny");
  CHECK(imported.left_out.empty());
  CHECK(!imported.training);
  const GeneratorOptions& options = imported.generator.options();
  CHECK(options.cnum == 2);
  CHECK(options.padding == Padding::same);
  CHECK(!options.one_stage);
  check_golden(imported.generator);
  CHECK(import_tensorflow(data_folder + "tiny.index", "rgb").metadata.at("channel_order") == "rgb");
}

TEST_CASE("import: state dicts written by PyTorch fill as expected") {
  for (const std::string file : {"tiny.pt", "tiny_old.pt"}) {
    const Imported imported = import_pytorch(data_folder + file);
    CHECK(imported.metadata.at("channel_order") == "rgb");
    CHECK(imported.metadata.at("description") == "imported from the PyTorch state dict " + file);
    CHECK(imported.left_out.empty());
    check_golden(imported.generator);
  }
  const std::string types = data_folder + "types.pt";
  CHECK(error_of([&] { import_pytorch(types); }) ==
        "[pytorch] " + types +
            ": holds no generator: none of its 11 tensors is named like coarse_generator.conv1.conv.weight");
}

TEST_CASE("import: one stage alone") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "m").string();
  const Generator generator = tiny(true);
  BundleWriter().write(prefix, generator.params().tensors());
  const Imported imported = import_tensorflow(prefix);
  CHECK(imported.generator.options().one_stage);
  for (const auto& [name, value] : generator.params().tensors()) {
    CHECK(test::same_bits(imported.generator.params().at(name).value(), value));
  }
}

TEST_CASE("import: a training goes on") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "snap-0").string();
  Named tensors = training_tensors();
  BundleWriter().write(prefix, tensors);

  CHECK(import_tensorflow(prefix).left_out.size() == tensors.size() - 84);
  const Imported imported = import_tensorflow(prefix, "bgr", true);
  CHECK(imported.left_out == std::vector<std::string>{"lr"});
  REQUIRE(imported.training);
  const Checkpoint& training = *imported.training;
  CHECK(training.step == 2);
  CHECK(training.batches == 12);
  const TrainConfig config = parse_config(training.config, "test");
  CHECK(config.network.cnum == 2);
  CHECK(config.critic_cnum == 2);
  CHECK(config.data.height == 32);
  CHECK(config.holes.hole_width == 16);

  const auto turned = [&](const std::string& name, const std::string& slot) {
    Named one{{name, at(tensors, name + slot)}};
    swap_red_and_blue(one);
    return one[0].second;
  };
  for (const std::string owner : {"generator", "critics"}) {
    CHECK(at(training.tensors, "adam/" + owner + "/updates").item() == 12);
  }
  for (const std::string name :
       {"inpaint_net/conv1/kernel", "inpaint_net/allconv17/bias", "inpaint_net/conv5/kernel",
        "discriminator/discriminator_local/conv1/kernel", "discriminator/dout_global_fc/bias"}) {
    const std::string adam = "adam/" + std::string(name.starts_with("inpaint_net") ? "generator/" : "critics/");
    CHECK(test::same_bits(at(training.tensors, name), turned(name, "")));
    CHECK(test::same_bits(at(training.tensors, adam + "m/" + name), turned(name, "/Adam")));
    CHECK(test::same_bits(at(training.tensors, adam + "v/" + name), turned(name, "/Adam_1")));
  }

  const auto run = folder / "run";
  write_run(run, training);
  CHECK(read_config(run / "config.toml").critic_cnum == 2);
  const auto newest = newest_checkpoint(run / "checkpoints");
  REQUIRE(newest);
  Trainer trainer(config, {});
  trainer.restore(read_checkpoint(*newest));
  CHECK(trainer.steps_done() == 2);
  CHECK(error_of([&] { write_run(run, training); }) == "[import] " + run.string() + " is not empty; name a new folder");
}

TEST_CASE("import: a training's counters that have run out, or parts that are missing") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "m").string(), start = "[tensorflow] " + prefix + ".index: ";
  Named tensors = training_tensors();
  const auto without = [&](const std::string& name) {
    Named rest = tensors;
    std::erase_if(rest, [&](const auto& named) { return named.first == name; });
    BundleWriter().write(prefix, rest);
    return error_of([&] { import_tensorflow(prefix, "bgr", true); });
  };
  for (auto& [name, tensor] : tensors) {
    if (name == "beta2_power") tensor = Tensor::scalar(0);
  }
  CHECK(without("global_step").empty());
  const Imported imported = import_tensorflow(prefix, "bgr", true);
  CHECK(imported.training->step == 0);
  CHECK(at(imported.training->tensors, "adam/critics/updates").item() == 1000);
  CHECK(without("discriminator/dout_local_fc/kernel") ==
        start + "holds no training to go on with: the critics are missing; import the model alone");
  const std::string lacking = without("inpaint_net/conv3/bias/Adam_1");
  CHECK(lacking.starts_with(start));
  CHECK(lacking.find("inpaint_net/conv3/bias") != std::string::npos);
}

TEST_CASE("import: turned colours") {
  const Generator bgr = tiny();
  Named tensors = bgr.params().tensors();
  swap_red_and_blue(tensors);
  Generator rgb = tiny();
  rgb.params().assign(tensors);
  const NoGrad no_grad;
  const Tensor picture = random_uniform({1, 16, 24, 3}, Philox{5, 0}, -1, 1, DType::f32);
  const Tensor mask = Tensor::from({1, 16, 24, 1}, [] {
    std::vector<float> values(16 * 24, 0);
    for (size_t i = 130; i < 140; ++i) values[i] = 1;
    return values;
  }());
  Named turned{{"inpaint_net/conv17/bias", picture}};  // a parameter by whose name the last axis is one of colours
  swap_red_and_blue(turned);
  Named back{{"inpaint_net/conv17/bias", rgb(picture, mask).fine.value()}};
  swap_red_and_blue(back);
  CHECK_CLOSE(back[0].second, bgr(turned[0].second, mask).fine.value(), 1e-5);
  CHECK(test::same_bits(at(bgr.params().tensors(), "inpaint_net/conv17/kernel"),
                        tiny().params().at("inpaint_net/conv17/kernel").value()));
}

TEST_CASE("import: names and shapes that are not the network's") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "m").string(), start = "[tensorflow] " + prefix + ".index: ";
  const Named sound = tiny().params().tensors();
  const auto complaint = [&](const std::string& name, const Tensor& tensor) {
    Named tensors = sound;
    std::erase_if(tensors, [&](const auto& named) { return named.first == name; });
    if (tensor.defined()) tensors.emplace_back(name, tensor);
    BundleWriter().write(prefix, tensors);
    return error_of([&] { import_tensorflow(prefix); });
  };
  CHECK(complaint("inpaint_net/conv3/bias", {}) == start + "lacks inpaint_net/conv3/bias");
  CHECK(complaint("inpaint_net/conv1/kernel", {}) == start + "holds no generator: it lacks inpaint_net/conv1/kernel");
  CHECK(complaint("inpaint_net/conv99/bias", Tensor::zeros({4})) ==
        start + "inpaint_net/conv99/bias is no parameter of the network");
  CHECK(complaint("inpaint_net/conv3/bias", Tensor::zeros({5})) ==
        start + "inpaint_net/conv3/bias is (5); in a network of cnum 2 it is (4)");
  CHECK(complaint("inpaint_net/conv1/kernel", Tensor::zeros({5, 5, 5, 3})) ==
        start + "has 3 channels after its first layer; supported are even numbers up to 128");
  CHECK(complaint("inpaint_net/conv2_downsample/kernel", Tensor::zeros({3, 3, 1, 4})) ==
        start + "is of the successor's network with gated convolutions, which is another one");
  const std::string text = folder.file("text", "no checkpoint").string();
  CHECK(error_of([&] { import_tensorflow(text); }) ==
        "[tensorflow] " + text + ": is no index of a TensorFlow checkpoint, or is truncated");
  const std::string missing = (folder / "missing").string();
  CHECK(error_of([&] { import_tensorflow(missing); }) == "[tensorflow] " + missing + ".index: there is no such file");
}

}  // namespace lacuna
