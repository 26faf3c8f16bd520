#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <list>
#include <memory>
#include <optional>
#include <set>

#include "app/app.h"
#include "app/bench_tables.h"
#include "app/device_option.h"
#include "app/interrupt.h"
#include "app/picture_files.h"
#include "app/picture_size.h"
#include "app/precision_option.h"
#include "app/progress.h"
#include "bench/device_peak.h"
#include "bench/networks.h"
#include "tensor/file.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

constexpr double peak_seconds = 0.3;  // for each number
constexpr int64_t smallest_side = 8, largest_side = 1 << 14;
constexpr const char* default_training_size = "256";
constexpr int64_t default_training_batch = 4;

struct BenchArguments {
  std::vector<std::string> what{"inference", "layers"}, sizes{"512"}, precisions{"highest"}, faces{"forward"}, data;
  int64_t batch = 1, cnum = 32, repeat = 0;
  double seconds = 0.5;
  std::string model, config, json, device = "auto";
};

std::optional<PictureSize> size_of(const std::string& text) {
  return parse_picture_size(text, smallest_side, largest_side);
}

bench::Face face_named(const std::string& name) {
  return name == "weight" ? bench::Face::weight : name == "input" ? bench::Face::input : bench::Face::forward;
}

/// The measurements that the arguments ask for.
class Bench {
 public:
  Bench(const CLI::App& command, const BenchArguments& arguments, const std::atomic<bool>* stop)
      : a_(arguments),
        effort_{.seconds = a_.seconds, .repeat = a_.repeat, .stop = stop, .device = chosen_device(a_.device)},
        generator_(a_.model.empty() ? Generator(GeneratorOptions{.cnum = a_.cnum}) : load_model(a_.model).generator) {
    generator_.params().move_to(effort_.device);
    results_.device = effort_.device;
    if (wants("peak") || wants("layers") || wants("critics")) plan_peaks();
    for_each_setting(a_.sizes, [&](const Setting& s) { plan_generator(s); });
    if (wants("critics")) for_each_setting(a_.sizes, [&](const Setting& s) { plan_critics(s); });
    if (wants("training")) plan_training(command);
  }

  /// What was done when Ctrl-C came is returned, too.
  bench::Results run() {
    Progress progress("bench", static_cast<int64_t>(jobs_.size()), 0, ProgressOptions{.unit = "measurement"});
    try {
      for (size_t k = 0; k < jobs_.size(); ++k) {
        progress.update(static_cast<int64_t>(k), jobs_[k].name);
        jobs_[k].run();
      }
      progress.update(static_cast<int64_t>(jobs_.size()));
      results_.complete = true;
    } catch (const bench::Stopped&) {
    }
    return std::move(results_);
  }

 private:
  using Setting = bench::Setting;
  struct Job {
    std::string name;
    std::function<void()> run;
  };

  bool on_cpu() const { return effort_.device.kind == Device::Kind::cpu; }
  bool wants(const std::string& what) const { return std::find(a_.what.begin(), a_.what.end(), what) != a_.what.end(); }

  void plan(const std::string& name, std::function<void()> run) { jobs_.push_back({name, std::move(run)}); }

  template <class F>
  void for_each_setting(const std::vector<std::string>& sizes, F f) const {
    for (const std::string& size : sizes) {
      const auto [height, width] = *size_of(size);
      for (const std::string& precision : a_.precisions) {
        f(Setting{height, width, a_.batch, generator_.options().cnum, precisions().at(precision)});
      }
    }
  }

  void plan_peaks() {
#ifdef LACUNA_CUDA
    if (!on_cpu()) {
      return plan("peaks",
                  [this] { results_.peaks.push_back(measure_device_peak(effort_.device, peak_seconds, effort_)); });
    }
#endif
    for (const int threads : std::set<int>{1, num_threads()}) {
      plan("peaks", [this, threads] { results_.peaks.push_back(measure_peak(threads, peak_seconds, effort_)); });
    }
  }

