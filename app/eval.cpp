#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "app/app.h"
#include "app/model_path.h"
#include "app/picture_files.h"
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
  std::string images;
  std::string model, baseline, filled;       // what fills the holes
  std::string masks, holes = "box:128x128";  // what holes there are
  std::string json, save, save_masks;
  uint64_t seed = 0;
  bool per_image = false, invert = false;
};

using Metrics = std::vector<std::pair<std::string, double>>;

/// The N of a SPEC; 0 if it is no whole number from 1 to a million.
int64_t parse_count(const std::string& text) {
  constexpr size_t most_digits = 6;
  const bool digits = !text.empty() && text.size() <= most_digits &&
                      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits ? std::stoll(text) : 0;
}

/// "box:128x128", "box:128", "boxes:3", "strokes:3"; the part after the colon may be left out.
MaskOptions parse_holes(const std::string& spec) {
  const size_t colon = spec.find(':');
  const std::string kind = spec.substr(0, colon), value = colon == std::string::npos ? "" : spec.substr(colon + 1);
  const auto number = [&](const std::string& text) {
    const int64_t n = parse_count(text);
    check(n > 0, "[eval] --holes is box:HxW, boxes:N or strokes:N, not ", spec);
    return n;
  };
  MaskOptions options;
  options.max_shrink = 0;
  if (kind == "box") {
    if (value.empty()) return options;
    const size_t cross = value.find('x');
    options.hole_height = number(value.substr(0, cross));
    options.hole_width = cross == std::string::npos ? options.hole_height : number(value.substr(cross + 1));
    return options;
  }
  check(kind == "boxes" || kind == "strokes", "[eval] --holes is box:HxW, boxes:N or strokes:N, not ", spec);
  options.kind = kind == "boxes" ? MaskOptions::Kind::boxes : MaskOptions::Kind::strokes;
  if (!value.empty()) options.count = static_cast<int>(number(value));
  return options;
}

/// Hole number `index` for a picture; those of kind boxes and strokes go with the picture's size.
Tensor random_hole(MaskOptions options, const Image& image, const Philox& random) {
  if (options.kind == MaskOptions::Kind::box) {
    check(options.hole_height <= image.height && options.hole_width <= image.width, "[eval] a hole of ",
          options.hole_height, " x ", options.hole_width, " does not fit into ", image.height, " x ", image.width,
          " pixels; name a smaller one, such as --holes box:", (image.height + 1) / 2, "x", (image.width + 1) / 2);
  } else {
    options.hole_height = std::max<int64_t>(image.height / 2, 1);
    options.hole_width = std::max<int64_t>(image.width / 2, 1);
  }
  return make_holes(options, 1, image.height, image.width, random).mask;
}

/// The hole's pixels set to the mean colour of the known ones.
Image fill_with_mean(const Image& picture, const Tensor& mask) {
  const Tensor x = to_tensor(picture);
  const float *values = x.data<float>(), *hole = mask.data<float>();
  double sum[3] = {}, known = 0;
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (hole[p] > 0.5f) continue;
    ++known;
    for (int64_t c = 0; c < 3; ++c) sum[c] += values[3 * p + c];
  }
  check(known > 0, "[eval] the hole is the whole picture: nothing known has a mean colour");
  Tensor mean = empty_like(x);
  float* to = mean.data<float>();
  for (int64_t e = 0; e < mean.numel(); ++e) to[e] = static_cast<float>(sum[e % 3] / known);
  return composite(picture, mean, mask);
}

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

std::string fixed(double x, int digits) {
  std::ostringstream out;
  out.precision(digits);
  out << std::fixed << x;
  return out.str();
}

/// Means by name, in order of first appearance. A picture without a hole has no figures for the hole.
class Means {
 public:
  void add(const Metrics& metrics) {
    for (const auto& [name, value] : metrics) {
      auto entry =
          std::find_if(entries_.begin(), entries_.end(), [&, n = name](const Entry& e) { return e.name == n; });
      if (entry == entries_.end()) entry = entries_.insert(entries_.end(), Entry{name});
      entry->sum += value;
      ++entry->count;
    }
  }
  Metrics get() const {
    Metrics means;
    for (const Entry& e : entries_) means.emplace_back(e.name, e.sum / e.count);
    return means;
  }

 private:
  struct Entry {
    std::string name;
    double sum = 0, count = 0;
  };
  std::vector<Entry> entries_;
};

