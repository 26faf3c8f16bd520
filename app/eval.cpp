#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/app.h"
#include "app/model_path.h"
#include "app/progress.h"
#include "app/table.h"
#include "tensor/file.h"
#include "train/data.h"
#include "train/inpaint.h"
#include "train/masks.h"
#include "train/metrics.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

struct EvalArguments {
  std::string model, baseline, images, masks, holes = "box:128x128", json, save;
  uint64_t seed = 0;
  bool per_image = false, invert = false;
};

using Metrics = std::vector<std::pair<std::string, double>>;

/// "box:128x128", "boxes:3", "strokes:3"; the number after the colon may be left out.
MaskOptions parse_holes(const std::string& spec) {
  const size_t colon = spec.find(':');
  const std::string kind = spec.substr(0, colon), value = colon == std::string::npos ? "" : spec.substr(colon + 1);
  const auto number = [&](const std::string& text) {
    size_t used = 0;
    int64_t n = 0;
    try {
      n = std::stoll(text, &used);
    } catch (const std::exception&) {
      used = std::string::npos;
    }
    check(used == text.size() && n > 0, "[eval] --holes is box:HxW, boxes:N or strokes:N, not ", spec);
    return n;
  };
  MaskOptions options;
  options.max_shrink = 0;
  if (kind == "box") {
    options.kind = MaskOptions::Kind::box;
    if (!value.empty()) {
      const size_t cross = value.find('x');
      options.hole_height = number(value.substr(0, cross));
      options.hole_width = cross == std::string::npos ? options.hole_height : number(value.substr(cross + 1));
    }
    return options;
  }
  check(kind == "boxes" || kind == "strokes", "[eval] --holes is box:HxW, boxes:N or strokes:N, not ", spec);
  options.kind = kind == "boxes" ? MaskOptions::Kind::boxes : MaskOptions::Kind::strokes;
  if (!value.empty()) options.count = static_cast<int>(number(value));
  return options;
}

/// The hole's pixels set to the mean colour of the known ones.
Image fill_with_mean(const Image& picture, const Tensor& mask) {
  const Tensor x = to_tensor(picture);
  double sum[3] = {}, known = 0;
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (mask.data<float>()[p] > 0.5f) continue;
    ++known;
    for (int64_t c = 0; c < 3; ++c) sum[c] += x.data<float>()[3 * p + c];
  }
  Tensor mean = empty_like(x);
  for (int64_t e = 0; e < mean.numel(); ++e)
    mean.data<float>()[e] = static_cast<float>(sum[e % 3] / std::max(known, 1.0));
  return composite(picture, mean, mask);
}

fs::path mask_named_as(const fs::path& picture, const fs::path& masks) {
  for (const fs::path& candidate : list_pictures({masks.string()})) {
    if (candidate.stem() == picture.stem()) return candidate;
  }
  fail("[eval] there is no mask for ", picture.filename().string(), " in ", masks.string());
}

Tensor mask_for(const EvalArguments& a, const HoleMaker& holes, const fs::path& picture, const Image& image,
                uint64_t index) {
  if (a.masks.empty()) return holes(1, image.height, image.width, Philox{a.seed, index}).mask;
  const Tensor mask = mask_of(read_image(mask_named_as(picture, a.masks)), a.invert);
  return resize_mask(mask, image.height, image.width);
}

std::string number(double x) {
  std::ostringstream out;
  out.precision(4);
  out << std::fixed << x;
  return out.str();
}