  void plan_generator(const Setting& s) {
    if (wants("inference") || wants("layers")) {
      plan("inference", [this, s] { results_.inference.push_back(measure_inference(generator_, s, effort_)); });
    }
    if (wants("layers")) plan_layers("generator", generator_.params(), generator_.layers_for(s.height, s.width), s);
    if (wants("layers") || wants("ops")) {
      plan("ops", [this, s] {
        for (auto& row : measure_ops(generator_, s, effort_)) results_.ops.push_back(std::move(row));
      });
    }
  }

  void plan_layers(const std::string& network, const Params& params, const std::vector<PlacedLayer>& places,
                   const Setting& s) {
    for (const std::string& name : a_.faces) {
      const bench::Face face = face_named(name);
      for (const PlacedLayer& place : places) {
        plan(place.layer.name, [this, network, &params, place, face, s] {
          results_.layers.push_back(measure_layer(network, params, place, face, s, effort_));
        });
      }
    }
  }

  /// As training has them: the local one sees windows of half the pictures' sides.
  void plan_critics(const Setting& s) {
    const int64_t cnum = 2 * s.cnum;
    const auto add = [&](const std::string& name, Critic::Kind kind, int64_t height, int64_t width) {
      Critic& critic = critics_.emplace_back(kind, height, width, cnum);
      critic.params().move_to(effort_.device);
      plan_layers(name, critic.params(), placed(critic.layers(), height, width), s);
    };
    add("global critic", Critic::Kind::global, s.height, s.width);
    add("local critic", Critic::Kind::local, std::max<int64_t>(1, s.height / 2), std::max<int64_t>(1, s.width / 2));
  }

  void plan_training(const CLI::App& command) {
    const std::vector<std::string> sizes =
        command.count("--size") > 0 ? a_.sizes : std::vector<std::string>{default_training_size};
    for_each_setting(sizes, [&](Setting s) {
      if (command.count("--batch") == 0) s.batch = default_training_batch;
      TrainConfig config = bench::training_config(s);
      if (!a_.config.empty()) config = configured(command, s);
      config.data.sources = a_.data;
      check_config(config);
      plan("training", [this, config] {
        bench::Effort effort = effort_;
        effort.least = 2;
        results_.training.push_back(measure_training(config, effort));
      });
    });
  }

  /// The file's configuration, but for what was named besides it.
  TrainConfig configured(const CLI::App& command, const Setting& s) const {
    TrainConfig config = read_config(a_.config);
    if (command.count("--batch") > 0) config.batch = s.batch;
    if (command.count("--precision") > 0) config.precision = s.precision;
    if (command.count("--size") == 0) return config;
    config.data.height = s.height;
    config.data.width = s.width;
    config.holes = bench::training_config(s).holes;
    return config;
  }

  const BenchArguments& a_;
  bench::Effort effort_;
  Generator generator_;
  std::list<Critic> critics_;
  std::vector<Job> jobs_;
  bench::Results results_;
};

