#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "app/app.h"
#include "app/device_option.h"
#include "app/model_path.h"
#include "app/picture_files.h"
#include "app/precision_option.h"
#include "app/progress.h"
#include "app/strategy_option.h"
#include "tensor/image_resize.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "train/attention_picture.h"
#include "train/data.h"
#include "train/fill_holes.h"
#include "train/masks.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

struct FillArguments {
  std::string image, mask;    // one picture
  std::string images, masks;  // a folder of them
  std::string output;
  std::string model, coarse, attention, steps, device = "auto";
  Strategy strategy = Strategy::automatic;
  std::vector<Pixel> attention_at;  // empty: chosen
  bool invert = false, skip_existing = false, texture = true;
  std::optional<Precision> precision;
  int quality = 95;  // of JPEG
  int64_t grow = 0;  // pixels
  int64_t max_side = 0;
  int64_t max_memory = 0;  // bytes; 0: any
};

/// "800M" as bytes; nothing if it is no size.
std::optional<int64_t> parse_size(const std::string& text) {
  constexpr std::string_view units = "KMG";
  std::istringstream in(text);
  double number = 0;
  char unit = 0;
  if (!(in >> number)) return {};
  if (in >> unit) {
    const size_t power = units.find(static_cast<char>(std::toupper(unit)));
    if (power == units.npos || in.peek() != std::istringstream::traits_type::eof()) return {};
    number = std::ldexp(number, 10 * static_cast<int>(power + 1));
  }
  if (!(number >= 1 && number < std::ldexp(1.0, 60))) return {};
  return static_cast<int64_t>(number);
}

/// "12,34" as column 12 and row 34.
Pixel parse_pixel(const std::string& text) {
  Pixel p;
  char comma = 0;
  std::istringstream in(text);
  if (!(in >> p.x >> comma >> p.y) || comma != ',' || in.peek() != std::istringstream::traits_type::eof()) {
    throw CLI::ValidationError("--attention-at", "'" + text + "' is no pixel; write its column and row as X,Y");
  }
  return p;
}

/// In the unit of --max-memory, rounded up.
std::string megabytes(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + "M"; }

/// The fastest way for the network to see height x width pixels of the file within a.max_memory. `beside`: see
/// FillOptions.
MemoryOptions within_limit(const FillArguments& a, const Model& model, const fs::path& file, int64_t height,
                           int64_t width, int64_t beside) {
  if (a.max_memory == 0) return {};
  release_cached_memory();
  const Device device = model.generator.device();
  const int64_t taken = device.kind == Device::Kind::cpu ? resident_memory() : memory_stats(device).in_use;
  const int64_t held = taken + inpaint_bytes(model, height, width) - model.generator.bytes_needed(height, width);
  const MemoryOptions memory = model.generator.within(a.max_memory - held, height, width);
  const int64_t needed = std::max(held + model.generator.bytes_needed(height, width, memory), taken + beside);
  check(needed <= a.max_memory, "[fill] ", file.string(), ": ", width, "x", height, " pixels cannot be filled within ",
        megabytes(a.max_memory), "; they take at least --max-memory ", megabytes(needed),
        ", or --max-side reduces the picture");
  return memory;
}

struct Task {
  Image picture;
  Tensor mask;  // of the picture's size
};

/// The picture, reduced so that neither side is longer than a.max_side (0: any), and its mask. A mask may have the size
/// of the picture as it was or as it is then.
Task read_task(const FillArguments& a, const fs::path& image, const fs::path& mask_file) {
  const Image picture = read_image(image);
  const int64_t longest = std::max(picture.height, picture.width);
  if (a.max_side == 0 || longest <= a.max_side) {
    return {picture, grow_mask(read_mask(mask_file, picture, a.invert), a.grow)};
  }
  const auto reduced = [&](int64_t n) { return std::max<int64_t>(1, (n * a.max_side + longest / 2) / longest); };
  const int64_t height = reduced(picture.height), width = reduced(picture.width);
  const Tensor mask = read_mask(mask_file, a.invert);
  const bool fits = mask.dim(1) == height && mask.dim(2) == width;
  const Tensor own = fits ? mask : reduce_mask(fit_mask(mask, picture, mask_file), height, width);
  return {resize_image(picture, height, width), grow_mask(own, a.grow)};
}

