#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tensor/image_resize.h"
#include "tensor/safetensors.h"
#include "tests/app/run_program.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"
#include "train/checkpoint.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

Image noise(int64_t height, int64_t width, int64_t channels, int bits = 8) {
  Image image{height, width, channels, bits, {}};
  uint32_t state = 3;
  for (int64_t i = 0; i < height * width * channels; ++i) {
    state = state * 1664525u + 1013904223u;
    image.samples.push_back(static_cast<uint16_t>((state >> 12) & static_cast<uint32_t>(image.maximum())));
  }
  return image;
}

/// White in the middle.
Image middle(int64_t height, int64_t width) {
  Image mask{height, width, 1, 8, std::vector<uint16_t>(static_cast<size_t>(height * width), 0)};
  for (int64_t y = height / 4; y < height - height / 4; ++y) {
    for (int64_t x = width / 4; x < width - width / 4; ++x) mask.samples[static_cast<size_t>(y * width + x)] = 255;
  }
  return mask;
}

Image plain(int64_t height, int64_t width, uint16_t value) {
  return {height, width, 1, 8, std::vector<uint16_t>(static_cast<size_t>(height * width), value)};
}

/// A folder with a tiny model, a picture of 20 x 28 and its mask.
struct Fixture {
  TemporaryFolder folder;
  std::string model = (folder / "model.safetensors").string();
  std::string picture = (folder / "picture.png").string();
  std::string mask = (folder / "mask.png").string();
  std::string output = (folder / "output.png").string();
  Image image = noise(20, 28, 3);

  Fixture() {
    save_model(model, Generator({.cnum = 2}, 1), {});
    write_image(picture, image);
    write_image(mask, middle(20, 28));
  }

  std::string in(const std::string& name) const { return (folder / name).string(); }

  ProgramRun fill(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"fill", "--model", model});
    return run_program(arguments);
  }
};

/// How many pixels of the pictures differ where mask is black and where it is white.
std::pair<int64_t, int64_t> differing(const Image& a, const Image& b, const Image& mask) {
  int64_t outside = 0, inside = 0;
  for (size_t p = 0; p < mask.samples.size(); ++p) {
    for (size_t c = 0; c < static_cast<size_t>(a.channels); ++c) {
      const size_t i = p * static_cast<size_t>(a.channels) + c;
      (mask.samples[p] == 0 ? outside : inside) += a.samples[i] != b.samples[i];
    }
  }
  return {outside, inside};
}

/// Whether the run failed with one line that holds `reason`, and wrote none of the files.
void check_failed(const ProgramRun& run, const std::string& reason, const std::vector<std::string>& files = {}) {
  CHECK(run.status != 0);
  CHECK_MESSAGE(contains(run.err, reason), run.err);
  CHECK(run.err.starts_with("lacuna"));
  for (const std::string& file : files) CHECK_FALSE(fs::exists(file));
}

}  // namespace

TEST_CASE("fill: size, channels, depth and known pixels of the input") {
  const Fixture f;
  for (const int64_t channels : {1, 2, 3, 4}) {
    for (const int bits : {8, 16}) {
      const Image picture = noise(21, 27, channels, bits), mask = middle(21, 27);
      write_image(f.picture, picture);
      write_image(f.mask, mask);
      const ProgramRun run = f.fill({"--image", f.picture, "--mask", f.mask, "--output", f.output});
      REQUIRE_MESSAGE(run.status == 0, run.err);
      CHECK(run.err.empty());
      const Image filled = read_image(f.output);
      REQUIRE(filled.samples.size() == picture.samples.size());
      CHECK(filled.channels == channels);
      CHECK(filled.bits == bits);
      const auto [outside, inside] = differing(filled, picture, mask);
      CHECK(outside == 0);
      CHECK(inside > 0);
    }
  }
}

