#include <doctest/doctest.h>

#include <filesystem>

#include "tensor/file.h"
#include "tests/app/run_program.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/onnx_file.h"
#include "tests/support/temporary_folder.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::run_program;

}  // namespace

TEST_CASE("export: a model in half precision") {
  const test::TemporaryFolder folder;
  const std::string model = (folder / "m.safetensors").string(), onnx = (folder / "m.onnx").string();
  save_model(model, Generator({.cnum = 4}, 1), {{"description", "a test"}}, Storage::f16);
  const auto run = run_program({"export", "--onnx", onnx, "--model", model, "--size", "24x16", "--batch", "2"});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(contains(run.out, "image (2,3,16,24)"));
  CHECK(contains(run.out, "mask (2,1,16,24)"));
  const test::OnnxFile file(read_file(onnx));
  CHECK(file.inputs.at(0).dims == std::vector<int64_t>{2, 3, 16, 24});
  CHECK(file.metadata.at("description") == "a test");
  CHECK(!file.producer_version.empty());
  const Tensor bias = load_model(model).generator.params().at("inpaint_net/conv5/kernel").value();
  CHECK(file.constants.at("inpaint_net/conv5/kernel").values.at(0) == static_cast<double>(bias.data<float>()[0]));

  // One number is a square; a file that is there is replaced.
  REQUIRE(run_program({"export", "--onnx", onnx, "--model", model, "-s", "32"}).status == 0);
  CHECK(test::OnnxFile(read_file(onnx)).inputs.at(0).dims == std::vector<int64_t>{1, 3, 32, 32});
  CHECK(folder.entries() == 2);
}

TEST_CASE("export: a warning where the attention takes much memory") {
  const test::TemporaryFolder folder;
  const std::string model = (folder / "m.safetensors").string(), onnx = (folder / "m.onnx").string();
  save_model(model, Generator({.cnum = 2}), {});
  const auto large = run_program({"export", "--onnx", onnx, "--model", model, "--size", "1024x1024"});
  CHECK(large.status == 0);
  CHECK(contains(large.err, "warning"));
  CHECK(contains(large.err, "1,074 MB"));
  CHECK(run_program({"export", "--onnx", onnx, "--model", model, "--size", "768x1024"}).err.empty());
}

TEST_CASE("export: what cannot be exported is refused in one line") {
  const test::TemporaryFolder folder;
  const std::string onnx = (folder / "o.onnx").string(), model = (folder / "m.safetensors").string();
  const std::string text = folder.file("a.txt", "no model").string();
  save_model(model, Generator({.cnum = 2}), {});
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& reason) {
    std::vector<std::string> all{"export"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto run = run_program(all);
    CAPTURE(run.err);
    CHECK(run.status != 0);
    CHECK(run.out.empty());
    CHECK(contains(run.err, reason));
    CHECK(!fs::exists(onnx));
  };
  refused({"--model", model}, "--onnx");
  for (const char* size : {"", "x", "64x", "x64", "64x64x64", "-8x8", "64 x64", "0", "a", "99999999999999999999"}) {
    refused({"--onnx", onnx, "--model", model, "--size", size}, "is no size; write WIDTHxHEIGHT");
  }
  refused({"--onnx", onnx, "--model", model, "--batch", "0"}, "--batch");
  refused({"--onnx", onnx, "--model", (folder / "none.safetensors").string()}, "none.safetensors");
  refused({"--onnx", onnx, "--model", text}, "a.txt");
  refused({"--onnx", model, "--model", model}, "ends with .onnx");
  refused({"--onnx", (folder / "none" / "o.onnx").string(), "--model", model}, "there is no folder");
  fs::create_directory(folder / "f.onnx");
  refused({"--onnx", (folder / "f.onnx").string(), "--model", model}, "it is a folder");
  CHECK(load_model(model).generator.options().cnum == 2);
}

TEST_CASE("export: nothing is left of a file that could not be written whole") {
  const test::TemporaryFolder folder;
  const std::string onnx = folder.file("o.onnx", "what was there").string();
  const std::string model = (folder / "m.safetensors").string();
  save_model(model, Generator({.cnum = 4}), {});
  const auto run = [&] {
    const test::FileSizeLimit full_disk(10000);
    return run_program({"export", "--onnx", onnx, "--model", model, "--size", "16"});
  }();
  CHECK(run.status == 1);
  CHECK(contains(run.err, "cannot write"));
  CHECK(read_file(onnx) == "what was there");
  CHECK(folder.entries() == 2);
}

}  // namespace lacuna