/// The figure of that name with its digits; "-" if there is none.
std::string figure(const Metrics& metrics, const std::string& name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(), [&](const auto& m) { return m.first == name; });
  return found == metrics.end() ? "-" : fixed(found->second, name.ends_with("ssim") ? 4 : 2);
}

Table table_of(const Metrics& means) {
  Table table({"", "hole", "whole picture"});
  constexpr std::pair<const char*, const char*> rows[] = {{"l1", "L1 (%)"},
                                                          {"l2", "L2 (%)"},
                                                          {"l1_relative", "L1, relative (%)"},
                                                          {"l2_relative", "L2, relative (%)"},
                                                          {"psnr", "PSNR (dB)"},
                                                          {"ssim", "SSIM"},
                                                          {"tv", "TV (%)"}};
  for (const auto& [name, title] : rows) {
    table.add({title, figure(means, std::string("hole_") + name), figure(means, name)});
  }
  return table;
}

nlohmann::ordered_json json_of(const Metrics& metrics) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : metrics) object[name] = value;
  return object;
}

/// Fills the pictures and measures each.
class Evaluation {
 public:
  explicit Evaluation(const EvalArguments& a) : a_(a), holes_(parse_holes(a.holes)) {
    if (!a.masks.empty()) masks_.emplace(a.masks);
    pictures_ = list_pictures({a.images});
    check_saved();
    if (!a.filled.empty()) {
      check(fs::is_directory(a.filled), "[eval] --filled: there is no folder ", a.filled);
      filled_.emplace(a.filled, "filled picture");
      method_ = a.filled;
      return;
    }
    if (!a.baseline.empty()) {
      method_ = a.baseline;
      return;
    }
    const fs::path file = model_path(a.model);
    model_.emplace(load_model(file));
    method_ = file.filename().string();
  }

  void run() {
    std::optional<Progress> progress(std::in_place, "eval", static_cast<int64_t>(pictures_.size()), 0,
                                     ProgressOptions{.unit = "picture"});
    for (size_t i = 0; i < pictures_.size(); ++i) {
      measure(i);
      progress->update(static_cast<int64_t>(i + 1));
    }
  }

  void print() const {
    if (a_.per_image) {
      per_image_.print(std::cout);
      std::cout << '\n';
    }
    std::cout << method_ << ": means over " << pictures_.size()
              << (pictures_.size() == 1 ? " picture\n" : " pictures\n");
    table_of(means_.get()).print(std::cout);
  }

