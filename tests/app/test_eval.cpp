#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

/// 24 x 24, black but for the right half of the given grey.
Image halves(uint16_t grey, int bits = 8) {
  Image image{24, 24, 3, bits, {}};
  for (int i = 0; i < 24 * 24 * 3; ++i) image.samples.push_back(i / 3 % 24 >= 12 ? grey : uint16_t{0});
  return image;
}

struct Fixture {
  TemporaryFolder folder;
  std::string images = (folder / "images").string(), masks = (folder / "masks").string();
  std::string model = (folder / "model.safetensors").string(), report = (folder / "report.json").string();

  Fixture() {
    fs::create_directories(images);
    fs::create_directories(masks);
    write_image(images + "/a.png", halves(200));
    write_image(images + "/b.png", halves(100));
    // The hole: the last column, all of it in the bright half.
    Image mask{24, 24, 1, 8, {}};
    for (int i = 0; i < 24 * 24; ++i) mask.samples.push_back(i % 24 == 23 ? uint16_t{255} : uint16_t{0});
    write_image(masks + "/a.png", mask);
    write_image(masks + "/b.png", mask);
    save_model(model, Generator({.cnum = 2}, 1), {});
  }

  ProgramRun eval(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"eval", "--images", images});
    return run_program(arguments);
  }
  nlohmann::json json() const { return nlohmann::json::parse(read_file(report)); }
  /// The report's only method.
  nlohmann::json method() const {
    const nlohmann::json methods = json()["methods"];
    REQUIRE(methods.size() == 1);
    return methods[0];
  }
};

}  // namespace

TEST_CASE("eval: the baseline's figures are what follows by hand") {
  const Fixture f;
  const ProgramRun run = f.eval({"--baseline", "mean", "--masks", f.masks, "--json", f.report, "--per-image"});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  // 11 of the 23 known columns are bright, so the hole's 200 and 100 become 96 and 48.
  const double l1_a = 100 * (200 - 96) / 255.0, l1_b = 100 * (100 - 48) / 255.0;
  const nlohmann::json report = f.method();
  CHECK(report["method"] == "mean");
  CHECK(report["pictures"].size() == 2);
  CHECK(report["pictures"][0]["picture"] == "a.png");
  CHECK(report["pictures"][0]["hole_l1"].get<double>() == doctest::Approx(l1_a));
  CHECK(report["pictures"][0]["hole_psnr"].get<double>() == doctest::Approx(-20 * std::log10(l1_a / 100)));
  CHECK(report["pictures"][0]["hole_l1_relative"].get<double>() == doctest::Approx(52));
  CHECK(report["pictures"][0]["l1"].get<double>() == doctest::Approx(l1_a / 24));
  CHECK(report["mean"]["hole_l1"].get<double>() == doctest::Approx((l1_a + l1_b) / 2));
  CHECK(contains(run.out, "mean: means over 2 pictures"));
  CHECK(contains(run.out, "L1 (%)            30.59  1.27"));
  CHECK(contains(run.out, "a.png"));
}

TEST_CASE("eval: a model, random holes from a seed, saved results") {
  const Fixture f;
  write_image(f.images + "/c.png", halves(51400, 16));
  const std::vector<std::string> holes{"box:8x12", "box:10", "boxes:2", "strokes", "strokes:1"};
  for (const std::string& spec : holes) {
    const ProgramRun run = f.eval({"--model", f.model, "--holes", spec, "--seed", "7", "--json", f.report});
    REQUIRE_MESSAGE(run.status == 0, run.err);
    const nlohmann::json report = f.json();
    CHECK(report["holes"] == spec);
    CHECK(report["seed"] == 7);
    CHECK(f.method()["mean"].size() == 14);
    REQUIRE(f.eval({"--model", f.model, "--holes", spec, "--seed", "7", "--json", f.report}).status == 0);
    CHECK(f.json() == report);
    REQUIRE(f.eval({"--model", f.model, "--holes", spec, "--seed", "8", "--json", f.report}).status == 0);
    CHECK(f.method()["mean"] != report["methods"][0]["mean"]);
  }
  const std::string saved = (f.folder / "saved").string();
  REQUIRE(f.eval({"--model", f.model, "--masks", f.masks + "/a.png", "--save", saved, "--json", f.report}).status == 0);
  const Image filled = read_image(saved + "/a.png"), truth = halves(200);
  double difference = 0;
  for (size_t i = 0; i < truth.samples.size(); ++i) difference += std::abs(filled.samples[i] - truth.samples[i]);
  CHECK(f.method()["pictures"][0]["l1"].get<double>() ==
        doctest::Approx(100 * difference / 255 / static_cast<double>(truth.samples.size())));
  CHECK(read_image(saved + "/c.png").bits == 8);
}

