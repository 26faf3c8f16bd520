#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tensor/image.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;

/// A folder with a tiny model for 32 x 32 pictures and holes of 16, and a picture of 100 x 140 with two holes, of 50 x
/// 40 and 8 x 8.
struct Fixture {
  test::TemporaryFolder folder;
  Image picture{100, 140, 3, 8, {}}, mask{100, 140, 1, 8, {}};

  Fixture() {
    save_model(in("model.safetensors"), Generator({.cnum = 2}, 1), {{"trained_picture", "32"}, {"trained_hole", "16"}});
    for (int i = 0; i < 100 * 140 * 3; ++i) picture.samples.push_back(static_cast<uint16_t>(i * 7919 % 251));
    for (int y = 0; y < 100; ++y) {
      for (int x = 0; x < 140; ++x) {
        const bool hole = (y >= 30 && y < 80 && x >= 20 && x < 60) || (y >= 40 && y < 48 && x >= 120 && x < 128);
        mask.samples.push_back(hole ? 255 : 0);
      }
    }
    write_image(in("picture.png"), picture);
    write_image(in("mask.png"), mask);
  }

  std::string in(const std::string& name) const { return (folder / name).string(); }

  ProgramRun fill(const std::string& output, std::vector<std::string> more) const {
    more.insert(more.begin(), {"fill", "--model", in("model.safetensors"), "-i", in("picture.png"), "-m",
                               in("mask.png"), "-o", in(output)});
    return run_program(more);
  }
};

}  // namespace

TEST_CASE("fill: strategies give different fills, keep what is known, and auto is resize for a large picture") {
  const Fixture f;
  std::vector<std::vector<uint16_t>> results;
  for (const std::string name : {"original", "crop", "resize", "auto"}) {
    const ProgramRun run = f.fill(name + ".png", {"--strategy", name});
    REQUIRE_MESSAGE(run.status == 0, run.err);
    results.push_back(read_image(f.in(name + ".png")).samples);
    REQUIRE(results.back().size() == f.picture.samples.size());
    int64_t touched = 0;
    for (size_t i = 0; i < results.back().size(); ++i) {
      touched += f.mask.samples[i / 3] == 0 && results.back()[i] != f.picture.samples[i];
    }
    CHECK(touched == 0);
    const bool arbitrary = name == "original" || name == "crop";
    CHECK(contains(run.err, "39 pixels wide at (40,60), 2.4 times what the model was trained with") == arbitrary);
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') == (arbitrary ? 1 : 0));
  }
  CHECK(results[0] != results[1]);
  CHECK(results[1] != results[2]);
  CHECK(results[2] == results[3]);
  const ProgramRun unknown = f.fill("none.png", {"--strategy", "best"});
  CHECK(unknown.status == 2);
  CHECK(contains(unknown.err, "best"));
}

TEST_CASE("fill: the attention of chosen pixels") {
  const Fixture f;
  const auto attention = [&](const std::string& name, std::vector<std::string> more) {
    more.insert(more.end(), {"--save-attention", f.in(name)});
    const ProgramRun run = f.fill("out.png", more);
    REQUIRE_MESSAGE(run.status == 0, run.err);
    return read_image(f.in(name));
  };
  const Image some = attention("some.png", {}), one = attention("one.png", {"--attention-at", "124,44"}),
              two = attention("two.png", {"--attention-at", "124,44", "--attention-at", "40,50"});
  CHECK(some.width > 140);
  CHECK(some.samples != one.samples);
  CHECK(one.samples != two.samples);

  const ProgramRun outside = f.fill("none.png", {"--save-attention", f.in("none_att.png"), "--attention-at", "1,2"});
  CHECK(outside.status == 1);
  CHECK(contains(outside.err, "(1,2) is in no hole"));
  CHECK_FALSE(std::filesystem::exists(f.in("none_att.png")));
  CHECK_FALSE(std::filesystem::exists(f.in("none.png")));
  for (const std::string text : {"1", "1;2", "a,b", "1,2,3"}) {
    const ProgramRun bad = f.fill("none.png", {"--save-attention", f.in("none_att.png"), "--attention-at", text});
    CHECK(bad.status == 2);
    CHECK(contains(bad.err, "'" + text + "' is no pixel"));
  }
  const ProgramRun alone = f.fill("none.png", {"--attention-at", "124,44"});
  CHECK(alone.status == 1);
  CHECK(contains(alone.err, "--attention-at goes with --save-attention"));
}

}  // namespace lacuna
