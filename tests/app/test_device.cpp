#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tensor/device.h"
#include "tensor/file.h"
#include "tensor/image.h"
#include "tests/app/run_program.h"
#include "tests/support/checkpoints.h"
#include "tests/support/device.h"
#include "tests/support/temporary_folder.h"
#include "train/checkpoint.h"
#include "train/model_file.h"

// Commands on the device that they are told.
namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;

const char* const no_device = "no CUDA device was found (is a driver installed? CUDA says: ";
const char* const no_cuda = "this program was built without CUDA (cmake -DLACUNA_CUDA=ON)";

Image waves(int64_t height, int64_t width) {
  Image image{height, width, 3, 8, std::vector<uint16_t>(static_cast<size_t>(height * width * 3))};
  for (size_t i = 0; i < image.samples.size(); ++i) image.samples[i] = static_cast<uint16_t>(i * 7 % 251);
  return image;
}

struct Workshop {
  test::TemporaryFolder folder;
  std::string model = (folder / "model.safetensors").string();
  std::string picture = (folder / "pictures/picture.png").string();
  std::string mask = (folder / "mask.png").string();

  Workshop() {
    std::filesystem::create_directories(folder / "pictures");
    save_model(model, Generator({.cnum = 2}, 1), {});
    write_image(picture, waves(32, 40));
    Image hole{32, 40, 1, 8, std::vector<uint16_t>(32 * 40)};
    for (size_t i = 12; i < 24; ++i) std::fill_n(hole.samples.begin() + static_cast<long>(i * 40 + 10), 14, 255);
    write_image(mask, hole);
  }

  ProgramRun fill(const std::string& device, const std::string& output) const {
    return run_program(
        {"fill", "--model", model, "-i", picture, "-m", mask, "-o", (folder / output).string(), "--device", device});
  }

  ProgramRun train(const std::string& device, const std::string& run, std::vector<std::string> more) const {
    const std::string config =
        folder
            .file("train.toml",
                  "[network]\ncnum = 4\ncritic_cnum = 2\ndtype = \"f64\"\n[data]\nheight = 16\n"
                  "width = 16\n[holes]\nheight = 8\nwidth = 8\nmax_shrink = 4\n[training]\nsteps = 2\n"
                  "batch = 2\ncritic_steps = 1\n")
            .string();
    more.insert(more.begin(), {"train", "--data", (folder / "pictures").string(), "--out", (folder / run).string(),
                               "--config", config, "--device", device});
    return run_program(more);
  }
};

}  // namespace

TEST_CASE("device: where there is none, cuda is an error and auto is the CPU") {
  if (cuda_device_count() > 0) return;
  const Workshop w;
  const ProgramRun cuda = w.fill("cuda", "out.png");
  CHECK(cuda.status == 1);
  CHECK(cuda.err.starts_with(std::string("lacuna: error: [device] ") + (built_with_cuda() ? no_device : no_cuda)));
  CHECK(cuda.err.ends_with("; --device cpu works everywhere\n"));
  const ProgramRun automatic = w.fill("auto", "out.png");
  CHECK(automatic.status == 0);
  CHECK(automatic.err.starts_with(built_with_cuda() ? std::string("lacuna: ") + no_device : ""));
  CHECK(automatic.err.ends_with(built_with_cuda() ? "); computing on the CPU\n" : ""));
}

TEST_CASE("device: one that is not there, or has no meaning, is named") {
  const Workshop w;
  CHECK(contains(w.fill("tpu", "out.png").err, "[device] unknown device 'tpu'; known are cpu, cuda, cuda:N and auto"));
  CHECK(contains(w.fill("cuda:999", "out.png").err, "lacuna: error: [device] "));
}

