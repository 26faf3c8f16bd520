#include "train/fill_holes.h"

#include <algorithm>

#include "tensor/image_resize.h"
#include "tensor/memory.h"
#include "train/seam.h"
#include "train/texture.h"

namespace lacuna {
namespace {

/// What is held for a pixel of a crop when the network has done: its samples, and colours in several steps.
constexpr int64_t bytes_beside = 100;

/// x (1,H,W,C) within a box.
Tensor crop(const Tensor& x, const Box& box) {
  const int64_t channels = x.dim(3), width = x.dim(2);
  check(box.top >= 0 && box.left >= 0 && box.top + box.height <= x.dim(1) && box.left + box.width <= width,
        "[fill] a part's surroundings do not hold its edge");
  Tensor part({1, box.height, box.width, channels});
  for (int64_t y = 0; y < box.height; ++y) {
    std::copy_n(x.data<float>() + ((box.top + y) * width + box.left) * channels, box.width * channels,
                part.data<float>() + y * box.width * channels);
  }
  return part;
}

Image crop(const Image& image, const Box& box) { return crop_image(image, box.top, box.left, box.height, box.width); }

void paste(const Image& part, int64_t top, int64_t left, Image& image) {
  for (int64_t y = 0; y < part.height; ++y) {
    std::copy_n(part.samples.begin() + y * part.width * part.channels, part.width * part.channels,
                image.samples.begin() + ((top + y) * image.width + left) * image.channels);
  }
}

/// The box one pixel larger on each side, within height x width.
Box grown(const Box& box, int64_t height, int64_t width) {
  const int64_t top = std::max<int64_t>(box.top - 1, 0), left = std::max<int64_t>(box.left - 1, 0);
  return {top, left, std::min(box.top + box.height + 1, height) - top,
          std::min(box.left + box.width + 1, width) - left};
}

bool overlap(const Box& a, const Box& b) {
  return a.top < b.top + b.height && b.top < a.top + a.height && a.left < b.left + b.width && b.left < a.left + a.width;
}

class Filling {
 public:
  Filling(const Model& model, const Image& picture, const Tensor& mask, const FillOptions& options)
      : model_(model), options_(options), mask_(mask), open_(mask.clone()) {
    result_.filled = picture;
    if (options.coarse) result_.coarse = picture;
  }

  void fill(const HolePart& part) {
    const Tensor own = own_pixels(part);
    const float* pixels = own.data<float>();
    if (std::none_of(pixels, pixels + own.numel(), [](float v) { return v > 0.5f; })) return;
    const int64_t height = reduced_side(part.crop.height, part.reduction);
    const int64_t width = reduced_side(part.crop.width, part.reduction);
    const Tensor holes = unknown(part);
    const Generated made = generated(part, holes, height, width);
    const auto at_full_size = [&](const Tensor& x) { return resize_values(x, part.crop.height, part.crop.width); };
    if (options_.coarse) insert(part, own, holes, at_full_size(made.coarse), result_.coarse);
    const Tensor fine = at_full_size(made.fine);
    insert(part, own, holes, fine, result_.filled);
    if (options_.texture) add_texture_to(part, own, holes, fine);
    close(part);
    result_.looks.push_back({part, height, width, own, made.offsets});
  }

  FilledHoles done() { return std::move(result_); }

 private:
  /// The pixels, in its crop, that are the part's to fill.
  Tensor own_pixels(const HolePart& part) const {
    Tensor own = Tensor::zeros({1, part.crop.height, part.crop.width, 1});
    for (int64_t y = part.hole.top; y < part.hole.top + part.hole.height; ++y) {
      std::copy_n(open_.data<float>() + y * open_.dim(2) + part.hole.left, part.hole.width,
                  own.data<float>() + (y - part.crop.top) * part.crop.width + part.hole.left - part.crop.left);
    }
    return own;
  }