TEST_CASE("fill: the mask may be inverted, of another size, or an alpha channel") {
  const Fixture f;
  REQUIRE(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output}).status == 0);
  const Image expected = read_image(f.output);
  const Image mask = middle(20, 28);

  Image inverted = mask;
  for (uint16_t& v : inverted.samples) v = static_cast<uint16_t>(255 - v);
  write_image(f.in("inverted.png"), inverted);
  REQUIRE(f.fill({"-i", f.picture, "-m", f.in("inverted.png"), "-o", f.output, "--invert-mask"}).status == 0);
  CHECK(read_image(f.output).samples == expected.samples);

  Image alpha = f.image;
  alpha.channels = 4;
  alpha.samples.clear();
  for (size_t p = 0; p < mask.samples.size(); ++p) {
    for (size_t c = 0; c < 3; ++c) alpha.samples.push_back(f.image.samples[3 * p + c]);
    alpha.samples.push_back(static_cast<uint16_t>(255 - mask.samples[p]));
  }
  write_image(f.in("alpha.png"), alpha);
  REQUIRE(f.fill({"-i", f.picture, "-m", f.in("alpha.png"), "-o", f.output}).status == 0);
  CHECK(read_image(f.output).samples == expected.samples);

  write_image(f.in("double.png"), middle(40, 56));
  const ProgramRun run = f.fill({"-i", f.picture, "-m", f.in("double.png"), "-o", f.output});
  REQUIRE(run.status == 0);
  CHECK(contains(run.err, "double.png is 56x40 and is resized to the picture's 28x20"));
  CHECK(read_image(f.output).samples == expected.samples);
}

TEST_CASE("fill: a mask of transparent parts tells what it takes for the hole; holes can be grown") {
  const Fixture f;
  const Image mask = middle(20, 28);
  Image strokes{20, 28, 2, 8, {}};  // white on nothing
  for (const uint16_t v : mask.samples) strokes.samples.insert(strokes.samples.end(), {v, v});
  write_image(f.in("strokes.png"), strokes);
  REQUIRE(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output}).status == 0);
  const Image expected = read_image(f.output);
  const ProgramRun run = f.fill({"-i", f.picture, "-m", f.in("strokes.png"), "-o", f.output});
  REQUIRE(run.status == 0);
  CHECK(read_image(f.output).samples == expected.samples);

  Image larger = plain(20, 28, 0);  // the middle is rows [5,15) and columns [7,21)
  for (int64_t y = 3; y < 17; ++y) std::fill_n(larger.samples.begin() + y * 28 + 5, 18, uint16_t{255});
  write_image(f.in("larger.png"), larger);
  REQUIRE(f.fill({"-i", f.picture, "-m", f.in("larger.png"), "-o", f.output}).status == 0);
  const Image grown = read_image(f.output);
  REQUIRE(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--grow-mask", "2"}).status == 0);
  CHECK(read_image(f.output).samples == grown.samples);
}

TEST_CASE("fill: nothing to fill is a copy, everything to fill an error") {
  const Fixture f;
  write_image(f.mask, plain(20, 28, 0));
  const ProgramRun copy = f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output});
  CHECK(copy.status == 0);
  CHECK(contains(copy.err, "has no hole: the picture stays as it is"));
  CHECK(read_image(f.output).samples == f.image.samples);
  fs::remove(f.output);
  check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--save-attention", f.in("a.png")}),
               "there is no attention to save", {f.output, f.in("a.png")});
  write_image(f.mask, plain(20, 28, 255));
  check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output}), "the hole is the whole picture", {f.output});
}

