#include <doctest/doctest.h>

#include <string>

#include "tensor/image.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;

/// A folder with a tiny model and a picture of 100 x 140 with its mask.
struct Fixture {
  test::TemporaryFolder folder;

  Fixture() {
    save_model(in("model.safetensors"), Generator({.cnum = 4}, 1), {});
    Image picture{100, 140, 3, 8, {}}, mask{100, 140, 1, 8, {}};
    for (int i = 0; i < 100 * 140 * 3; ++i) picture.samples.push_back(static_cast<uint16_t>(i * 7919 % 251));
    for (int i = 0; i < 100 * 140; ++i) mask.samples.push_back(i % 140 > 50 && i / 140 > 30 && i % 140 < 90 ? 255 : 0);
    write_image(in("picture.png"), picture);
    write_image(in("mask.png"), mask);
  }

  std::string in(const std::string& name) const { return (folder / name).string(); }

  ProgramRun fill(const std::string& output, const std::string& size = "") const {
    std::vector<std::string> arguments{
        "fill", "--model", in("model.safetensors"), "-i", in("picture.png"), "-m", in("mask.png"), "-o", in(output)};
    if (!size.empty()) arguments.insert(arguments.end(), {"--max-memory", size});
    return run_program(arguments);
  }
};

}  // namespace

TEST_CASE("fill: within a given memory, with the same result; what cannot be is refused with what would do") {
  const Fixture f;
  REQUIRE(f.fill("free.png").status == 0);
  REQUIRE(f.fill("large.png", "2.5G").status == 0);

  const ProgramRun refused = f.fill("none.png", "1M");
  CHECK(refused.status == 1);
  CHECK(contains(refused.err, "picture.png: 140x100 pixels cannot be filled within 1M; they take at least"));
  CHECK(contains(refused.err, "or --max-side reduces the picture"));
  CHECK(!std::filesystem::exists(f.in("none.png")));

  const std::string before_size = "at least --max-memory ";
  const std::string least = refused.err.substr(refused.err.find(before_size) + before_size.size());
  const int needed = std::stoi(least);
  CHECK(needed > 10);
  CHECK(needed < 1000);
  const ProgramRun tight = f.fill("tight.png", std::to_string(needed + 8) + "M");
  CHECK_MESSAGE(tight.status == 0, tight.err);
  const auto pixels = [&](const std::string& name) { return read_image(f.in(name)).samples; };
  CHECK(pixels("tight.png") == pixels("free.png"));
  CHECK(pixels("large.png") == pixels("free.png"));
}

TEST_CASE("fill: what is no size is refused") {
  const Fixture f;
  for (const std::string size : {"much", "5X", "-1G", "1GB", "0", "1e30G", "nan"}) {
    CAPTURE(size);
    const ProgramRun run = f.fill("none.png", size);
    CHECK(run.status == 2);
    CHECK(contains(run.err, "'" + size + "' is no size; write 800M or 2.5G"));
  }
  CHECK(f.fill("bytes.png", "4000000000").status == 0);
  CHECK(f.fill("small.png", "4000000k").status == 0);
}

}  // namespace lacuna