/// Writes what the arguments ask for, the filled picture first: nothing else that cannot be written costs it.
void write_results(const FillArguments& a, const fs::path& output, const Image& filled, const Image& coarse,
                   const Image& steps, const Image& attention) {
  write_image(output, filled, a.quality);
  if (!a.coarse.empty()) write_image(a.coarse, coarse, a.quality);
  if (!a.steps.empty()) write_image(a.steps, steps, a.quality);
  if (!a.attention.empty()) write_image(a.attention, attention, a.quality);
}

/// Throws Error unless the pixels are in a hole.
void check_in_hole(const std::vector<Pixel>& pixels, const Tensor& mask) {
  for (const Pixel& p : pixels) {
    const bool inside = p.x >= 0 && p.y >= 0 && p.x < mask.dim(2) && p.y < mask.dim(1);
    check(inside && mask.data<float>()[p.y * mask.dim(2) + p.x] > 0.5f, "[fill] --attention-at: (", p.x, ",", p.y,
          ") is in no hole");
  }
}

/// Nothing is written unless all of it can be computed.
void fill_one(const Model& model, const FillArguments& a, const fs::path& image, const fs::path& mask_file,
              const fs::path& output) {
  const auto [picture, mask] = read_task(a, image, mask_file);
  if (hole_bounds(mask).height == 0) {
    check(a.attention.empty(), "[fill] ", mask_file.string(),
          ": the mask has no hole: there is no attention to save; is it inverted?");
    spdlog::warn("the mask {} has no hole: the picture stays as it is", mask_file.string());
    write_results(a, output, picture, picture, a.steps.empty() ? Image{} : side_by_side({picture, picture, picture}),
                  {});
    return;
  }
  check_in_hole(a.attention_at, mask);
  const FillOptions options{.strategy = a.strategy,
                            .texture = a.texture,
                            .coarse = !a.coarse.empty() || !a.steps.empty(),
                            .memory = [&](int64_t height, int64_t width, int64_t beside) {
                              return within_limit(a, model, image, height, width, beside);
                            }};
  const TrainedSize trained = trained_size(model.metadata);
  if (const std::string warning = hole_warning(hole_parts(mask, a.strategy, trained), trained); !warning.empty()) {
    spdlog::warn("{}: {}", image.string(), warning);
  }
  const FilledHoles result = fill_holes(model, picture, mask, options);
  Image steps, attention;
  if (!a.steps.empty()) steps = side_by_side({with_holes(picture, mask), result.coarse, result.filled});
  if (!a.attention.empty()) attention = attention_picture(picture, result.looks, a.attention_at);
  write_results(a, output, result.filled, result.coarse, steps, attention);
}

void fill_single(const FillArguments& a) {
  std::error_code ignored;
  check(!fs::is_directory(a.image, ignored), "[fill] ", a.image,
        " is a folder: name it by --images, and the folder of its masks by --masks");
  std::set<fs::path> seen;
  for (const std::string& file : {a.output, a.coarse, a.attention, a.steps}) {
    if (file.empty()) continue;
    check_can_write_picture(file);
    check_spares("[fill]", file, {a.image, a.mask});
    check(seen.insert(fs::path(file).lexically_normal()).second, "[fill] ", file, " is named for two results");
  }
  if (is_jpeg(a.output)) {
    spdlog::info("{}: a JPEG keeps neither the known pixels exactly nor alpha nor 16 bits; a .png does", a.output);
  }
  const Model model = moved(load_model(model_path(a.model)), chosen_device(a.device));
  const GeneratorOptions& network = model.generator.options();
  check(a.attention.empty() || (!network.one_stage && network.attention != GeneratorOptions::Attention::none),
        "[fill] --save-attention: this model has no attention");
  fill_one(model, a, a.image, a.mask, a.output);
}