  std::string json() const {
    nlohmann::ordered_json report;
    report["method"] = method_;
    if (masks_) {
      report["masks"] = a_.masks;
    } else {
      report["holes"] = a_.holes;
      report["seed"] = a_.seed;
    }
    report["mean"] = json_of(means_.get());
    report["pictures"] = pictures_report_;
    return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

 private:
  /// Throws Error if what is to be saved would replace an input or another result.
  void check_saved() const {
    for (const auto& [option, folder] : {std::pair("--save", a_.save), std::pair("--save-masks", a_.save_masks)}) {
      if (folder.empty()) continue;
      for (const std::string& input : {a_.images, a_.masks, a_.filled}) {
        if (!input.empty()) check_apart(std::string("[eval] ") + option, folder, input);
      }
      std::map<fs::path, fs::path> pictures_by_name;
      for (const fs::path& picture : pictures_) {
        const auto [other, is_new] = pictures_by_name.emplace(saved_name(picture), picture);
        check(is_new, "[eval] ", option, ": what belongs to ", other->second.string(), " and to ", picture.string(),
              " would both be written to ", (folder / other->first).string(), "; rename one");
      }
    }
    check(a_.save.empty() || a_.save != a_.save_masks, "[eval] --save and --save-masks name one folder, ", a_.save);
  }

  fs::path saved_name(const fs::path& picture) const {
    return path_below(picture, a_.images).replace_extension(".png");
  }

  void save(const std::string& folder, const fs::path& picture, const Image& result) const {
    if (folder.empty()) return;
    const fs::path file = folder / saved_name(picture);
    fs::create_directories(file.parent_path());
    write_image(file, result);
  }

  /// The picture with its hole filled by the method at hand.
  Image fill(const Image& image, const Tensor& mask, const fs::path& below) const {
    if (model_) return inpaint(*model_, image, mask).filled;
    if (!filled_) return fill_with_mean(image, mask);
    const fs::path& file = filled_->of(below);
    const Image filled = read_image(file);
    check(filled.height == image.height && filled.width == image.width, file.string(), " is ", filled.width, "x",
          filled.height, ", the original ", image.width, "x", image.height, ": they cannot be compared");
    return composite(image, to_tensor(filled), mask);
  }

  void measure(size_t i) {
    const Image image = read_in_8_bits(pictures_[i]);
    const fs::path below = path_below(pictures_[i], a_.images);
    Tensor mask;
    Image filled;
    try {
      mask = masks_ ? read_mask(masks_->of(below), image, a_.invert) : random_hole(holes_, image, Philox{a_.seed, i});
      filled = fill(image, mask, below);
    } catch (const Error& error) {
      fail(pictures_[i].string(), ": ", error.what());
    }
    const Metrics metrics = metrics_of(to_tensor(image), to_tensor(filled), mask);
    means_.add(metrics);
    per_image_.add({below.string(), figure(metrics, "hole_l1"), figure(metrics, "hole_psnr"), figure(metrics, "psnr"),
                    figure(metrics, "ssim"), figure(metrics, "hole_tv")});
    nlohmann::ordered_json entry = json_of(metrics);
    entry["picture"] = below.string();
    pictures_report_.push_back(entry);
    save(a_.save, pictures_[i], filled);
    save(a_.save_masks, pictures_[i], picture_of_mask(mask));
  }

  const EvalArguments& a_;
  MaskOptions holes_;
  std::optional<MaskFiles> masks_, filled_;
  std::vector<fs::path> pictures_;
  std::optional<Model> model_;
  std::string method_;
  Means means_;
  Table per_image_{{"picture", "hole L1 (%)", "hole PSNR (dB)", "PSNR (dB)", "SSIM", "hole TV (%)"}};
  nlohmann::ordered_json pictures_report_ = nlohmann::ordered_json::array();
};

void eval(const EvalArguments& a) {
  check(!a.images.empty(), "[eval] name the pictures: --images DIR");
  check(a.baseline.empty() || a.model.empty(), "[eval] --baseline takes the place of --model");
  check(a.filled.empty() || (a.baseline.empty() && a.model.empty()),
        "[eval] --filled takes the place of --model and --baseline");
  check(!a.invert || !a.masks.empty(), "[eval] --invert-mask goes with --masks");
  if (!a.json.empty()) check_can_write(a.json);
  Evaluation evaluation(a);
  evaluation.run();
  evaluation.print();
  if (!a.json.empty()) write_file_atomically(a.json, evaluation.json());
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Measure how well holes are filled in a folder of pictures");
  auto a = std::make_shared<EvalArguments>();
  command->add_option("--images,-i", a->images, "Folder of whole pictures, with all below it")->type_name("DIR");
  command->add_option("--model", a->model, "Model file (default: $LACUNA_MODEL, then the shipped model)")
      ->type_name("FILE");
  command->add_option("--baseline", a->baseline, "Instead of a model: mean (the mean colour of the known pixels)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"mean"}).description(""));
  command
      ->add_option("--filled", a->filled,
                   "Instead of a model: a folder of pictures filled by other means, named as the originals (any "
                   "extension); what they hold outside the holes does not count")
      ->type_name("DIR");
  CLI::Option* masks =
      command
          ->add_option("--masks", a->masks,
                       "Folder of masks named as the pictures (any extension), or one mask for all; white = hole")
          ->type_name("DIR|FILE");
  command->add_flag("--invert-mask", a->invert, "The hole is where the mask is black (or opaque)");
  command
      ->add_option("--holes", a->holes, "Holes at random places: box:HxW, boxes:N or strokes:N (default box:128x128)")
      ->type_name("SPEC")
      ->excludes(masks);
  command->add_option("--seed", a->seed, "Of the random holes (default 0); the same seed gives the same holes")
      ->type_name("N");
  command->add_flag("--per-image", a->per_image, "Print a line for each picture");
  command->add_option("--json", a->json, "Write all figures, for each picture and their means")->type_name("FILE");
  command->add_option("--save", a->save, "Write the filled pictures as PNG, named as the originals")->type_name("DIR");
  command
      ->add_option("--save-masks", a->save_masks,
                   "Write the holes as PNG, white = hole, named as the originals, for other programs to fill")
      ->type_name("DIR");
  command->footer(
      "What is measured, and by which formulas: docs/evaluation.md\n"
      "Examples:\n"
      "  lacuna eval --images photos/ --holes box:128x128 --seed 7 --json figures.json\n"
      "  lacuna eval --images photos/ --masks masks/ --baseline mean\n"
      "  lacuna eval --images photos/ --masks masks/ --filled by_other_means/\n");
  command->callback([a] { eval(*a); });
}

}  // namespace lacuna
