#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "bench/traced.h"
#include "nets/generator.h"
#include "tensor/file.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

ProgramRun run_bench(std::vector<std::string> more) {
  std::vector<std::string> arguments{"bench", "--device", "cpu"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(arguments);
}

/// With results to stdout as JSON.
Json measured(std::vector<std::string> more) {
  more.insert(more.end(), {"--json", "-"});
  const ProgramRun run = run_bench(more);
  REQUIRE_MESSAGE(run.status == 0, run.err);
  return Json::parse(run.out);
}

std::vector<Json> rows_of(const Json& results, const std::string& what) {
  std::vector<Json> rows;
  for (const Json& row : results.at("rows")) {
    if (row.at("what") == what) rows.push_back(row);
  }
  return rows;
}

void check_times(const Json& times, size_t runs) {
  CHECK(times.at("runs").size() == runs);
  CHECK(times.at("min").get<double>() > 0);
  CHECK(times.at("median").get<double>() >= times.at("min").get<double>());
  CHECK(times.at("spread").get<double>() >= 0);
}

/// Status 2 and two lines, the first of which says what is wrong.
void check_refused(const std::vector<std::string>& arguments, const std::string& reason) {
  const ProgramRun run = run_bench(arguments);
  CAPTURE(run.err);
  CHECK(run.status == 2);
  CHECK(run.err.starts_with("lacuna bench: error: "));
  CHECK(contains(run.err.substr(0, run.err.find('\n')), reason));
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 2);
  CHECK(run.out.empty());
}

const std::vector<std::string> tiny{"--cnum", "2", "--size", "16", "--repeat", "2"};

std::vector<std::string> tiny_and(std::vector<std::string> more) {
  more.insert(more.begin(), tiny.begin(), tiny.end());
  return more;
}

}  // namespace

TEST_CASE("bench: the whole network and its layers beside the peaks") {
  const Json results = measured(tiny_and({"--threads", "2"}));
  CHECK(results.at("complete") == true);
  CHECK(results.at("threads") == 2);
  CHECK(results.at("machine").at("cores").get<int>() >= 1);
  REQUIRE(results.at("peaks").size() == 2);
  for (const Json& peak : results.at("peaks")) {
    CHECK(peak.at("f32_flops").get<double>() > 1e8);
    CHECK(peak.at("copy_bytes").get<double>() > 1e7);
  }
  const std::vector<Json> whole = rows_of(results, "inference"), layers = rows_of(results, "layer");
  REQUIRE(whole.size() == 1);
  check_times(whole[0], 2);
  CHECK(whole[0].at("precision") == "highest");
  CHECK(whole[0].at("peak_block_bytes").get<int64_t>() > 16 * 16 * 3 * 4);

  REQUIRE(layers.size() == Generator(GeneratorOptions{.cnum = 2}).layers_for(16, 16).size());
  for (const Json& row : layers) {
    check_times(row, 2);
    CHECK(row.at("face") == "forward");
    CHECK(row.at("roofline_seconds").get<double>() > 0);
  }
  CHECK(layers[0].at("layer") == "inpaint_net/conv1");
  CHECK(layers[0].at("input") == Json{1, 16, 16, 5});
  CHECK(layers[0].at("kernel") == Json{5, 5, 5, 2});
  CHECK(layers[0].at("flops") == 2.0 * 16 * 16 * 5 * 5 * 5 * 2);
  CHECK(layers[0].at("bytes") == 4.0 * (16 * 16 * 5 + 5 * 5 * 5 * 2 + 16 * 16 * 2));
  const auto upsampled = std::find_if(layers.begin(), layers.end(), [](const Json& row) { return row.at("upsample"); });
  REQUIRE(upsampled != layers.end());
  CHECK(upsampled->at("input") == Json{1, 4, 4, 8});
  CHECK(upsampled->at("flops") == 2.0 * 8 * 8 * 3 * 3 * 8 * 4);

  std::set<std::string> parts;
  for (const Json& row : rows_of(results, "op")) {
    parts.insert(row.at("part").get<std::string>());
    CHECK(row.at("calls").get<int64_t>() >= 1);
    check_times(row, 2);
  }
  CHECK(parts == std::set<std::string>{"convolutions", "attention", "others"});
}