TEST_CASE("fill: coarse result, attention, steps; a smaller picture; JPEG") {
  const Fixture f;
  const ProgramRun run =
      f.fill({"-i", f.picture, "-m", f.mask, "-o", f.in("out.jpg"), "--save-coarse", f.in("coarse.png"),
              "--save-attention", f.in("attention.png"), "--save-steps", f.in("steps.png"), "--precision", "high"});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(contains(run.err, "a JPEG keeps neither the known pixels exactly"));
  CHECK(read_image(f.in("out.jpg")).width == 28);
  CHECK(differing(read_image(f.in("coarse.png")), f.image, middle(20, 28)).first == 0);
  CHECK(read_image(f.in("attention.png")).width > 28);
  CHECK(read_image(f.in("steps.png")).width == 3 * 28);
  const auto bytes = [&](const std::string& quality) {
    REQUIRE(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.in("out.jpg"), "--quality", quality}).status == 0);
    return fs::file_size(f.in("out.jpg"));
  };
  CHECK(bytes("20") < bytes("95"));
  check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--save-coarse", f.in("c.png"),
                       "--save-attention", f.in("a.png"), "--attention-at", "1,1"}),
               "--attention-at: (1,1) is in no hole", {f.output, f.in("a.png"), f.in("c.png")});
  REQUIRE(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--max-side", "14"}).status == 0);
  CHECK(read_image(f.output).height == 10);
  CHECK(read_image(f.output).width == 14);
  CHECK(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--precision", "low"}).status == 2);
}

TEST_CASE("fill: a folder, with its own masks and with one for all") {
  const Fixture f;
  const std::string images = f.in("images"), masks = f.in("masks"), out = f.in("filled");
  fs::create_directories(images + "/below");
  fs::create_directories(masks + "/below");
  write_image(images + "/a.png", noise(16, 16, 3));
  write_image(images + "/b.jpg", noise(24, 16, 3));
  write_image(images + "/below/c.png", noise(16, 24, 1, 16));
  write_image(masks + "/a.jpg", middle(16, 16));
  write_image(masks + "/b.png", middle(24, 16));
  write_image(masks + "/below/c.png", middle(16, 24));
  for (const std::string& folder : {images, images + "/"}) {
    const ProgramRun run = f.fill({"--images", folder, "--masks", masks, "--output", out});
    REQUIRE_MESSAGE(run.status == 0, run.err);
    CHECK(contains(run.err, "3 filled, 0 skipped, 0 failed"));
    CHECK(read_image(out + "/a.png").width == 16);
    CHECK(read_image(out + "/b.png").height == 24);
    CHECK(read_image(out + "/below/c.png").bits == 16);
  }
  fs::remove(out + "/b.png");
  CHECK(contains(f.fill({"--images", images, "--masks", masks, "--output", out, "--skip-existing"}).err,
                 "1 filled, 2 skipped, 0 failed"));
  const ProgramRun one = f.fill({"--images", images, "--masks", f.mask, "--output", f.in("other")});
  CHECK(one.status == 0);
  CHECK(contains(one.err, "3 filled"));
}

TEST_CASE("fill: a folder goes on past what fails, names it, and fails in the end") {
  const Fixture f;
  const std::string images = f.in("images"), masks = f.in("masks"), out = f.in("filled");
  fs::create_directories(images);
  fs::create_directories(masks);
  for (const char* name : {"/a.png", "/b.png", "/c.png", "/d.png"}) write_image(images + name, noise(16, 16, 3));
  for (const char* name : {"/a.png", "/b.png", "/d.png"}) write_image(masks + name, middle(16, 16));
  write_file_atomically(images + "/b.png", std::string_view("no picture"));
  const ProgramRun run = f.fill({"--images", images, "--masks", masks, "--output", out});
  CHECK(run.status == 1);
  CHECK(contains(run.err, "b.png: is not a PNG"));
  CHECK(contains(run.err, "there is no mask named c"));
  CHECK(contains(run.err, "2 of 4 pictures could not be filled"));
  CHECK(fs::exists(out + "/a.png"));
  CHECK_FALSE(fs::exists(out + "/b.png"));
  CHECK_FALSE(fs::exists(out + "/c.png"));
  CHECK(fs::exists(out + "/d.png"));

  write_image(images + "/a.jpg", noise(16, 16, 3));
  check_failed(f.fill({"--images", images, "--masks", masks, "--output", f.in("new")}), "would both be written to",
               {f.in("new")});
  fs::remove(images + "/a.jpg");
  write_image(masks + "/a.jpg", middle(16, 16));
  check_failed(f.fill({"--images", images, "--masks", masks, "--output", f.in("new")}),
               "are both the mask of one picture", {f.in("new")});
}

TEST_CASE("fill: bad input of each kind is one line and writes nothing") {
  const Fixture f;
  const auto fails = [&](const std::string& image, const std::string& mask, const std::string& reason) {
    check_failed(f.fill({"-i", image, "-m", mask, "-o", f.output}), reason, {f.output});
  };
  f.folder.file("text.png", "no picture");
  f.folder.file("empty.png", "");
  f.folder.file("gif.png", "GIF89a and so on");
  const std::string bytes = read_file(f.picture);
  f.folder.file("half.png", bytes.substr(0, bytes.size() / 2));
  fails(f.in("missing.png"), f.mask, "missing.png: there is no such file");
  fails(f.folder.path().string(), f.mask, "is a folder: name it by --images");
  fails(f.picture, f.folder.path().string(), "is a folder");
  fails(f.in("text.png"), f.mask, "text.png: is not a PNG, JPEG or BMP picture");
  fails(f.in("empty.png"), f.mask, "empty.png: the file is empty");
  fails(f.in("gif.png"), f.mask, "gif.png: is a GIF file");
  fails(f.in("half.png"), f.mask, "half.png: corrupt PNG");
  fails(f.picture, f.in("missing.png"), "missing.png: there is no such file");
  fails(f.picture, f.in("text.png"), "text.png: is not a PNG");

  const auto output_fails = [&](const std::string& output, const std::string& reason) {
    check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", output}), reason);
  };
  output_fails(f.in("out.gif"), "pictures are written as .png, .jpg or .jpeg");
  output_fails(f.in("nowhere/out.png"), "there is no folder");
  output_fails(f.picture, "would replace the input");
  output_fails(f.mask, "would replace the input");
  fs::create_symlink(f.picture, f.in("link.png"));
  output_fails(f.in("link.png"), "would replace the input");
  CHECK(read_image(f.picture).samples == f.image.samples);
  check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--save-coarse", f.output}),
               "is named for two results", {f.output});

  check_failed(f.fill({"-m", f.mask, "-o", f.output}), "either one picture (--image) or a folder");
  check_failed(f.fill({"-i", f.picture, "-o", f.output}), "name the mask: --mask", {f.output});
  check_failed(f.fill({"-i", f.picture, "-m", f.mask}), "name where the result goes");
  check_failed(f.fill({"-i", f.picture, "--masks", f.mask, "-o", f.output}), "--masks with --images", {f.output});
  check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--skip-existing"}), "goes with --images");
  check_failed(f.fill({"--images", f.in("nowhere"), "--masks", f.mask, "-o", f.in("out")}), "there is no folder");
  check_failed(f.fill({"--images", f.folder.path().string(), "--masks", f.in("nowhere"), "-o", f.in("out")}),
               "nowhere: there is no such file or folder");
}