struct Job {
  fs::path picture, below, output;
};

/// What is to be done in a folder; throws Error if two results would have one name.
std::vector<Job> jobs_of(const FillArguments& a) {
  std::vector<Job> jobs;
  std::map<fs::path, fs::path> pictures_by_output;
  for (const fs::path& picture : list_pictures({a.images})) {
    const fs::path below = path_below(picture, a.images);
    const fs::path output = (fs::path(a.output) / below).replace_extension(".png");
    const auto [other, is_new] = pictures_by_output.emplace(output, picture);
    check(is_new, "[fill] ", other->second.string(), " and ", picture.string(), " would both be written to ",
          output.string(), "; rename one");
    jobs.push_back({picture, below, output});
  }
  return jobs;
}

void fill_folder(const FillArguments& a) {
  check(fs::is_directory(a.images), "[fill] --images: there is no folder ", a.images);
  check(fs::is_directory(a.output) || !fs::exists(a.output), "[fill] --output: ", a.output, " is not a folder");
  const std::vector<Job> jobs = jobs_of(a);
  const MaskFiles masks(a.masks);
  for (const std::string& input : {a.images, a.masks}) check_apart("[fill] --output", a.output, input);
  const Model model = moved(load_model(model_path(a.model)), chosen_device(a.device));
  std::optional<Progress> progress(std::in_place, "fill", static_cast<int64_t>(jobs.size()), 0,
                                   ProgressOptions{.unit = "picture"});
  int64_t done = 0, filled = 0, skipped = 0, failed = 0;
  for (const Job& job : jobs) {
    if (a.skip_existing && fs::exists(job.output)) {
      ++skipped;
    } else {
      try {
        const fs::path& mask = masks.of(job.below);
        check_spares("[fill]", job.output, {job.picture, mask});
        fs::create_directories(job.output.parent_path());
        fill_one(model, a, job.picture, mask, job.output);
        ++filled;
      } catch (const std::bad_alloc&) {
        ++failed;
        spdlog::error("{}: out of memory; --max-side reduces large pictures", job.picture.string());
      } catch (const std::exception& error) {
        ++failed;
        spdlog::error("{}: {}", job.picture.string(), error.what());
      }
    }
    progress->update(++done);
  }
  progress.reset();
  spdlog::info("{} filled, {} skipped, {} failed; results are in {}", filled, skipped, failed, a.output);
  check(failed == 0, "[fill] ", failed, " of ", jobs.size(), " pictures could not be filled");
}

void fill(const FillArguments& a) {
  const bool batch = !a.images.empty();
  check(batch != !a.image.empty(), "[fill] name either one picture (--image) or a folder of them (--images)");
  check(batch ? a.mask.empty() : a.masks.empty(), "[fill] --mask goes with --image, --masks with --images");
  check(batch ? !a.masks.empty() : !a.mask.empty(), "[fill] name the mask: ", batch ? "--masks" : "--mask");
  check(!a.output.empty(), "[fill] name where the result goes: --output");
  check(!batch || (a.coarse.empty() && a.attention.empty() && a.steps.empty()),
        "[fill] --save-coarse, --save-attention and --save-steps go with one picture, not with --images");
  check(!a.attention.empty() || a.attention_at.empty(), "[fill] --attention-at goes with --save-attention");
  check(batch || !a.skip_existing, "[fill] --skip-existing goes with --images");
  batch ? fill_folder(a) : fill_single(a);
}

}  // namespace

