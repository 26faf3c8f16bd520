#include <doctest/doctest.h>

#include <algorithm>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tests/app/run_program.h"
#include "tests/support/bundle_writer.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/import.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

const std::string data_folder = LACUNA_SOURCE_DIR "/tests/import_data/";

/// One line of error, and nothing written.
void check_refused(const TemporaryFolder& folder, std::vector<std::string> arguments, const std::string& reason) {
  arguments.insert(arguments.begin(), "import");
  arguments.insert(arguments.end(), {"--output", (folder / "m.safetensors").string()});
  const int64_t before = folder.entries();
  const ProgramRun run = run_program(arguments);
  CAPTURE(run.err);
  CHECK(run.status == 1);
  CHECK(run.out.empty());
  CHECK(contains(run.err, reason));
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  CHECK(folder.entries() == before);
}

}  // namespace

TEST_CASE("import: models of both kinds") {
  const TemporaryFolder folder;
  const std::string file = (folder / "m.safetensors").string();
  const ProgramRun tensorflow = run_program({"import", "--tensorflow", data_folder + "tiny", "--output", file});
  CHECK(tensorflow.status == 0);
  CHECK(tensorflow.out == file + ": 15,042 parameters, cnum 2, two stages, channel order bgr\n");
  CHECK(tensorflow.err.empty());
  const Model first = load_model(file);
  CHECK(first.channel_order == "bgr");
  CHECK(first.metadata.at("padding") == "same");

  const ProgramRun pytorch = run_program({"import", "--pytorch", data_folder + "tiny.pt", "--output", file,
                                          "--channel-order", "bgr", "--storage", "bf16"});
  CHECK(pytorch.status == 0);
  CHECK(contains(pytorch.out, "channel order bgr"));
  CHECK(load_model(file).channel_order == "bgr");
  CHECK(std::filesystem::file_size(file) < 45000);
}

TEST_CASE("import: refused in one line, with nothing written") {
  const TemporaryFolder folder;
  check_refused(folder, {}, "name what to import: --tensorflow PREFIX or --pytorch FILE");
  check_refused(folder, {"--tensorflow", (folder / "none").string()}, "none.index: there is no such file");
  check_refused(folder, {"--pytorch", (folder / "none").string()}, "none: there is no such file");
  check_refused(folder, {"--pytorch", data_folder + "tiny.index"}, "is no file of PyTorch's torch.save");
  check_refused(folder, {"--pytorch", data_folder + "module.pt"}, "refers to Python's torch.nn.modules.linear.Linear");
  check_refused(folder, {"--tensorflow", data_folder + "tiny.pt"}, "is no index of a TensorFlow checkpoint");
  check_refused(folder, {"--tensorflow", data_folder + "tiny", "--run", (folder / "run").string()},
                "holds no training to go on with");

  const std::string prefix = (folder / "cut").string();
  folder.file("cut.index", read_file(data_folder + "tiny.index"));
  check_refused(folder, {"--tensorflow", prefix}, "cut.data-00000-of-00001: there is no such file");
  std::string data = read_file(data_folder + "tiny.data-00000-of-00001");
  folder.file("cut.data-00000-of-00001", data.substr(0, data.size() / 2));
  check_refused(folder, {"--tensorflow", prefix}, "is truncated: inpaint_net/");
  data[1000] ^= 4;
  folder.file("cut.data-00000-of-00001", data);
  check_refused(folder, {"--tensorflow", prefix}, "the checksum of inpaint_net/allconv11/kernel is wrong");

  const std::string copy = folder.file("copy.pt", read_file(data_folder + "tiny.pt")).string();
  const ProgramRun over = run_program({"import", "--pytorch", copy, "--output", copy});
  CHECK(over.status == 1);
  CHECK(contains(over.err, "would replace the input"));
  CHECK(read_file(copy) == read_file(data_folder + "tiny.pt"));

  CHECK(run_program({"import", "--pytorch", "a", "--tensorflow", "b"}).status == 2);
  CHECK(run_program({"import", "--pytorch", data_folder + "tiny.pt"}).status == 1);
}