TEST_CASE("fill: a reduced picture shows nothing of what was in its hole") {
  const Fixture f;
  const Image mask = middle(20, 28);
  Image picture = f.image;  // the hole is white, all else dark
  for (size_t i = 0; i < picture.samples.size(); ++i) {
    picture.samples[i] = mask.samples[i / 3] == 255 ? uint16_t{255} : static_cast<uint16_t>(picture.samples[i] / 4);
  }
  write_image(f.picture, picture);
  const ProgramRun run = f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--max-side", "17"});
  CHECK(run.status == 0);
  CHECK(run.err.empty());
  const Image reduced = resize_image(picture, 12, 17), filled = read_image(f.output);
  REQUIRE(filled.samples.size() == reduced.samples.size());
  int64_t kept = 0;
  for (size_t i = 0; i < filled.samples.size(); ++i) {
    if (filled.samples[i] != reduced.samples[i]) continue;
    ++kept;
    CHECK(filled.samples[i] < 64);
  }
  CHECK(kept > 12 * 17);

  // A mask that has the reduced size already is taken as it is.
  write_image(f.mask, middle(12, 17));
  CHECK(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output, "--max-side", "17"}).err.empty());
  CHECK(differing(read_image(f.output), reduced, middle(12, 17)).first == 0);
}

