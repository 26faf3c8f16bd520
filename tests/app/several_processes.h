#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tests/support/checkpoints.h"
#include "tests/support/temporary_folder.h"

/// For tests that run the program itself, in several processes: LACUNA_PROGRAM is its path.
namespace lacuna::test {

inline const char* const tiny_training =
    "[network]\ncnum = 4\ncritic_cnum = 2\ndtype = \"f64\"\n[data]\nheight = 16\nwidth = 16\nthreads = 1\n"
    "[holes]\nkind = \"strokes\"\nheight = 8\nwidth = 8\n[optimizer]\nlr = 1e-3\ncritic_lr = 1e-3\nepsilon = 1e-4\n"
    "[training]\nsteps = 3\nbatch = 4\ncritic_steps = 2\ncheckpoint_every = 1\nkeep = 9\nlog_every = 1\n";

/// A folder with a few small pictures and a small configuration.
struct Workshop {
  test::TemporaryFolder folder;
  std::string pictures = (folder / "pictures").string();
  std::string config = folder.file("train.toml", tiny_training).string();

  Workshop() {
    std::filesystem::create_directories(pictures);
    for (int k = 0; k < 5; ++k) {
      Image image{20, 18, 3, 8, std::vector<uint16_t>(20 * 18 * 3)};
      for (size_t i = 0; i < image.samples.size(); ++i) image.samples[i] = static_cast<uint16_t>((i * (k + 1)) % 256);
      write_image(pictures + "/" + std::to_string(k) + ".png", image);
    }
  }

  /// A command line of the shell that trains into the folder `run`.
  std::string train(const std::string& run, const std::string& more = "") const {
    return std::string(LACUNA_PROGRAM) + " train --threads 1 --config " + config + " --data " + pictures + " --out " +
           (folder / run).string() + " " + more;
  }

  Checkpoint checkpoint(const std::string& run, int64_t step) const {
    return read_checkpoint(checkpoint_path(folder / run / "checkpoints", step));
  }
};

struct Outcome {
  int status = 0;
  std::string printed;  // on stdout and stderr
};

/// Runs a command line of the shell.
inline Outcome shell(const std::string& line) {
  Outcome outcome;
  FILE* pipe = ::popen(("{ " + line + "; } 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) outcome.printed.append(buffer, n);
  outcome.status = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

inline void check_close(const Checkpoint& a, const Checkpoint& b) {
  CHECK(a.config == b.config);
  check_close(a, b, 1e-12);
}

inline size_t occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A command of the shell that waits until a run has made its first step.
inline std::string once_there(const Workshop& w, const std::string& run) {
  const std::filesystem::path first = w.folder / run / "checkpoints/step_00000001.safetensors";
  return "for i in $(seq 600); do test -e " + first.string() + " && break; sleep 0.05; done; ";
}

}  // namespace lacuna::test