TEST_CASE("device: a picture is filled as on the CPU") {
  if (!test::has_device_or_skips()) return;
  const Workshop w;
  REQUIRE(w.fill("cpu", "cpu.png").status == 0);
  const ProgramRun run = w.fill("cuda", "cuda.png");
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(run.err == "lacuna: computing on cuda:0\n");
  const Image cpu = read_image(w.folder / "cpu.png"), cuda = read_image(w.folder / "cuda.png");
  REQUIRE(cpu.samples.size() == cuda.samples.size());
  int largest = 0;
  for (size_t i = 0; i < cpu.samples.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<int>(cpu.samples[i]) - static_cast<int>(cuda.samples[i])));
  }
  CHECK(largest <= 1);  // where rounding to 8 bits went the other way
}

TEST_CASE("device: training stops on one device and goes on on the other") {
  if (!test::has_device_or_skips()) return;
  const Workshop w;
  const auto newest = [&](const std::string& run) {
    return read_checkpoint(checkpoint_path(w.folder / run / "checkpoints", 2));
  };
  const ProgramRun alone = w.train("cpu", "cpu", {});
  REQUIRE_MESSAGE(alone.status == 0, alone.err);
  for (const auto& [first, second] : {std::pair{"cpu", "cuda"}, std::pair{"cuda", "cpu"}}) {
    CAPTURE(first);
    const std::string run = std::string(first) + "-first";
    const ProgramRun start = w.train(first, run, {"--steps", "1"});
    REQUIRE_MESSAGE(start.status == 0, start.err);
    const ProgramRun rest = w.train(second, run, {"--resume"});
    REQUIRE_MESSAGE(rest.status == 0, rest.err);
    test::check_close(newest(run), newest("cpu"), 1e-9);
  }
}

TEST_CASE("device: bench measures it beside its own peaks, training without a trace in between") {
  if (!test::has_device_or_skips()) return;
  const Workshop w;
  const std::string config = w.folder
                                 .file("bench.toml",
                                       "[network]\ncnum = 2\ncritic_cnum = 2\n[data]\nheight = 16\nwidth = 16\n"
                                       "[holes]\nheight = 8\nwidth = 8\nmax_shrink = 4\n[training]\nbatch = 1\n"
                                       "critic_steps = 1\n")
                                 .string();
  const ProgramRun run =
      run_program({"bench", "--device", "cuda", "--what", "peak,inference,training", "--size", "16", "--batch", "1",
                   "--cnum", "2", "--precision", "medium", "--repeat", "2", "--config", config, "--json", "-"});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  const auto results = nlohmann::json::parse(run.out);
  CHECK(results.at("device") == "cuda:0");
  REQUIRE(results.at("peaks").size() == 1);
  CHECK(results.at("peaks")[0].at("threads") == 0);
  for (const char* rate : {"f32_flops", "copy_bytes"}) CHECK(results.at("peaks")[0].at(rate) > 0);
  REQUIRE(results.at("rows").size() == 2);
  for (const auto& row : results.at("rows")) {
    CAPTURE(row.at("what"));
    CHECK(row.at("runs").size() == 2);
    CHECK(row.at("median") > 0);
    CHECK(row.at("peak_block_bytes") > 0);
  }
  const auto& training = results.at("rows")[1];
  CHECK(training.at("critic_update").at("runs").size() == 2);
  CHECK(training.at("generator_update").at("runs").size() == 2);
}

TEST_CASE("device: the golden cases and all gradients hold there") {
  if (!test::has_device_or_skips()) return;
  const std::string cases = std::string(LACUNA_SOURCE_DIR) + "/tests/golden";
  const ProgramRun golden = run_program({"golden", "--failures", "--device", "cuda", cases});
  CHECK_MESSAGE(golden.status == 0, golden.out);
  CHECK(contains(golden.out, " passed, 0 failed"));
  const ProgramRun gradients = run_program({"gradcheck", "--device", "cuda"});
  CHECK_MESSAGE(gradients.status == 0, gradients.out);
  CHECK(contains(gradients.out, " passed, 0 failed"));
}

}  // namespace lacuna
