#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "app/app.h"
#include "app/device_option.h"
#include "app/eval_methods.h"
#include "app/picture_files.h"
#include "app/precision_option.h"
#include "app/progress.h"
#include "app/strategy_option.h"
#include "app/table.h"
#include "tensor/file.h"
#include "tensor/stream.h"
#include "train/data.h"
#include "train/report_html.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

/// White in the hole, black elsewhere.
Image picture_of_mask(const Tensor& mask) {
  Image picture{mask.dim(1), mask.dim(2), 1, 8, std::vector<uint16_t>(static_cast<size_t>(mask.numel()))};
  std::transform(mask.data<float>(), mask.data<float>() + mask.numel(), picture.samples.begin(),
                 [](float value) { return value > 0.5f ? uint16_t{255} : uint16_t{0}; });
  return picture;
}

/// The picture in 8 bits, in which everything is measured.
Image read_in_8_bits(const fs::path& file) {
  const Image image = read_image(file);
  return image.bits == 8 ? image : to_image(to_tensor(image));
}

/// All figures of one method.
Table table_of(const Metrics& means) {
  Table table({"", "hole", "whole picture"});
  for (const MetricInfo& info : metric_infos()) {
    const std::string name = info.name, unit = info.unit;
    table.add(
        {info.title + (unit.empty() ? "" : " (" + unit + ")"), figure(means, "hole_" + name), figure(means, name)});
  }
  return table;
}

const std::vector<std::pair<const char*, const char*>> columns{{"hole_l1", "hole L1 (%)"},
                                                               {"hole_psnr", "hole PSNR (dB)"},
                                                               {"psnr", "PSNR (dB)"},
                                                               {"ssim", "SSIM"},
                                                               {"hole_tv", "hole TV (%)"}};

/// A table with a row of figures for whatever its first columns name.
Table figures_table(std::vector<std::string> heading) {
  for (const auto& [name, title] : columns) heading.emplace_back(title);
  return Table(std::move(heading));
}

std::vector<std::string> row_of(std::vector<std::string> row, const Metrics& metrics) {
  for (const auto& [name, title] : columns) row.push_back(figure(metrics, name));
  return row;
}

/// The originals have a total variation, and nothing else to be measured by.
Metrics of_the_originals(const Metrics& metrics) {
  Metrics tv;
  for (const std::string name : {"hole_tv", "tv"}) {
    if (const auto value = value_of(metrics, name)) tv.emplace_back(name, *value);
  }
  return tv;
}

nlohmann::ordered_json json_of(const Metrics& metrics) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : metrics) object[name] = value;
  return object;
}

/// Fills the pictures by each method and measures.
class Eval {
 public:
  explicit Eval(const EvalArguments& a) : a_(a), holes_(parse_holes(a.holes)) {
    if (!a.masks.empty()) masks_.emplace(a.masks);
    if (!a.run.empty()) training_ = read_run_log(a.run);
    files_ = list_pictures({a.images});
    methods_ = eval_methods(a);
    check_saved();
    evaluation_ = evaluation_of(methods_.methods);
    if (!a.report.empty()) report_pictures_.emplace(files_.size(), a.report_pictures.value_or(usual_report_pictures));
  }

  /// Pictures that cannot be measured are named and left out, by all methods.
  void run() {
    Progress progress("eval", static_cast<int64_t>(files_.size()), 0, {.unit = "picture"});
    for (size_t i = 0; i < files_.size(); ++i) {
      try {
        measure(i);
      } catch (const Error& error) {
        const std::string reason = error.what();
        const bool named = reason.find(files_[i].string()) != std::string::npos;
        spdlog::error("{}{}", named ? "" : files_[i].string() + ": ", reason);
      }
      progress.update(static_cast<int64_t>(i + 1));
    }
    check(measured() > 0, "[eval] none of the ", files_.size(), " pictures could be measured");
  }

