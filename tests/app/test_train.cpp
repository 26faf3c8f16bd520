#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::ProgramRun;
using test::run_program;

const char* const tiny =
    "[network]\ncnum = 4\n[data]\nheight = 16\nwidth = 16\nthreads = 1\n"
    "[holes]\nheight = 8\nwidth = 8\nmax_shrink = 2\n[loss]\nadversarial = \"none\"\n"
    "[training]\nsteps = 4\nbatch = 2\ncheckpoint_every = 2\nvalidate_every = 2\nvalidation_pictures = 2\nlog_every = "
    "1\n";

/// A folder with a few small pictures and a small configuration.
struct Workshop {
  test::TemporaryFolder folder;
  std::string pictures = (folder / "pictures").string(), run = (folder / "run").string();
  std::string config = folder.file("train.toml", tiny).string();

  Workshop() {
    fs::create_directories(pictures);
    for (int k = 0; k < 4; ++k) {
      Image image{20, 18, 3, 8, std::vector<uint16_t>(20 * 18 * 3)};
      for (size_t i = 0; i < image.samples.size(); ++i) image.samples[i] = static_cast<uint16_t>((i * (k + 1)) % 256);
      write_image(pictures + "/" + std::to_string(k) + ".png", image);
    }
  }

  ProgramRun train(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"train", "--config", config, "--data", pictures, "--out", run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
};

/// One line of error, no success, no run folder.
void check_refused(const Workshop& w, const ProgramRun& run, const std::string& reason) {
  CAPTURE(run.err);
  CHECK(run.status != 0);
  CHECK(contains(run.err, reason));
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  CHECK_FALSE(fs::exists(w.run));
}

}  // namespace

TEST_CASE("train: a whole run, then the same in two parts, bit for bit") {
  const Workshop w;
  const ProgramRun whole = w.train({"--validation", w.pictures});
  REQUIRE_MESSAGE(whole.status == 0, whole.err);
  CHECK(fs::exists(w.run + "/validation/step_00000004.png"));
  CHECK(contains(read_file(w.run + "/metrics.jsonl"), "\"kind\":\"validation\""));
  const std::string model = read_file(w.run + "/model.safetensors");

  fs::remove_all(w.run);
  REQUIRE(w.train({"--steps", "2"}).status == 0);
  CHECK(read_file(w.run + "/model.safetensors") != model);
  REQUIRE(w.train({"--resume"}).status == 0);
  CHECK(read_file(w.run + "/model.safetensors") == model);

  const ProgramRun again = w.train();
  CHECK(again.status == 1);
  CHECK(contains(again.err, "is not empty; go on with that run by --resume"));
  CHECK(read_file(w.run + "/model.safetensors") == model);
}

TEST_CASE("train: Ctrl-C saves and says how to go on") {
  const Workshop w;
  std::thread impatient([&] {
    for (int i = 0; i < 2000 && !fs::exists(w.run + "/model.safetensors"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::raise(SIGINT);
  });
  const ProgramRun run = w.train({"--steps", "100000"});
  impatient.join();
  CHECK(run.status == 0);
  CHECK(contains(run.err, "is saved. To go on:"));
  CHECK(contains(run.out, "lacuna train --out " + w.run + " --resume"));
  CHECK_FALSE(fs::is_empty(w.run + "/checkpoints"));
}

TEST_CASE("train: it says that the validation got no better, and a new run starts from the checkpoint") {
  const Workshop w;
  const std::string impatient = w.folder
                                    .file("impatient.toml", std::string(tiny) +
                                                                "[optimizer]\nlr = 0\n[early_stop]\nmetric = \"ssim\"\n"
                                                                "patience = 1\n")
                                    .string();
  const ProgramRun run = run_program({"train", "--config", impatient, "--data", w.pictures, "--validation", w.pictures,
                                      "--steps", "50", "--out", w.run});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(contains(run.err, "ended after step 4: ssim has not got better in 1 validations; the best model is " + w.run +
                              "/best.safetensors"));
  CHECK(run.out.empty());
  const std::string next = (w.folder / "next").string();
  const ProgramRun more = run_program({"train", "--config", w.config, "--data", w.pictures, "--init",
                                       w.run + "/checkpoints/step_00000004.safetensors", "--out", next});
  CHECK_MESSAGE(more.status == 0, more.err);
  CHECK(fs::exists(next + "/model.safetensors"));
}

TEST_CASE("train: what cannot work is refused in one line, and nothing is written") {
  const Workshop w;
  const auto with = [&](const std::string& config, const std::string& data) {
    return run_program({"train", "--config", config, "--data", data, "--out", w.run});
  };
  check_refused(w, with("nowhere.toml", w.pictures), "nowhere.toml: there is no such file");
  check_refused(w, with(w.folder.file("a.toml", "[training]\nstep = 3\n").string(), w.pictures), "a.toml:2: ");
  check_refused(w, with(w.folder.file("b.toml", "[training\n").string(), w.pictures), "b.toml:1");
  check_refused(w, with(w.config, w.run + "/none"), "there is no such file or folder");
  fs::create_directories(w.folder / "empty");
  check_refused(w, with(w.config, (w.folder / "empty").string()), "no .png, .jpg, .jpeg or .bmp file");
  check_refused(w, run_program({"train", "--resume", "--out", w.run}), "holds no run to go on with");
}

TEST_CASE("train: corrupt pictures are named and skipped; none left is an error") {
  const Workshop w;
  fs::copy_file(w.config, w.pictures + "/broken.png");
  const ProgramRun run = w.train();
  CHECK(run.status == 0);
  CHECK(contains(run.err, "broken.png"));

  fs::create_directories(w.folder / "bad");
  fs::copy_file(w.config, w.folder / "bad/only.png");
  const ProgramRun none = run_program(
      {"train", "--config", w.config, "--data", (w.folder / "bad").string(), "--out", (w.folder / "r2").string()});
  CHECK(none.status == 1);
  CHECK(contains(none.err, "lacuna: error: [data]"));
}

}  // namespace lacuna