TEST_CASE("fill: a folder's results lie outside the folders that are read") {
  const Fixture f;
  const std::string images = f.in("images"), masks = f.in("masks");
  for (const std::string& folder : {images, masks}) {
    fs::create_directories(folder);
    write_image(folder + "/a.png", middle(16, 16));
  }
  fs::create_directory_symlink(images, f.in("link"));
  for (const std::string& out : {images, images + "/", images + "/filled", images + "/../masks", masks, f.in("link")}) {
    const ProgramRun run = f.fill({"--images", images, "--masks", masks, "--output", out});
    CHECK(run.status == 1);
    CHECK(run.err.starts_with("lacuna: error: [fill] --output: " + out + " lies in "));
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  }
  CHECK(f.fill({"--images", images, "--masks", masks, "--output", f.in("images2")}).status == 0);
}

TEST_CASE("fill: where the disk is full the result is not there, nor anything else") {
  const Fixture f;
  const int64_t before = f.folder.entries();
  {
    const test::FileSizeLimit limit(500);
    const ProgramRun run = f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output});
    CHECK(run.status == 1);
    CHECK(run.err == "lacuna: error: [image] " + f.output + ": cannot write: File too large\n");
  }
  CHECK(f.folder.entries() == before);
  fs::create_symlink("/dev/full", f.output);
  check_failed(f.fill({"-i", f.picture, "-m", f.mask, "-o", f.output}), "cannot write: No space left on device");
}

TEST_CASE("fill: models that are missing, damaged or of another kind") {
  const Fixture f;
  const auto run = [&](const std::string& model, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"fill", "-i", f.picture, "-m", f.mask, "-o", f.output, "--model", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  check_failed(run(f.in("missing.safetensors")), "missing.safetensors", {f.output});
  write_safetensors(f.in("other.safetensors"), {{}, {{"discriminator/conv1/kernel", Tensor::zeros({5, 5, 3, 2})}}});
  check_failed(run(f.in("other.safetensors")), "other.safetensors: is no Lacuna model", {f.output});
  write_checkpoint(f.in("step.safetensors"), {});
  check_failed(run(f.in("step.safetensors")), "is a training checkpoint; the model is model.safetensors", {f.output});
  Safetensors lacking = read_safetensors(f.model);
  lacking.tensors.pop_back();
  write_safetensors(f.in("lacking.safetensors"), lacking);
  check_failed(run(f.in("lacking.safetensors")), "is missing", {f.output});
  const std::string bytes = read_file(f.model);
  f.folder.file("truncated.safetensors", bytes.substr(0, bytes.size() - 10));
  check_failed(run(f.in("truncated.safetensors")), "truncated.safetensors", {f.output});
  f.folder.file("text.safetensors", "no model");
  check_failed(run(f.in("text.safetensors")), "text.safetensors", {f.output});

  const Generator diverged({.cnum = 2}, 1);
  Tensor bias = diverged.params().at("inpaint_net/allconv17/bias").value();
  bias.data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
  save_model(f.in("diverged.safetensors"), diverged, {});
  check_failed(run(f.in("diverged.safetensors")), "is not a number", {f.output});

  save_model(f.in("one.safetensors"), Generator({.cnum = 2, .one_stage = true}, 1), {});
  CHECK(run(f.in("one.safetensors")).status == 0);
  fs::remove(f.output);
  check_failed(run(f.in("one.safetensors"), {"--save-attention", f.in("a.png"), "--save-coarse", f.in("c.png")}),
               "this model has no attention", {f.output, f.in("a.png"), f.in("c.png")});
}

TEST_CASE("fill: the model may be named by the environment") {
  const Fixture f;
  const char* before = std::getenv("LACUNA_MODEL");
  const std::string kept = before ? before : "";
  setenv("LACUNA_MODEL", f.model.c_str(), 1);
  CHECK(run_program({"fill", "-i", f.picture, "-m", f.mask, "-o", f.output}).status == 0);
  setenv("LACUNA_MODEL", f.in("missing.safetensors").c_str(), 1);
  check_failed(run_program({"fill", "-i", f.picture, "-m", f.mask, "-o", f.in("other.png")}), "missing.safetensors",
               {f.in("other.png")});
  before ? setenv("LACUNA_MODEL", kept.c_str(), 1) : unsetenv("LACUNA_MODEL");
}

}  // namespace lacuna
