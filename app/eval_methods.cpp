#include "app/eval_methods.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>

#include "app/device_option.h"
#include "app/model_path.h"
#include "app/names.h"
#include "app/picture_files.h"
#include "app/picture_size.h"
#include "app/precision_option.h"
#include "app/shell_word.h"
#include "app/table.h"
#include "train/fill_holes.h"
#include "train/inpaint.h"
#include "train/patchmatch.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_digits = 6;
constexpr int64_t largest_side = 999'999;  // of so many digits

/// The N of a SPEC; 0 if it is no whole number of at most six digits.
int64_t parse_count(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= most_digits &&
                      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits ? std::stoll(text) : 0;
}

/// NAME=PATH, or PATH alone, which is named as its last part. What exists as it stands is a path.
std::pair<std::string, std::string> name_and_path(const std::string& text) {
  const size_t equals = text.find('=');
  std::error_code ignored;
  if (equals != std::string::npos && equals > 0 && !fs::exists(text, ignored)) {
    return {text.substr(0, equals), text.substr(equals + 1)};
  }
  fs::path path(text);
  if (!path.has_filename()) path = path.parent_path();
  return {path.filename().string(), text};
}

FillMethod model_method(const std::string& name, const fs::path& file, const FillOptions& options, Device device,
                        std::string& fact) {
  const auto model = std::make_shared<const Model>(moved(load_model(file), device));
  fact = file.string() + ", " + grouped(model->generator.params().count()) + " parameters";
  if (const auto step = model->metadata.find("step"); step != model->metadata.end()) {
    fact += ", step " + step->second + " of its training";
  }
  return {name, [model, options](const Image& picture, const Tensor& mask, const fs::path&) {
            return fill_holes(*model, picture, mask, options).filled;
          }};
}

FillMethod filled_method(const std::string& name, const std::string& folder) {
  check(fs::is_directory(folder), "[eval] --filled: there is no folder ", folder);
  const auto files = std::make_shared<const MaskFiles>(folder, "filled picture");
  const auto fill = [files](const Image& picture, const Tensor& mask, const fs::path& path) {
    const fs::path& file = files->of(path);
    const Image filled = read_image(file);
    check(filled.height == picture.height && filled.width == picture.width, file.string(), " is ", filled.width, "x",
          filled.height, ", the original ", picture.width, "x", picture.height, ": they cannot be compared");
    return composite(picture, to_tensor(filled), mask);
  };
  return {name, fill, false};
}

}  // namespace

MaskOptions parse_holes(const std::string& spec) {
  const size_t colon = spec.find(':');
  const std::string kind = spec.substr(0, colon), value = colon == std::string::npos ? "" : spec.substr(colon + 1);
  constexpr const char* usage = "[eval] --holes is box:WxH, boxes:N or strokes:N, not ";
  MaskOptions options;
  options.max_shrink = 0;
  if (kind == "box") {
    if (value.empty()) return options;
    const std::optional<PictureSize> size = parse_picture_size(value, 1, largest_side);
    check(size.has_value(), usage, spec);
    options.hole_height = size->height;
    options.hole_width = size->width;
    return options;
  }
  check(kind == "boxes" || kind == "strokes", usage, spec);
  options.kind = kind == "boxes" ? MaskOptions::Kind::boxes : MaskOptions::Kind::strokes;
  if (!value.empty()) {
    options.count = static_cast<int>(parse_count(value));
    check(options.count > 0, usage, spec);
  }
  return options;
}

Tensor random_hole(MaskOptions options, const Image& image, uint64_t seed, uint64_t index) {
  if (options.kind == MaskOptions::Kind::box) {
    check(options.hole_height <= image.height && options.hole_width <= image.width, "[eval] a hole of ",
          options.hole_width, " x ", options.hole_height, " does not fit into ", image.width, " x ", image.height,
          " pixels; name a smaller one, such as --holes box:", (image.width + 1) / 2, "x", (image.height + 1) / 2);
  } else {
    options.hole_height = std::max<int64_t>(image.height / 2, 1);
    options.hole_width = std::max<int64_t>(image.width / 2, 1);
  }
  return make_holes(options, 1, image.height, image.width, Philox{seed, index}).mask;
}

EvalMethods eval_methods(const EvalArguments& a) {
  EvalMethods all;
  const auto add = [&](FillMethod method, const std::string& fact) {
    all.facts.emplace_back(method.name, fact);
    all.methods.push_back(std::move(method));
  };
  std::vector<std::string> models = a.models;
  if (models.empty() && a.baselines.empty() && a.filled.empty()) models.push_back(model_path("").string());
  const Device device = models.empty() ? Device{} : chosen_device(a.device);
  for (const std::string& text : models) {
    const auto [name, file] = name_and_path(text);
    std::string fact;
    FillMethod method = model_method(name, file, {.strategy = a.strategy, .texture = a.texture}, device, fact);
    add(std::move(method), fact);
  }
  for (const std::string& baseline : a.baselines) {
    if (baseline == "mean") {
      add({baseline, [](const Image& p, const Tensor& m, const fs::path&) { return fill_with_mean(p, m); }},
          "the mean colour of the known pixels");
    } else {
      add({baseline, [](const Image& p, const Tensor& m, const fs::path&) { return fill_by_patchmatch(p, m); }},
          "patches of the picture's known part, coarse to fine (Barnes et al. 2009, Wexler et al. 2007)");
    }
  }
  for (const std::string& text : a.filled) {
    const auto [name, folder] = name_and_path(text);
    add(filled_method(name, folder), "pictures in " + folder + ", filled by other means");
    all.folders.emplace_back(folder);
  }
  std::set<std::string> names;
  for (const FillMethod& method : all.methods) {
    check(names.insert(method.name).second, "[eval] two methods are called ", method.name,
          "; give one another name, as in --model NAME=FILE or --filled NAME=DIR");
  }
  return all;
}

std::string eval_command(const EvalArguments& a) {
  std::string command = "lacuna eval --images " + shell_word(a.images);
  const auto add = [&](const std::string& option, const std::string& value) {
    if (!value.empty()) command += " " + option + " " + shell_word(value);
  };
  for (const std::string& model : a.models) add("--model", model);
  for (const std::string& baseline : a.baselines) add("--baseline", baseline);
  for (const std::string& folder : a.filled) add("--filled", folder);
  add("--masks", a.masks);
  if (a.invert) command += " --invert-mask";
  if (!a.texture) command += " --no-texture";
  if (a.strategy != Strategy::automatic) add("--strategy", name_among(strategies(), a.strategy));
  if (a.precision) add("--precision", precision_name(*a.precision));
  if (a.masks.empty()) {
    add("--holes", a.holes);
    add("--seed", std::to_string(a.seed));
  }
  add("--save", a.save);
  add("--save-masks", a.save_masks);
  add("--json", a.json);
  add("--run", a.run);
  add("--report", a.report);
  return command;
}

}  // namespace lacuna