TEST_CASE("bench: as tables, and as a file besides") {
  const TemporaryFolder folder;
  const auto file = folder / "bench.json";
  const ProgramRun run =
      run_bench(tiny_and({"--what", "layers,ops,critics", "--faces", "forward,input,weight", "--precision",
                          "highest,medium", "--batch", "2", "--json", file.string()}));
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(contains(run.err, "bench "));
  for (const char* text :
       {"Peaks\n", "Inference\n", "Layers of the generator, forward, 16x16, batch 2, cnum 2, highest\n",
        "Layers of the generator, weight, ", "Layers of the local critic, input, ", ", medium\n",
        "Ops of a forward pass", "contextual_attention", "whole network"}) {
    CAPTURE(text);
    CHECK(contains(run.out, text));
  }
  const Json results = Json::parse(read_file(file));
  std::set<std::string> seen;
  for (const Json& row : rows_of(results, "layer")) {
    seen.insert(row.at("network").get<std::string>() + " " + row.at("face").get<std::string>() + " " +
                row.at("precision").get<std::string>());
  }
  CHECK(seen.size() == 3 * 3 * 2);
  CHECK(results.at("rows")[0].at("batch") == 2);
}

TEST_CASE("bench: sizes, a model of its own, no peaks where none are needed") {
  const TemporaryFolder folder;
  const auto model = folder / "model.safetensors";
  save_model(model, Generator(GeneratorOptions{.cnum = 4, .one_stage = true}), {});
  const Json results = measured(
      {"--what", "inference", "--model", model.string(), "--size", "24x16,8", "--seconds", "0", "--precision", "high"});
  CHECK(results.at("peaks").empty());
  const std::vector<Json> rows = rows_of(results, "inference");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("width") == 24);
  CHECK(rows[0].at("height") == 16);
  CHECK(rows[1].at("width") == 8);
  CHECK(rows[1].at("cnum") == 4);
  check_times(rows[1], 3);
  CHECK(precision() == Precision::highest);
}

TEST_CASE("bench: training, and where its time goes as a trace") {
  const TemporaryFolder folder;
  const auto trace = folder / "trace.json";
  const ProgramRun run =
      run_bench(tiny_and({"--what", "training", "--batch", "1", "--json", "-", "--trace", trace.string()}));
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(contains(run.err, "where the time went is in " + trace.string()));
  const std::vector<Json> rows = rows_of(Json::parse(run.out), "training");
  REQUIRE(rows.size() == 1);
  check_times(rows[0], 2);
  check_times(rows[0].at("critic_update"), 2 * 5);
  check_times(rows[0].at("generator_update"), 2);
  CHECK(rows[0].at("critic_steps") == 5);
  CHECK(rows[0].at("batch") == 1);

  std::set<std::string> names;
  const Json events = Json::parse(read_file(trace)).at("traceEvents");
  for (const Json& event : events) names.insert(event.at("name").get<std::string>());
  for (const char* name : {"critic update", "generator update", "data", "Adam", "grad", "generator", "global critic",
                           "contextual_attention", "inpaint_net/conv1", "conv2d_bias_act", "conv2d_weight"}) {
    CAPTURE(name);
    CHECK(names.count(name) == 1);
  }
}