  void close(const HolePart& part) {
    for (int64_t y = part.hole.top; y < part.hole.top + part.hole.height; ++y) {
      std::fill_n(open_.data<float>() + y * open_.dim(2) + part.hole.left, part.hole.width, 0.0f);
    }
    closed_.push_back(part.hole);
  }

  /// What the part does not know in its crop: the holes but for the fills that it continues.
  Tensor unknown(const HolePart& part) const {
    Tensor unknown = crop(mask_, part.crop);
    const Box reach = grown(part.hole, mask_.dim(1), mask_.dim(2));
    for (const Box& fill : closed_) {
      if (!overlap(fill, reach)) continue;
      for (int64_t y = std::max(fill.top, part.crop.top);
           y < std::min(fill.top + fill.height, part.crop.top + part.crop.height); ++y) {
        for (int64_t x = std::max(fill.left, part.crop.left);
             x < std::min(fill.left + fill.width, part.crop.left + part.crop.width); ++x) {
          unknown.data<float>()[(y - part.crop.top) * part.crop.width + x - part.crop.left] = 0;
        }
      }
    }
    return unknown;
  }

  Generated generated(const HolePart& part, const Tensor& holes, int64_t height, int64_t width) const {
    const bool more = part.reduction > 1 || options_.texture;
    const int64_t beside = more ? part.crop.height * part.crop.width * bytes_beside : 0;
    const MemoryOptions memory = options_.memory ? options_.memory(height, width, beside) : MemoryOptions{};
    const Image seen = resize_image(crop(result_.filled, part.crop), height, width);
    const Tensor seen_holes = reduce_mask(holes, height, width);
    Generated made = generate(model_, seen, seen_holes, memory);
    if (part.reduction > 1) {
      // The step at the edge would be many pixels wide at full size.
      made.fine = blend_seam(made.fine, to_tensor(seen), seen_holes);
      if (options_.coarse) made.coarse = blend_seam(made.coarse, to_tensor(seen), seen_holes);
      release_cached_memory();
    }
    return made;
  }

  /// What was generated for the part's crop, at its full size, into its pixels of `image`, blended at their edge.
  static void insert(const HolePart& part, const Tensor& own, const Tensor& holes, const Tensor& made, Image& image) {
    const Box edge = grown(part.hole, image.height, image.width);
    const Box within{edge.top - part.crop.top, edge.left - part.crop.left, edge.height, edge.width};
    const Image around = crop(image, edge);
    const Tensor blended = blend_seam(crop(made, within), to_tensor(around), crop(holes, within));
    paste(composite(around, blended, crop(own, within)), edge.top, edge.left, image);
  }

  /// Texture for the part's pixels. Where its crop has other holes, their fill is what was generated with its own.
  void add_texture_to(const HolePart& part, const Tensor& own, const Tensor& holes, const Tensor& made) {
    const Image smooth = crop(result_.filled, part.crop);
    Tensor filled = to_tensor(smooth);
    const float *hole = holes.data<float>(), *inside = own.data<float>(), *from = made.data<float>();
    float* to = filled.data<float>();
    for (int64_t p = 0; p < holes.numel(); ++p) {
      if (hole[p] > 0.5f && inside[p] <= 0.5f) std::copy_n(from + 3 * p, 3, to + 3 * p);
    }
    const Tensor textured = add_texture(filled, holes, own, part.reduction);
    paste(composite(smooth, textured, own), part.crop.top, part.crop.left, result_.filled);
  }

  const Model& model_;
  const FillOptions& options_;
  const Tensor mask_;
  Tensor open_;  // the mask of what is still to be filled
  std::vector<Box> closed_;
  FilledHoles result_;
};

}  // namespace

FilledHoles fill_holes(const Model& model, const Image& picture, const Tensor& mask, const FillOptions& options) {
  check_mask(mask, picture);
  Filling filling(model, picture, mask, options);
  for (const HolePart& part : hole_parts(mask, options.strategy, trained_size(model.metadata))) filling.fill(part);
  return filling.done();
}

}  // namespace lacuna