TEST_CASE("import: what is left out is said") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "m").string(), file = (folder / "m.safetensors").string();
  GeneratorOptions options;
  options.cnum = 2;
  auto tensors = Generator(options).params().tensors();
  for (const char* name : {"a", "b", "lr", "z"}) tensors.emplace_back(name, Tensor::scalar(1));
  test::BundleWriter().write(prefix, tensors);
  const ProgramRun run = run_program({"import", "--tensorflow", prefix, "--output", file});
  CHECK(run.status == 0);
  CHECK(run.err == "lacuna: left out, since the model has no place for them: a, b, lr and 1 more\n");
}

TEST_CASE("import: a training on RGB pictures may start from a model of BGR ones") {
  const TemporaryFolder folder;
  const std::string file = (folder / "bgr.safetensors").string(), run = (folder / "run").string();
  REQUIRE(run_program({"import", "--tensorflow", data_folder + "tiny", "--output", file}).status == 0);
  Image image{16, 16, 3, 8, std::vector<uint16_t>(16 * 16 * 3, 99)};
  write_image(folder / "picture.png", image);
  const auto config =
      folder.file("train.toml",
                  "[network]\ncnum = 2\n[data]\nheight = 16\nwidth = 16\n[holes]\nheight = 8\nwidth = 8\n"
                  "max_shrink = 0\n[loss]\nadversarial = \"none\"\n[optimizer]\nlr = 0.0\n[training]\nbatch = 1\n");
  const ProgramRun train =
      run_program({"train", "--config", config.string(), "--data", (folder / "picture.png").string(), "--steps", "1",
                   "--init", file, "--out", run});
  REQUIRE(train.status == 0);
  const Model trained = load_model(run + "/model.safetensors");
  CHECK(trained.channel_order == "rgb");
  auto expected = load_model(file).generator.params().tensors();
  swap_red_and_blue(expected);
  for (const auto& [name, value] : expected) {
    CHECK(test::same_bits(trained.generator.params().at(name).value(), value));
  }
}

TEST_CASE("info: a PyTorch state dict") {
  const ProgramRun run = run_program({"info", data_folder + "tiny.pt"});
  CHECK(run.status == 0);
  CHECK(contains(run.out, "tiny.pt: a PyTorch state dict, "));
  CHECK(contains(run.out, "coarse_generator.conv1.conv.weight"));
  const ProgramRun refused = run_program({"info", data_folder + "module.pt"});
  CHECK(refused.status == 1);
  CHECK(contains(refused.err, "refers to Python's torch.nn.modules.linear.Linear"));
}

TEST_CASE("info: the index of a TensorFlow checkpoint") {
  for (const std::string given : {"tiny.index", "tiny"}) {
    const ProgramRun info = run_program({"info", data_folder + given});
    CHECK(info.status == 0);
    CHECK(info.out.starts_with(data_folder + "tiny.index: the index of a TensorFlow checkpoint, 84 tensors, "));
    CHECK(contains(info.out, "inpaint_net/allconv11/kernel"));
    CHECK(contains(info.out, "(3,3,16,8)"));
    CHECK(contains(info.out, "float32"));
    CHECK(contains(info.out, "generator          15,042\n"));
    CHECK(contains(info.out, "parameters in all  15,042\n"));
  }
  const TemporaryFolder folder;
  const std::string prefix = (folder / "m").string();
  test::BundleWriter().write(prefix, {{"inpaint_net/conv1/bias", Tensor::zeros({4})},
                                      {"inpaint_net/conv1/bias/Adam", Tensor::zeros({4})},
                                      {"inpaint_net/conv1/bias/Adam_1", Tensor::zeros({4})},
                                      {"lr", Tensor::scalar(0)}});
  const ProgramRun info = run_program({"info", "--brief", prefix});
  CHECK(contains(info.out,
                 "generator           4\ngenerator (Adam)    4\ngenerator (Adam_1)  4\nother               1\n"));
  CHECK(contains(info.out, "parameters in all   4\n"));
  const std::string index = read_file(prefix + ".index");
  const ProgramRun damaged = run_program({"info", folder.file("d.index", "x" + index.substr(1)).string()});
  CHECK(damaged.status == 1);
  CHECK(contains(damaged.err, "d.index: is damaged: the checksum of a block is wrong"));
}

}  // namespace lacuna