TEST_CASE("eval: bad input of each kind is one line and writes nothing") {
  const Fixture f;
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& reason) {
    std::vector<std::string> all{"--json", f.report};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const ProgramRun run = f.eval(all);
    CHECK(run.status != 0);
    CHECK_MESSAGE(contains(run.err, reason), run.err);
    CHECK(run.out.empty());
    CHECK_FALSE(fs::exists(f.report));
  };
  for (const std::string spec :
       {"circle", "box:0", "box:8x", "box:8x9x", "box:-8", "boxes:many", "strokes:9999999999"}) {
    fails({"--baseline", "mean", "--holes", spec}, "--holes is box:WxH, boxes:N or strokes:N, not " + spec);
  }
  fails({"--baseline", "mean", "--holes", "box:64"},
        "a.png: [eval] a hole of 64 x 64 does not fit into 24 x 24 pixels; name a smaller one, such as --holes "
        "box:12x12");
  fails({"--baseline", "median"}, "median");
  fails({"--model", "one=" + f.model, "--model", "one=" + f.model},
        "two methods are called one; give one another name");
  fails({"--baseline", "mean", "--baseline", "mean"}, "two methods are called mean");
  fails({"--baseline", "mean", "--run", f.images}, "--run goes with --report");
  fails({"--baseline", "mean", "--report", f.report}, "--json and --report name one file");
  fails({"--baseline", "mean", "--report", f.report + "x", "--run", f.images}, "images holds no training run");
  fails({"--baseline", "mean", "--report", f.masks + "/none/r.html"}, "there is no folder");
  fails({"--baseline", "mean", "--holes", "box:8", "--masks", f.masks}, "--masks");
  fails({"--baseline", "mean", "--invert-mask"}, "--invert-mask goes with --masks");
  fails({"--baseline", "mean", "--masks", f.masks + "/none"}, "there is no such file or folder");
  fails({"--model", f.model + "x", "--holes", "box:8"}, "model.safetensorsx");
  fails({"--baseline", "mean", "--masks", f.masks, "--save", f.images}, "which is read; name a folder outside");
  fails({"--baseline", "mean", "--masks", f.masks, "--seed", "3"}, "--seed");
  fails({"--baseline", "mean", "--report-pictures", "3"}, "--report-pictures goes with --report");

  CHECK(run_program({"eval", "--baseline", "mean"}).status == 1);
  const ProgramRun nowhere = run_program({"eval", "--baseline", "mean", "--images", f.images + "/none"});
  CHECK(contains(nowhere.err, "none: there is no such file or folder"));
  const ProgramRun unwritable = f.eval({"--baseline", "mean", "--json", (f.folder / "none/report.json").string()});
  CHECK(contains(unwritable.err, "there is no folder"));
}

TEST_CASE("eval: what cannot be measured is named and left out, and the end is an error") {
  const Fixture f;
  REQUIRE(f.eval({"--baseline", "mean", "--masks", f.masks, "--json", f.report}).status == 0);
  const nlohmann::json whole = f.method();
  const auto left_out = [&](const std::string& reason) {
    const ProgramRun run = f.eval({"--baseline", "mean", "--model", f.model, "--masks", f.masks, "--json", f.report,
                                   "--report", (f.folder / "report.html").string()});
    CHECK(run.status == 1);
    CHECK_MESSAGE(contains(run.err, "lacuna: error: " + reason), run.err);
    CHECK(contains(run.err, "lacuna: error: [eval] 1 of 2 pictures could not be measured"));
    CHECK(contains(run.out, "means over 1 picture\n"));
    const nlohmann::json methods = f.json()["methods"];
    REQUIRE(methods[1]["pictures"].size() == 1);
    CHECK(methods[1]["pictures"][0] == whole["pictures"][1]);
    CHECK(methods[0]["pictures"].size() == 1);
    CHECK(fs::exists(f.folder / "report.html"));
  };
  fs::rename(f.masks + "/a.png", f.masks + "/z.png");
  left_out(f.images + "/a.png: [mask] " + f.masks + ": there is no mask named a");
  fs::rename(f.masks + "/z.png", f.masks + "/a.png");
  write_file_atomically(f.images + "/a.png", std::string_view("no picture"));
  left_out("[image] " + f.images + "/a.png: is not a PNG, JPEG or BMP picture\n");
  write_file_atomically(f.images + "/b.png", std::string_view("no picture"));
  const ProgramRun none = f.eval({"--baseline", "mean", "--masks", f.masks});
  CHECK(none.status == 1);
  CHECK(contains(none.err, "none of the 2 pictures could be measured"));
  CHECK(none.out.empty());
}

