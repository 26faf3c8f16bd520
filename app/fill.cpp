#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "app/app.h"
#include "app/model_path.h"
#include "app/progress.h"
#include "tensor/image_resize.h"
#include "tensor/stream.h"
#include "train/data.h"
#include "train/inpaint.h"
#include "train/masks.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr int64_t attention_cell = 8;  // pixels of the picture under one position of the attention's grid

struct FillArguments {
  std::string image, mask;    // one picture
  std::string images, masks;  // a folder of them
  std::string output;
  std::string model, coarse, attention, steps;
  bool invert = false, skip_existing = false;
  int64_t max_side = 0;
};

void check_extension(const std::string& file) {
  if (file.empty()) return;
  std::string extension = fs::path(file).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  check(extension == ".png" || extension == ".jpg" || extension == ".jpeg", "[fill] ", file,
        ": results are written as .png, .jpg or .jpeg");
}

/// The picture, reduced so that neither side is longer than max_side (0: any).
Image read_picture(const fs::path& file, int64_t max_side) {
  const Image picture = read_image(file);
  const int64_t longest = std::max(picture.height, picture.width);
  if (max_side == 0 || longest <= max_side) return picture;
  const auto reduced = [&](int64_t n) { return std::max<int64_t>(1, (n * max_side + longest / 2) / longest); };
  return resize_image(picture, reduced(picture.height), reduced(picture.width));
}

Tensor read_mask(const fs::path& file, const Image& picture, bool invert) {
  const Tensor mask = mask_of(read_image(file), invert);
  if (mask.dim(1) == picture.height && mask.dim(2) == picture.width) return mask;
  spdlog::warn("the mask {} is {}x{} and is resized to the picture's {}x{}", file.string(), mask.dim(2), mask.dim(1),
               picture.width, picture.height);
  return resize_mask(mask, picture.height, picture.width);
}

void fill_one(const Model& model, const FillArguments& a, const fs::path& image, const fs::path& mask_file,
              const fs::path& output) {
  std::error_code ignored;
  check(!fs::equivalent(image, output, ignored), "[fill] the output ", output.string(), " would replace the input");
  const Image picture = read_picture(image, a.max_side);
  const Tensor mask = read_mask(mask_file, picture, a.invert);
  if (hole_bounds(mask).height == 0)
    spdlog::warn("the mask {} has no hole: the picture stays as it is", mask_file.string());
  const Inpainted result = inpaint(model, picture, mask);
  if (!a.coarse.empty()) write_image(a.coarse, result.coarse);
  if (!a.steps.empty()) write_image(a.steps, side_by_side({with_holes(picture, mask), result.coarse, result.filled}));
  if (!a.attention.empty()) {
    check(result.offsets.defined(), "[fill] --save-attention: this model has no attention");
    write_image(a.attention, flow_picture(result.offsets, attention_cell, picture.height, picture.width));
  }
  write_image(output, result.filled);
}

/// The mask for a picture of a batch: the one file, or the one in the folder with the same path but for its extension.
fs::path mask_for(const fs::path& masks, const fs::path& relative) {
  if (!fs::is_directory(masks)) return masks;
  for (const char* extension : {".png", ".jpg", ".jpeg", ".bmp", ".PNG", ".JPG", ".JPEG", ".BMP"}) {
    const fs::path candidate = (masks / relative).replace_extension(extension);
    if (fs::exists(candidate)) return candidate;
  }
  fail("[fill] there is no mask for ", relative.string(), " in ", masks.string());
}

void fill_folder(const Model& model, const FillArguments& a) {
  check(fs::is_directory(a.images), "[fill] --images: there is no folder ", a.images);
  check(fs::exists(a.masks), "[fill] --masks: there is no file or folder ", a.masks);
  const std::vector<fs::path> pictures = list_pictures({a.images});
  std::optional<Progress> progress(std::in_place, "fill", static_cast<int64_t>(pictures.size()), 0,
                                   ProgressOptions{.unit = "picture"});
  int64_t done = 0, filled = 0, skipped = 0, failed = 0;
  for (const fs::path& picture : pictures) {
    const fs::path relative = fs::relative(picture, a.images);
    const fs::path output = (fs::path(a.output) / relative).replace_extension(".png");
    if (a.skip_existing && fs::exists(output)) {
      ++skipped;
    } else {
      try {
        fs::create_directories(output.parent_path());
        fill_one(model, a, picture, mask_for(a.masks, relative), output);
        ++filled;
      } catch (const std::exception& error) {
        ++failed;
        spdlog::error("{}: {}", picture.string(), error.what());
      }
    }
    progress->update(++done);
  }
  progress.reset();
  spdlog::info("{} filled, {} skipped, {} failed; results are in {}", filled, skipped, failed, a.output);
  check(failed == 0, "[fill] ", failed, " of ", pictures.size(), " pictures could not be filled");
}

void fill(const FillArguments& a) {
  const bool batch = !a.images.empty();
  check(batch != !a.image.empty(), "[fill] name either one picture (--image) or a folder of them (--images)");
  check(batch ? !a.masks.empty() : !a.mask.empty(), "[fill] name the mask: ", batch ? "--masks" : "--mask");
  check(!a.output.empty(), "[fill] name where the result goes: --output");
  if (batch) {
    check(a.coarse.empty() && a.attention.empty() && a.steps.empty(),
          "[fill] --save-coarse, --save-attention and --save-steps go with one picture, not with --images");
  } else {
    for (const std::string& file : {a.output, a.coarse, a.attention, a.steps}) check_extension(file);
  }
  const Model model = load_model(model_path(a.model));
  if (batch) {
    fill_folder(model, a);
  } else {
    fill_one(model, a, a.image, a.mask, a.output);
  }
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
          "Where the hole is: white, or transparent if the mask has an alpha channel that varies; resized to the "
          "picture if it differs in size")
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
      ->add_option("--max-side", a->max_side,
                   "First reduce pictures with a side longer than N pixels; the result is reduced")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--save-coarse", a->coarse, "Also write the coarse network's result")->type_name("FILE");
  command
      ->add_option("--save-attention", a->attention,
                   "Also write where the attention looks: hue is the direction, saturation the distance")
      ->type_name("FILE");
  command
      ->add_option("--save-steps", a->steps,
                   "Also write the picture with its holes, coarse and final result side by side")
      ->type_name("FILE");
  command->add_flag("--skip-existing", a->skip_existing, "With --images: leave out pictures whose result exists");
  command
      ->add_option_function<std::string>(
          "--precision",
          [](const std::string& name) {
            set_precision(name == "medium" ? Precision::medium : name == "high" ? Precision::high : Precision::highest);
          },
          "Of the arithmetic, at the least: highest (f32), high or medium; this build computes all three in f32")
      ->type_name("NAME")
      ->check(CLI::IsMember({"highest", "high", "medium"}).description(""));
  command->footer(
      "Examples:\n"
      "  lacuna fill --image photo.jpg --mask holes.png --output whole.png\n"
      "  lacuna fill --images photos/ --masks masks/ --output filled/ --skip-existing\n");
  command->callback([a] { fill(*a); });
}

}  // namespace lacuna