void eval(const EvalArguments& a) {
  check(!a.images.empty(), "[eval] name the pictures: --images DIR");
  check(a.baseline.empty() || a.model.empty(), "[eval] --baseline takes the place of --model");
  const HoleMaker holes(parse_holes(a.holes));
  std::optional<Model> model;
  if (a.baseline.empty()) model = load_model(model_path(a.model));
  const std::vector<fs::path> pictures = list_pictures({a.images});

  nlohmann::ordered_json report;
  report["method"] = a.baseline.empty() ? model_path(a.model).filename().string() : a.baseline;
  if (a.masks.empty()) {
    report["holes"] = a.holes;
    report["seed"] = a.seed;
  }
  Metrics sums;
  std::vector<int64_t> counts;
  std::optional<Progress> progress(std::in_place, "eval", static_cast<int64_t>(pictures.size()), 0,
                                   ProgressOptions{.unit = "picture"});
  for (size_t i = 0; i < pictures.size(); ++i) {
    const Image image = read_image(pictures[i]);
    const Tensor mask = mask_for(a, holes, pictures[i], image, i);
    const Image filled = model ? inpaint(*model, image, mask).filled : fill_with_mean(image, mask);
    const Metrics metrics = metrics_of(to_tensor(image), to_tensor(filled), mask);
    auto& entry = report["pictures"].emplace_back();
    entry["picture"] = pictures[i].filename().string();
    std::string line = pictures[i].filename().string();
    for (const auto& [name, value] : metrics) {
      entry[name] = value;
      line += "  " + name + " " + number(value);
      auto sum = std::find_if(sums.begin(), sums.end(), [&](const auto& s) { return s.first == name; });
      if (sum == sums.end()) {
        sum = sums.insert(sums.end(), {name, 0});
        counts.push_back(0);
      }
      sum->second += value;
      ++counts[static_cast<size_t>(sum - sums.begin())];
    }
    if (!a.save.empty()) {
      fs::create_directories(a.save);
      write_image(fs::path(a.save) / (pictures[i].stem().string() + ".png"), filled);
    }
    progress->update(static_cast<int64_t>(i + 1));
    if (a.per_image) std::cout << line << '\n';
  }
  progress.reset();
  std::cout << "mean of " << pictures.size() << " pictures\n";
  for (size_t k = 0; k < sums.size(); ++k) {
    const double mean = sums[k].second / static_cast<double>(counts[k]);
    report["mean"][sums[k].first] = mean;
    std::cout << "  " << sums[k].first << std::string(18 - std::min<size_t>(17, sums[k].first.size()), ' ')
              << number(mean) << '\n';
  }
  if (!a.json.empty()) write_file_atomically(a.json, report.dump(2) + "\n");
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Measure how well a model fills holes in a folder of pictures");
  auto a = std::make_shared<EvalArguments>();
  command->add_option("--images,-i", a->images, "Folder of whole pictures")->type_name("DIR");
  command->add_option("--model", a->model, "Model file (default: $LACUNA_MODEL, then the shipped model)")
      ->type_name("FILE");
  command->add_option("--baseline", a->baseline, "Instead of a model: mean (the mean colour of the known pixels)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"mean"}).description(""));
  CLI::Option* masks =
      command->add_option("--masks", a->masks, "Folder of masks named as the pictures, white = hole")->type_name("DIR");
  command->add_flag("--invert-mask", a->invert, "The hole is where the mask is black (or opaque)");
  command
      ->add_option("--holes", a->holes, "Holes at random places: box:HxW, boxes:N or strokes:N (default box:128x128)")
      ->type_name("SPEC")
      ->excludes(masks);
  command->add_option("--seed", a->seed, "Of the random holes (default 0); the same seed gives the same holes")
      ->type_name("N");
  command->add_flag("--per-image", a->per_image, "Print a line for each picture");
  command->add_option("--json", a->json, "Write all figures, for each picture and their means")->type_name("FILE");
  command->add_option("--save", a->save, "Write the filled pictures as PNG")->type_name("DIR");
  command->footer(
      "What is measured, and by which formulas: docs/evaluation.md\n"
      "Examples:\n"
      "  lacuna eval --images photos/ --holes box:128x128 --seed 7 --json figures.json\n"
      "  lacuna eval --images photos/ --masks masks/ --baseline mean\n");
  command->callback([a] { eval(*a); });
}

}  // namespace lacuna