TEST_CASE("eval: models see their pictures as the arguments say") {
  const Fixture f;
  const std::string model = (f.folder / "small.safetensors").string();
  save_model(model, Generator({.cnum = 2}, 3), {{"trained_picture", "16"}, {"trained_hole", "8"}});
  const auto figures = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"--model", model, "--masks", f.masks, "--json", f.report};
    all.insert(all.end(), more.begin(), more.end());
    REQUIRE(f.eval(all).status == 0);
    return f.method()["mean"];
  };
  const nlohmann::json usual = figures({});
  CHECK(figures({"--strategy", "original"}) == usual);
  CHECK(figures({"--strategy", "crop"}) != usual);
  CHECK(figures({"--precision", "highest"}) == usual);
}

TEST_CASE("eval: holes and results that were saved give the same figures again") {
  const Fixture f;
  fs::create_directories(f.images + "/below");
  write_image(f.images + "/below/c.png", halves(77));
  const std::string saved = (f.folder / "saved").string(), holes = (f.folder / "holes").string();
  REQUIRE(f.eval({"--model", f.model, "--holes", "box:7x9", "--json", f.report, "--save", saved, "--save-masks", holes})
              .status == 0);
  const nlohmann::json report = f.method();
  for (const std::string name : {"/a.png", "/b.png", "/below/c.png"}) {
    const Image mask = read_image(holes + name);
    CHECK(mask.channels == 1);
    CHECK(std::count(mask.samples.begin(), mask.samples.end(), 255) == 7 * 9);
    CHECK(std::count(mask.samples.begin(), mask.samples.end(), 0) == 24 * 24 - 7 * 9);
  }
  REQUIRE(f.eval({"--model", f.model, "--masks", holes, "--json", f.report}).status == 0);
  CHECK(f.method()["pictures"] == report["pictures"]);
  REQUIRE(f.eval({"--filled", saved, "--masks", holes, "--json", f.report}).status == 0);
  CHECK(f.method()["pictures"] == report["pictures"]);
  CHECK(f.method()["method"] == "saved");
  REQUIRE(f.eval({"--filled", saved, "--holes", "box:7x9", "--json", f.report}).status == 0);
  CHECK(f.method()["pictures"] == report["pictures"]);
}

TEST_CASE("eval: of pictures filled by other means only the holes count, whatever their extension") {
  const Fixture f;
  const std::string filled = (f.folder / "filled").string();
  fs::create_directories(filled);
  // White everywhere: in the hole, the last column, 55 from the truth in a and 155 in b, which is a JPEG.
  write_image(filled + "/a.png", {24, 24, 1, 8, std::vector<uint16_t>(24 * 24, 255)});
  write_image(filled + "/b.jpg", {24, 24, 3, 8, std::vector<uint16_t>(24 * 24 * 3, 255)}, 100);
  const ProgramRun run = f.eval({"--filled", filled, "--masks", f.masks, "--json", f.report});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(f.method()["pictures"][0]["hole_l1"].get<double>() == doctest::Approx(100 * 55 / 255.0));
  CHECK(f.method()["pictures"][1]["hole_l1"].get<double>() == doctest::Approx(100 * 155 / 255.0));
  CHECK(f.method()["pictures"][0]["l1"].get<double>() == doctest::Approx(100 * 55 / 255.0 / 24));
}