TEST_CASE("bench: training by a configuration file, without critics") {
  const TemporaryFolder folder;
  const auto config =
      folder.file("tiny.toml",
                  "[network]\ncnum = 4\n[data]\nheight = 16\nwidth = 24\n[holes]\nheight = 8\nwidth = 8\n"
                  "max_shrink = 2\n[loss]\nadversarial = \"none\"\n[training]\nbatch = 3\n");
  const ProgramRun run = run_bench({"--what", "training", "--config", config.string(), "--repeat", "1"});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(contains(run.out, "Training, 24x16, batch 3, cnum 4, highest"));
  CHECK(contains(run.out, "generator update"));
  CHECK_FALSE(contains(run.out, "one critic update"));
  const ProgramRun missing = run_bench({"--what", "training", "--config", (folder / "none.toml").string()});
  CHECK(missing.status == 1);
  CHECK(contains(missing.err, "none.toml"));
}

TEST_CASE("bench: the trace of a failure is written, too, and an unusable file is refused before the work") {
  const TemporaryFolder folder;
  const auto trace = folder / "trace.json";
  const ProgramRun failed = run_program({"info", (folder / "missing").string(), "--trace", trace.string()});
  CHECK(failed.status == 1);
  CHECK(Json::parse(read_file(trace)).at("traceEvents").size() == 1);
  const ProgramRun refused = run_program({"info", trace.string(), "--trace", (folder / "none" / "t.json").string()});
  CHECK(refused.status == 1);
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  CHECK(!tracing());
}

TEST_CASE("bench: Ctrl-C shows what was measured until then, and the trace of it") {
  const TemporaryFolder folder;
  const auto trace = folder / "trace.json";
  std::thread impatient([] {
    for (int i = 0; i < 2000 && (!tracing() || trace_size() == 0); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::raise(SIGINT);
  });
  const ProgramRun run = run_bench({"--what", "inference", "--size", "16", "--cnum", "2", "--seconds", "3000", "--json",
                                    "-", "--trace", trace.string()});
  impatient.join();
  CHECK(run.status == 0);
  CHECK(contains(run.err, "stopped"));
  CHECK(Json::parse(run.out).at("complete") == false);
  CHECK(Json::parse(read_file(trace)).at("traceEvents").size() > 1);
}

TEST_CASE("bench: what is wrong with the command line is said in one line") {
  check_refused({"--wat", "layers"}, "unknown option '--wat'; did you mean '--what'?");
  check_refused({"--what", "layer"}, "layer not in {");
  check_refused({"--size", "12x"}, "'12x' is not a size");
  check_refused({"--size", "64,7"}, "'7' is not a size");
  check_refused({"--precision", "low"}, "low not in {");
  check_refused({"--batch", "0"}, "--batch");
  check_refused({"--cnum", "8", "--model", "m"}, "excludes");
  const ProgramRun odd = run_bench({"--cnum", "3"});
  CHECK(odd.status == 1);
  CHECK(contains(odd.err, "cnum is an even number"));
  const ProgramRun file = run_bench(tiny_and({"--json", "/nowhere/bench.json"}));
  CHECK(file.status == 1);
  CHECK(contains(file.err, "/nowhere"));
}

TEST_CASE("bench: quantiles and the roofline") {
  const bench::Times times{{4, 1, 3, 2, 5}};
  CHECK(times.median() == 3);
  CHECK(times.least() == 1);
  CHECK(times.quantile(0.25) == 2);
  CHECK(times.quantile(0.875) == 4.5);
  CHECK(times.spread() == doctest::Approx(2.0 / 3));
  CHECK(bench::Times{{7}}.spread() == 0);

  const bench::Peak peak{.threads = 1, .f32 = 100, .bf16_pairs = 240, .bf16_tiles = 600, .copy = 10};
  CHECK(peak.rate(Precision::highest) == 100);
  CHECK(peak.rate(Precision::high) == 200);
  CHECK(peak.rate(Precision::medium) == 600);
  const bench::Roofline computing = bench::roofline(1000, 10, peak, Precision::highest);
  CHECK(computing.seconds == 10);
  CHECK(!computing.by_memory);
  CHECK(bench::roofline(1000, 500, peak, Precision::highest).by_memory);
}

}  // namespace lacuna
