#include "train/inpaint.h"

#include <algorithm>
#include <cmath>

#include "autograd/tape.h"
#include "tensor/image_resize.h"

namespace lacuna {
namespace {

/// The picture as the model wants it, or back: the order of RGB turned if the model's is BGR.
Tensor reorder(const Tensor& rgb, const Model& model) {
  if (model.channel_order != "bgr") return rgb;
  Tensor turned = rgb.clone();
  float* v = turned.data<float>();
  for (int64_t i = 0; i < turned.numel(); i += 3) std::swap(v[i], v[i + 2]);
  return turned;
}

bool is_hole(float value) { return value > 0.5f; }

}  // namespace

void check_mask(const Tensor& mask, const Image& picture) {
  check(mask.shape() == Shape{1, picture.height, picture.width, 1}, "[inpaint] the mask is ", mask.shape(),
        ", the picture ", picture.height, "x", picture.width);
}

Generated generate(const Model& model, const Image& picture, const Tensor& mask, const MemoryOptions& memory) {
  check_mask(mask, picture);
  check(!std::all_of(mask.data<float>(), mask.data<float>() + mask.numel(), is_hole),
        "[inpaint] the hole is the whole picture: there is nothing to continue; is the mask inverted?");

  const NoGrad no_grad;
  const Device device = model.generator.device();
  const GeneratorOutput output =
      model.generator(reorder(to_tensor(picture), model).to(device), mask.to(device), memory);
  const Tensor coarse = output.coarse.value().to(Device{}), fine = output.fine.value().to(Device{});
  for (const Tensor& x : {coarse, fine}) {
    check(
        std::none_of(x.data<float>(), x.data<float>() + x.numel(), [](float v) { return std::isnan(v); }),
        "[inpaint] the network's result is not a number: the model's parameters are damaged or its training diverged");
  }
  return {reorder(fine, model), reorder(coarse, model),
          output.offsets.defined() ? output.offsets.to(Device{}) : Tensor()};
}

Inpainted inpaint(const Model& model, const Image& picture, const Tensor& mask, const MemoryOptions& memory) {
  const Generated generated = generate(model, picture, mask, memory);
  return {composite(picture, generated.fine, mask), composite(picture, generated.coarse, mask), generated.offsets};
}

int64_t inpaint_bytes(const Model& model, int64_t height, int64_t width, const MemoryOptions& memory) {
  // While the network runs, the picture that it is given; then the two results, one as the network's colours and as
  // samples of up to four channels, beside all that is kept of the network's memory.
  const int64_t colours = 3 * (size_of(DType::f32) + 2), results = 2 * 2 * 4;
  return model.generator.bytes_needed(height, width, memory) + height * width * (colours + results);
}

Tensor reduce_mask(const Tensor& mask, int64_t height, int64_t width) {
  if (mask.dim(1) == height && mask.dim(2) == width) return mask;
  constexpr uint16_t white = 65535;
  Image holes{mask.dim(1), mask.dim(2), 1, 16, std::vector<uint16_t>(static_cast<size_t>(mask.numel()))};
  std::transform(mask.data<float>(), mask.data<float>() + mask.numel(), holes.samples.begin(),
                 [](float value) { return value > 0.5f ? white : uint16_t{0}; });
  holes = resize_image(holes, height, width);
  Tensor reduced({1, height, width, 1});
  std::transform(holes.samples.begin(), holes.samples.end(), reduced.data<float>(),
                 [](uint16_t sample) { return sample > 0 ? 1.0f : 0.0f; });
  return reduced;
}

Image composite(const Image& picture, const Tensor& generated, const Tensor& mask) {
  check_mask(mask, picture);
  const Image colours = to_image(generated, picture.bits);
  const int64_t channels = picture.channels, colour_channels = channels < 3 ? 1 : 3;
  const float* hole = mask.data<float>();
  Image result = picture;
  for (int64_t p = 0; p < picture.height * picture.width; ++p) {
    if (!is_hole(hole[p])) continue;
    const uint16_t* rgb = colours.samples.data() + 3 * p;
    uint16_t* pixel = result.samples.data() + channels * p;
    if (colour_channels == 1) {
      pixel[0] = static_cast<uint16_t>(std::lround(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]));
    } else {
      std::copy_n(rgb, 3, pixel);
    }
    if (channels == colour_channels) continue;
    uint16_t& alpha = pixel[colour_channels];
    if (2 * alpha < picture.maximum()) alpha = static_cast<uint16_t>(picture.maximum());
  }
  return result;
}

Image with_holes(const Image& picture, const Tensor& mask) {
  return composite(picture, Tensor::full({1, picture.height, picture.width, 3}, 1), mask);
}

Image side_by_side(const std::vector<Image>& pictures) {
  Image all{.height = pictures.at(0).height, .width = 0, .channels = 3, .bits = 8, .samples = {}};
  if (pictures[0].channels >= 3) all.icc = pictures[0].icc;
  for (const Image& p : pictures) {
    check(p.height == all.height, "[side_by_side] heights ", all.height, " and ", p.height, " differ");
    all.width += p.width;
  }
  all.samples.resize(static_cast<size_t>(all.height * all.width * 3));
  int64_t left = 0;
  for (const Image& p : pictures) {
    const Image rgb = to_image(to_tensor(p));
    for (int64_t row = 0; row < p.height; ++row) {
      std::copy_n(rgb.samples.begin() + row * p.width * 3, p.width * 3,
                  all.samples.begin() + (row * all.width + left) * 3);
    }
    left += p.width;
  }
  return all;
}

}  // namespace lacuna