TEST_CASE("eval: filled pictures that do not do, and folders that must stay apart") {
  const Fixture f;
  const std::string filled = (f.folder / "filled").string();
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& reason) {
    const ProgramRun run = f.eval(arguments);
    CHECK(run.status == 1);
    CHECK_MESSAGE(contains(run.err, reason), run.err);
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  };
  const std::vector<std::string> by_filled{"--filled", filled, "--masks", f.masks};
  fails(by_filled, "[eval] --filled: there is no folder " + filled);
  fs::create_directories(filled);
  fails(by_filled, filled + ": no .png, .jpg, .jpeg or .bmp file");
  write_image(filled + "/b.png", halves(100));
  const auto leaves_out_a = [&](const std::string& reason) {
    const ProgramRun run = f.eval(by_filled);
    CHECK(run.status == 1);
    CHECK_MESSAGE(contains(run.err, reason), run.err);
    CHECK(contains(run.err, "1 of 2 pictures could not be measured"));
  };
  leaves_out_a("a.png: [filled picture] " + filled + ": there is no filled picture named a");
  write_image(filled + "/a.png", {8, 9, 3, 8, std::vector<uint16_t>(8 * 9 * 3)});
  leaves_out_a(filled + "/a.png is 9x8, the original 24x24: they cannot be compared");
  fails({"--filled", "a/b=" + filled, "--baseline", "mean", "--masks", f.masks, "--save", f.report + "s"},
        "a/b cannot be a folder's name");

  const std::vector<std::string> mean{"--baseline", "mean", "--holes", "box:8"};
  const auto mean_fails = [&](std::vector<std::string> more, const std::string& reason) {
    more.insert(more.end(), mean.begin(), mean.end());
    fails(more, reason);
  };
  mean_fails({"--save-masks", f.images + "/masks"}, "[eval] --save-masks: " + f.images + "/masks lies in " + f.images);
  mean_fails({"--save", filled, "--save-masks", filled}, "name one folder");
  write_image(f.images + "/a.jpg", halves(200));
  mean_fails({"--save", filled + "/new"}, "would both be written to " + filled + "/new/a.png");
  CHECK_FALSE(fs::exists(filled + "/new"));
}

TEST_CASE("eval: several methods in one call measure as each alone") {
  const Fixture f;
  const std::string filled = (f.folder / "by others").string(), saved = (f.folder / "saved").string();
  fs::create_directories(filled);
  for (const std::string name : {"/a.png", "/b.png"}) write_image(filled + name, halves(255));
  const std::vector<std::vector<std::string>> methods{{"--model", "net=" + f.model},
                                                      {"--baseline", "mean"},
                                                      {"--baseline", "patchmatch"},
                                                      {"--filled", "white=" + filled}};
  std::vector<std::string> all{"--masks", f.masks, "--json", f.report, "--save", saved, "--per-image"};
  nlohmann::json alone = nlohmann::json::array();
  for (const auto& method : methods) {
    all.insert(all.end(), method.begin(), method.end());
    REQUIRE(f.eval({method[0], method[1], "--masks", f.masks, "--json", f.report}).status == 0);
    alone.push_back(f.method());
  }
  const ProgramRun run = f.eval(all);
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(f.json()["methods"] == alone);
  CHECK(f.json()["originals"]["mean"].size() == 2);
  for (const std::string name : {"net", "mean", "patchmatch", "white", "(the originals)"})
    CHECK(contains(run.out, name));
  for (const std::string name : {"net", "mean", "patchmatch", "white"}) {
    CHECK(fs::exists(saved + "/" + name + "/a.png"));
    CHECK(fs::exists(saved + "/" + name + "/b.png"));
  }
  // The hole's rows are all alike, and so are the patches beside it: the exemplar fill is exact.
  CHECK(alone[2]["mean"]["hole_l1"] == 0.0);

  std::vector<std::string> markdown{"--markdown", "--masks", f.masks};
  for (const auto& method : methods) markdown.insert(markdown.end(), method.begin(), method.end());
  const ProgramRun table = f.eval(markdown);
  CHECK(contains(table.out, "| fill | Hole L1, % | Hole PSNR, dB |"));
  CHECK(contains(table.out, "| patchmatch | **0.00** | **120.00** |"));
  CHECK(std::count(table.out.begin(), table.out.end(), '\n') == 7);
}

TEST_CASE("eval: a report") {
  const Fixture f;
  const std::string page = (f.folder / "report.html").string(), run_folder = (f.folder / "run").string();
  fs::create_directories(run_folder);
  write_file_atomically(run_folder + "/metrics.jsonl",
                        std::string_view("{\"step\":1,\"kind\":\"train\",\"l1\":2}\n{\"step\":2,\"l1\":1}\n"));
  const ProgramRun run = f.eval({"--model", f.model, "--baseline", "mean", "--masks", f.masks, "--report", page,
                                 "--run", run_folder, "--report-pictures", "1"});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  const std::string html = read_file(page);
  CHECK(contains(html, "Holes in 2 pictures, filled by 2 methods"));
  CHECK(contains(html, "lacuna eval --images " + f.images + " --model " + f.model + " --baseline mean --masks"));
  CHECK(contains(html, "How the model was trained"));
  CHECK(contains(html, "2 from " + f.images + ", 24x24"));
  CHECK(contains(html, "4.2 % of the pixels"));
  CHECK(contains(html, "model.safetensors"));
}

}  // namespace lacuna
