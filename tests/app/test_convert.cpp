#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tensor/safetensors.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/inpaint.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::run_program;

}  // namespace

TEST_CASE("convert: half the bytes, and a fill that hardly changes") {
  const test::TemporaryFolder folder;
  const std::string single = (folder / "f.safetensors").string(), half = (folder / "h.safetensors").string();
  const Generator generator({.cnum = 16}, 3);
  save_model(single, generator, {{"description", "a test"}, {"channel_order", "bgr"}});
  const auto converted = run_program({"convert", "--half", single, half});
  REQUIRE_MESSAGE(converted.status == 0, converted.err);
  CHECK(contains(converted.out, "904,518 parameters in f16"));
  CHECK(static_cast<double>(fs::file_size(half)) < 0.52 * static_cast<double>(fs::file_size(single)));
  CHECK(contains(run_program({"info", half}).out, "F16"));
  for (const auto& [key, text] : read_safetensors_header(single).metadata) {
    CHECK(read_safetensors_header(half).metadata.at(key) == text);
  }

  Image picture{64, 64, 3, 8, std::vector<uint16_t>(64 * 64 * 3)};
  for (size_t i = 0; i < picture.samples.size(); ++i) {
    const size_t pixel = i / 3;
    picture.samples[i] = static_cast<uint16_t>((pixel % 64 * 3 + pixel / 64 * (i % 3 + 1)) % 256);
  }
  Tensor mask = Tensor::zeros({1, 64, 64, 1});
  for (int64_t r = 20; r < 44; ++r) {
    for (int64_t c = 20; c < 44; ++c) mask.data<float>()[r * 64 + c] = 1;
  }
  const Image a = inpaint(load_model(single), picture, mask).filled,
              b = inpaint(load_model(half), picture, mask).filled;
  int furthest = 0;
  double squares = 0;
  for (size_t i = 0; i < a.samples.size(); ++i) {
    const int difference = a.samples[i] - b.samples[i];
    furthest = std::max(furthest, std::abs(difference));
    squares += difference * difference;
  }
  CHECK(furthest > 0);
  CHECK(squares / (24 * 24 * 3) < 1);  // in the hole: above 48 dB
}

TEST_CASE("convert: what a model says of itself can be changed") {
  const test::TemporaryFolder folder;
  const std::string model = (folder / "m.safetensors").string(), out = (folder / "o.safetensors").string();
  save_model(model, Generator({.cnum = 2}, 3), {{"description", "a test"}, {"step", "7"}});
  const auto run =
      run_program({"convert", "--set", "description=a = b", "--set", "step=", "--set", "new=x", model, out});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  const auto before = read_safetensors_header(model).metadata;
  auto expected = before;
  expected["description"] = "a = b";
  expected["new"] = "x";
  expected.erase("step");
  CHECK(read_safetensors_header(out).metadata == expected);
  for (const auto& [name, value] : load_model(model).generator.params().tensors()) {
    const Tensor same = load_model(out).generator.params().at(name).value();
    CHECK(std::equal(value.data<float>(), value.data<float>() + value.numel(), same.data<float>()));
  }
  // In place, too.
  REQUIRE(run_program({"convert", "--set", "step=8", out, out}).status == 0);
  CHECK(read_safetensors_header(out).metadata.at("step") == "8");
}

TEST_CASE("convert: a checkpoint is not replaced by the model taken out of it") {
  const test::TemporaryFolder folder;
  const fs::path checkpoint = folder / "c.safetensors", link = folder / "link.safetensors";
  write_safetensors(checkpoint, {{{"format", "lacuna-checkpoint"}}, {}});
  fs::create_symlink(checkpoint, link);
  const std::string before = read_file(checkpoint);
  for (const fs::path& output : {checkpoint, link}) {
    const auto run = run_program({"convert", checkpoint.string(), output.string()});
    CHECK(run.status == 1);
    CHECK(test::contains(run.err, "would replace the checkpoint"));
  }
  CHECK(read_file(checkpoint) == before);
}

TEST_CASE("convert: what cannot be converted is refused in one line") {
  const test::TemporaryFolder folder;
  const std::string out = (folder / "o.safetensors").string(), text = folder.file("a.txt", "no model").string();
  const std::string model = (folder / "m.safetensors").string();
  save_model(model, Generator({.cnum = 2}), {});
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"convert", text, out},
                                             {"convert", "missing.safetensors", out},
                                             {"convert", "--raw", model, out},
                                             {"convert", "--set", "step", model, out},
                                             {"convert", "--set", "=7", model, out},
                                             {"convert", "--set", "cnum=4", model, out},
                                             {"convert", "--storage", "f8", model, out},
                                             {"convert", "--half", "--storage", "f32", model, out},
                                             {"convert", model}}) {
    const auto run = run_program(arguments);
    CAPTURE(run.err);
    CHECK(run.status != 0);
    CHECK(run.out.empty());
    CHECK(!fs::exists(out));
  }
}

}  // namespace lacuna