void add_fill(CLI::App& app) {
  CLI::App* command = app.add_subcommand("fill", "Fill the holes of a picture, or of a folder of pictures");
  auto a = std::make_shared<FillArguments>();
  command->add_option("--image,-i", a->image, "Picture with a hole: PNG, JPEG or BMP; grey, RGB, alpha, 8 or 16 bits")
      ->type_name("FILE");
  command
      ->add_option(
          "--mask,-m", a->mask,
          "Where the hole is: white, or what is transparent of a picture with a part erased; resized to the picture if "
          "it differs in size")
      ->type_name("FILE");
  command->add_option("--images", a->images, "Folder of pictures, with all below it")->type_name("DIR");
  command->add_option("--masks", a->masks, "Folder of masks named as the pictures (any extension), or one mask for all")
      ->type_name("DIR|FILE");
  command
      ->add_option(
          "--output,-o", a->output,
          "The result: .png (known pixels stay byte for byte) or .jpg; with --images a folder, results as .png")
      ->type_name("FILE|DIR");
  command->add_option("--model", a->model, "Model file (default: $LACUNA_MODEL, then the shipped model)")
      ->type_name("FILE");
  command->add_flag("--invert-mask", a->invert, "The hole is where the mask is black (or opaque)");
  command
      ->add_option("--grow-mask", a->grow,
                   "Let the holes reach N pixels further: a mask that is cut tightly leaves a rim of what it was to "
                   "remove")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1000}).description(""));
  command
      ->add_option_function<std::string>(
          "--max-memory",
          [a](const std::string& text) {
            const std::optional<int64_t> size = parse_size(text);
            if (!size) throw CLI::ValidationError("--max-memory", "'" + text + "' is no size; write 800M or 2.5G");
            a->max_memory = *size;
          },
          "Memory that the program may take, a GPU's if it computes there, with a K, M or G (powers of 1024): works in "
          "smaller pieces, more slowly; "
          "the result is the same")
      ->type_name("SIZE");
  add_strategy_option(
      *command, a->strategy,
      "What the network sees: original, the whole picture; crop, each hole with its surroundings; resize, the same "
      "reduced where a hole is larger than those it was trained with; auto (the default), original for small "
      "pictures, else resize");
  command
      ->add_option("--max-side", a->max_side,
                   "First reduce pictures with a side longer than N pixels; the result is reduced")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20).description(""));
  command->add_option("--save-coarse", a->coarse, "Also write the coarse network's result")->type_name("FILE");
  command
      ->add_option("--save-attention", a->attention,
                   "Also write where the attention looks: the holes coloured by direction (hue) and distance "
                   "(saturation) as on the wheel beside them, and lines from a few pixels to where they look")
      ->type_name("FILE");
  command
      ->add_option_function<std::vector<std::string>>(
          "--attention-at",
          [a](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) a->attention_at.push_back(parse_pixel(text));
          },
          "With --save-attention: draw the line of this hole pixel, column and row from 0; may be repeated (default: "
          "a few spread over the holes)")
      ->type_name("X,Y")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--save-steps", a->steps,
                   "Also write the picture with its holes, coarse and final result side by side")
      ->type_name("FILE");
  command->add_flag_callback(
      "--no-texture", [a] { a->texture = false; },
      "Leave fills as smooth as the network makes them, without the fine texture of their surroundings");
  command->add_option("--quality", a->quality, "Of results that are JPEG, 1 to 100 (default 95)")
      ->type_name("N")
      ->check(CLI::Range(1, 100).description(""));
  command->add_flag("--skip-existing", a->skip_existing, "With --images: leave out pictures whose result exists");
  add_precision_option(
      *command, a->precision,
      "Of the arithmetic, at the least: highest (f32), high or medium (bf16 operands, where the device "
      "has units for them)");
  add_device_option(*command, a->device);
  command->footer(
      "Examples:\n"
      "  lacuna fill --image photo.jpg --mask holes.png --output whole.png\n"
      "  lacuna fill --images photos/ --masks masks/ --output filled/ --skip-existing\n");
  command->callback([a] {
    const WithPrecision with(a->precision.value_or(precision()));
    fill(*a);
  });
}

}  // namespace lacuna