void run_bench(const CLI::App& command, const BenchArguments& a) {
  const bool to_stdout = a.json == "-";
  if (!a.json.empty() && !to_stdout) check_can_write(a.json);
  const Interrupt interrupt;
  const bench::Results results = Bench(command, a, &interrupt.requested()).run();
  if (!results.complete) spdlog::warn("stopped: what follows is what was measured until then");
  const bool with_ops = std::find(a.what.begin(), a.what.end(), "ops") != a.what.end();
  if (!to_stdout) print_tables(results, with_ops, std::cout);
  if (a.json.empty()) return;
  const std::string json = to_json(results, LACUNA_VERSION).dump(1) + "\n";
  to_stdout ? std::cout << json, void() : write_file_atomically(a.json, json, "bench");
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure how fast this machine fills and trains, and why");
  auto a = std::make_shared<BenchArguments>();
  const auto list = [&](const std::string& name, std::vector<std::string>& values, const std::string& help,
                        const std::string& type) {
    return command->add_option(name, values, help)->delimiter(',')->type_name(type);
  };
  const auto one_of = [](std::set<std::string> names) { return CLI::IsMember(std::move(names)).description(""); };
  list("--what,-w", a->what,
       "inference (the whole network), layers (each convolution beside the machine's peaks, and the other ops), ops "
       "(each op within the network), critics (the critics' layers), training (iterations), peak; default: "
       "inference,layers",
       "LIST")
      ->check(one_of({"inference", "layers", "ops", "critics", "training", "peak"}));
  list("--size,-s", a->sizes, "Pictures' sizes: N or WIDTHxHEIGHT (default: 512; training: 256)", "LIST")
      ->check([](const std::string& text) {
        return size_of(text) ? "" : "'" + text + "' is not a size of 8 to 16384 pixels: N or WIDTHxHEIGHT";
      });
  list("--precision,-p", a->precisions, "highest, high, medium (default: highest)", "LIST")
      ->check(one_of({"highest", "high", "medium"}));
  list("--faces", a->faces, "Of the layers: forward, input (its gradient), weight (its gradient); default: forward",
       "LIST")
      ->check(one_of({"forward", "input", "weight"}));
  command->add_option("--batch,-b", a->batch, "Pictures at a time (default: 1; training: 4)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
  CLI::Option* const cnum =
      command->add_option("--cnum", a->cnum, "Width of the network's first layer, with random weights (default: 32)")
          ->type_name("N")
          ->check(CLI::Range(2, 1024).description(""));
  command->add_option("--model", a->model, "Measure this model instead; training goes by --cnum")
      ->type_name("FILE")
      ->excludes(cnum);
  command->add_option("--config,-c", a->config, "Train as this TOML file says (default: the paper's recipe)")
      ->type_name("FILE");
  command->add_option("--data,-d", a->data, "Folder of pictures to train on; may be repeated (default: random ones)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all();
  CLI::Option* const seconds =
      command->add_option("--seconds", a->seconds, "For each measurement, of at least 3 runs (default: 0.5)")
          ->type_name("T")
          ->check(CLI::Range(0.0, 3600.0).description(""));
  command->add_option("--repeat,-r", a->repeat, "Runs of each measurement instead")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""))
      ->excludes(seconds);
  command->add_option("--json,-j", a->json, "Also write the results as JSON; - writes them, alone, to stdout")
      ->type_name("FILE|-");
  add_device_option(*command, a->device);
  command->footer(
      "Times are medians of runs after one to warm up; the spread is the distance of the quartiles over the median.\n"
      "GFLOP/s go by a layer's definition, 2 N Ho Wo kh kw Ci Co, so that a fast way to compute it can exceed the\n"
      "peak. GB/s count input, kernel and output once, copying what is read and what is written. The bound is what\n"
      "would take longer at the measured peaks, computing or moving memory; \"at best\" is how long.\n"
      "LACUNA_CPU=avx2 (portable, avx512, avx512_bf16, amx) measures with those instructions at most.\n"
      "On a CUDA device the clock is read when it has done all; there inference and training run as plans (CUDA\n"
      "graphs), layers and ops one by one, and blocks are the device's memory. Its peaks are those of f32 additions\n"
      "and of bf16 products by mma.sync on registers, and of copies within its memory.\n"
      "Ctrl-C ends after the run at hand and shows what was measured.\n"
      "JSON: {lacuna, schema, complete, device, machine, level, threads, peaks: [...], rows: [...]}; a row has what\n"
      "(inference, layer, op, training), height, width, batch, cnum, precision, and median, min, spread and all runs\n"
      "in seconds; bench/rows.h lists the rest.\n"
      "Examples:\n"
      "  lacuna bench --size 256,512 --precision highest,high,medium --json bench.json\n"
      "  lacuna bench --what layers,critics --faces forward,input,weight --size 256 --batch 4\n"
      "  lacuna bench --what training --repeat 3 --trace training.json\n");
  command->callback([command, a] { run_bench(*command, *a); });
}

}  // namespace lacuna