  size_t measured() const { return evaluation_.pictures.size(); }
  /// Throws Error if pictures were left out.
  void check_complete() const {
    check(measured() == files_.size(), "[eval] ", files_.size() - measured(), " of ", files_.size(),
          " pictures could not be measured; the figures are of the others");
  }

  void print() const {
    const auto& methods = evaluation_.methods;
    if (a_.per_image) print_pictures();
    if (a_.markdown) {
      std::cout << figures_markdown(evaluation_);
      return;
    }
    if (methods.size() == 1) std::cout << methods[0].name << ": ";
    std::cout << "means over " << measured() << (measured() == 1 ? " picture\n" : " pictures\n");
    if (methods.size() == 1) {
      table_of(mean_of(methods[0].pictures)).print(std::cout);
      return;
    }
    Table table = figures_table({"", "s / picture"});
    for (const MethodFigures& method : methods) {
      const std::string seconds = method.seconds > 0 ? fixed(method.seconds_each(), 3) : "-";
      table.add(row_of({method.name, seconds}, mean_of(method.pictures)));
    }
    table.add(row_of({"(the originals)", ""}, of_the_originals(mean_of(evaluation_.originals.pictures))));
    table.print(std::cout);
  }

  std::string json() const {
    nlohmann::ordered_json report;
    if (masks_) {
      report["masks"] = a_.masks;
    } else {
      report["holes"] = a_.holes;
      report["seed"] = a_.seed;
    }
    report["methods"] = nlohmann::ordered_json::array();
    for (const MethodFigures& method : evaluation_.methods) {
      nlohmann::ordered_json entry{{"method", method.name}, {"mean", json_of(mean_of(method.pictures))}};
      for (size_t i = 0; i < measured(); ++i) {
        entry["pictures"].push_back(json_of(method.pictures[i]));
        entry["pictures"].back()["picture"] = evaluation_.pictures[i];
      }
      report["methods"].push_back(entry);
    }
    report["originals"] = {{"mean", json_of(of_the_originals(mean_of(evaluation_.originals.pictures)))}};
    return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

  std::string report() const {
    std::vector<std::pair<std::string, std::string>> facts;
    facts.emplace_back("Command", eval_command(a_));
    const std::string size = sizes_.size() == 1 ? *sizes_.begin() : std::to_string(sizes_.size()) + " different sizes";
    facts.emplace_back("Pictures", std::to_string(measured()) + " from " + a_.images + ", " + size);
    const std::string where =
        masks_ ? "masks from " + a_.masks : a_.holes + " at random places, seed " + std::to_string(a_.seed);
    facts.emplace_back("Holes", where + "; " + fixed(100 * holes_share_ / static_cast<double>(measured()), 1) +
                                    " % of the pixels on average");
    facts.insert(facts.end(), methods_.facts.begin(), methods_.facts.end());
    if (!a_.run.empty()) facts.emplace_back("Training", "the log of " + a_.run);
    facts.emplace_back("Program", std::string("lacuna ") + LACUNA_VERSION + ", " + std::to_string(num_threads()) +
                                      (num_threads() == 1 ? " thread" : " threads"));
    char date[16] = "";
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
    facts.emplace_back("Date", date);
    return report_html({evaluation_, *report_pictures_, training_, facts});
  }

 private:
  /// Throws Error if what is to be saved would replace an input or another result.
  void check_saved() const {
    std::vector<fs::path> inputs = methods_.folders;
    inputs.emplace_back(a_.images);
    if (masks_) inputs.emplace_back(a_.masks);
    for (const auto& [option, folder] : {std::pair("--save", a_.save), std::pair("--save-masks", a_.save_masks)}) {
      if (folder.empty()) continue;
      for (const fs::path& input : inputs) check_apart(std::string("[eval] ") + option, folder, input);
      std::map<fs::path, fs::path> pictures_by_name;
      for (const fs::path& picture : files_) {
        const auto [other, is_new] = pictures_by_name.emplace(saved_name(picture), picture);
        check(is_new, "[eval] ", option, ": what belongs to ", other->second.string(), " and to ", picture.string(),
              " would both be written to ", (folder / other->first).string(), "; rename one");
      }
    }
    check(a_.save.empty() || a_.save != a_.save_masks, "[eval] --save and --save-masks name one folder, ", a_.save);
    if (a_.save.empty() || methods_.methods.size() < 2) return;
    for (const FillMethod& method : methods_.methods) {
      const bool fit = method.name != "." && method.name != ".." && method.name.find('/') == std::string::npos;
      check(fit, "[eval] --save: ", method.name, " cannot be a folder's name; name the method otherwise");
    }
  }

  fs::path saved_name(const fs::path& picture) const {
    return path_below(picture, a_.images).replace_extension(".png");
  }

  void save(const fs::path& folder, const fs::path& picture, const Image& result) const {
    const fs::path file = folder / saved_name(picture);
    fs::create_directories(file.parent_path());
    write_image(file, result);
  }

  void measure(size_t i) {
    const Image image = read_in_8_bits(files_[i]);
    const fs::path below = path_below(files_[i], a_.images);
    const Tensor mask =
        masks_ ? read_mask(masks_->of(below), image, a_.invert) : random_hole(holes_, image, a_.seed, i);
    const size_t index = measured();
    const std::vector<Image> fills = evaluate(methods_.methods, below, image, mask, evaluation_);
    sizes_.insert(std::to_string(image.width) + "x" + std::to_string(image.height));
    holes_share_ +=
        std::count(mask.data<float>(), mask.data<float>() + mask.numel(), 1.0f) / static_cast<double>(mask.numel());
    for (size_t m = 0; m < fills.size() && !a_.save.empty(); ++m) {
      save(fills.size() == 1 ? fs::path(a_.save) : fs::path(a_.save) / methods_.methods[m].name, files_[i], fills[m]);
    }
    if (!a_.save_masks.empty()) save(a_.save_masks, files_[i], picture_of_mask(mask));
    if (report_pictures_) {
      report_pictures_->add(index, value_of(evaluation_.methods[0].pictures[index], "hole_l1"), image, mask, fills);
    }
  }

  void print_pictures() const {
    const bool several = evaluation_.methods.size() > 1;
    Table table =
        figures_table(several ? std::vector<std::string>{"picture", "by"} : std::vector<std::string>{"picture"});
    for (size_t i = 0; i < measured(); ++i) {
      for (const MethodFigures& method : evaluation_.methods) {
        std::vector<std::string> row{evaluation_.pictures[i]};
        if (several) row.push_back(method.name);
        table.add(row_of(row, method.pictures[i]));
      }
    }
    table.print(std::cout);
    std::cout << '\n';
  }

  const EvalArguments& a_;
  MaskOptions holes_;
  std::optional<MaskFiles> masks_;
  std::vector<LogCurve> training_;
  std::vector<fs::path> files_;
  EvalMethods methods_;
  Evaluation evaluation_;
  std::optional<ReportPictures> report_pictures_;
  std::set<std::string> sizes_;
  double holes_share_ = 0;
};

void eval(const EvalArguments& a) {
  check(!a.images.empty(), "[eval] name the pictures: --images DIR");
  check(!a.invert || !a.masks.empty(), "[eval] --invert-mask goes with --masks");
  check(a.run.empty() || !a.report.empty(), "[eval] --run goes with --report");
  check(!a.report_pictures || !a.report.empty(), "[eval] --report-pictures goes with --report");
  for (const std::string& file : {a.json, a.report}) {
    if (!file.empty()) check_can_write(file);
  }
  check(a.json.empty() || a.json != a.report, "[eval] --json and --report name one file, ", a.json);
  Eval evaluation(a);
  evaluation.run();
  evaluation.print();
  if (!a.json.empty()) write_file_atomically(a.json, evaluation.json());
  if (!a.report.empty()) write_file_atomically(a.report, evaluation.report());
  evaluation.check_complete();
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Measure how well holes are filled in a folder of pictures");
  auto a = std::make_shared<EvalArguments>();
  command->add_option("--images,-i", a->images, "Folder of whole pictures, with all below it")->type_name("DIR");
  command
      ->add_option("--model", a->models,
                   "Model to measure; may be repeated, and named: --model NAME=FILE (default, if nothing else is to be "
                   "measured: $LACUNA_MODEL, then the shipped model)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--baseline", a->baselines,
                   "What needs no model, may be repeated: mean (the mean colour of the known pixels), patchmatch "
                   "(patches of the known part)")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"mean", "patchmatch"}).description(""));
  command
      ->add_option(
          "--filled", a->filled,
          "A folder of pictures filled by other means, named as the originals (any extension); may be repeated, "
          "and named: --filled NAME=DIR; what the pictures hold outside the holes does not count")
      ->type_name("DIR")
      ->allow_extra_args(false);
  CLI::Option* masks =
      command
          ->add_option("--masks", a->masks,
                       "Folder of masks named as the pictures (any extension), or one mask for all; white = hole")
          ->type_name("DIR|FILE");
  command->add_flag("--invert-mask", a->invert, "The hole is where the mask is black (or opaque)");
  command
      ->add_option("--holes", a->holes, "Holes at random places: box:WxH, boxes:N or strokes:N (default box:128x128)")
      ->type_name("SPEC")
      ->excludes(masks);
  command->add_option("--seed", a->seed, "Of the random holes (default 0); the same seed gives the same holes")
      ->type_name("N")
      ->excludes(masks);
  command->add_flag_callback(
      "--no-texture", [a] { a->texture = false; }, "Of models: without the fine texture that 'lacuna fill' adds");
  add_strategy_option(*command, a->strategy, "Of models: what the network sees, as in 'lacuna fill' (default auto)");
  add_precision_option(*command, a->precision, "Of models: of the arithmetic, at the least: highest, high or medium");
  command->add_flag("--per-image", a->per_image, "Print a line for each picture");
  command->add_flag("--markdown", a->markdown, "Print the table of means as Markdown");
  command->add_option("--json", a->json, "Write all figures, for each picture and their means")->type_name("FILE");
  command
      ->add_option(
          "--report", a->report,
          "Write a page (HTML, nothing beside it is needed) with the figures, plots, and the worst and best fills")
      ->type_name("FILE");
  command
      ->add_option("--report-pictures", a->report_pictures,
                   "How many worst and how many best fills of the first method the report shows (default 6)")
      ->type_name("N")
      ->check(CLI::Range(0, 1000).description(""));
  command->add_option("--run", a->run, "Folder of a training run, whose loss curves the report shows")
      ->type_name("DIR");
  command
      ->add_option(
          "--save", a->save,
          "Write the filled pictures as PNG, named as the originals; of several methods each in a folder of its "
          "own below")
      ->type_name("DIR");
  command
      ->add_option("--save-masks", a->save_masks,
                   "Write the holes as PNG, white = hole, named as the originals, for other programs to fill")
      ->type_name("DIR");
  add_device_option(*command, a->device);
  command->footer(
      "The first method (models come first, then baselines, then filled folders) is what the report compares the "
      "others "
      "with.\nWhat is measured, and by which formulas: docs/evaluation.md\n"
      "Examples:\n"
      "  lacuna eval --images photos/ --holes box:128x128 --seed 7 --json figures.json\n"
      "  lacuna eval --images photos/ --masks masks/ --model new=runs/a/model.safetensors --model old=old.safetensors\n"
      "  lacuna eval --images photos/ --masks masks/ --model models/lacuna.safetensors --baseline mean \\\n"
      "    --baseline patchmatch --filled telea=by_opencv/ --report report.html\n");
  command->callback([a] {
    const WithPrecision with(a->precision.value_or(precision()));
    eval(*a);
  });
}

}  // namespace lacuna
