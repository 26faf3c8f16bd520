#include "nets/generator.h"

#include <algorithm>
#include <utility>

#include "autograd/checkpoint.h"
#include "autograd/tape.h"
#include "nets/attention_alternatives.h"
#include "nets/strips.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"
#include "ops/concat/concat.h"
#include "ops/pad/pad.h"
#include "ops/resize/resize.h"
#include "ops/sample/sample.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

constexpr Activation elu_after{.kind = Activation::Kind::elu};
constexpr Activation relu_after{.kind = Activation::Kind::relu};
constexpr Activation nothing_after{};

/// Writes a stage down layer by layer; each layer's input is the output of the one before.
class Stage {
 public:
  Stage(int64_t in, Padding padding) : in_(in), padding_(padding) {}

  Stage& conv(const std::string& name, int64_t kernel, int64_t out, Activation activation = elu_after) {
    return add({name, kernel, in_, out, {.padding = padding_}, activation, false});
  }
  Stage& down(const std::string& name, int64_t out) {
    return add({name + "_downsample", 3, in_, out, {.stride = 2, .padding = padding_}, elu_after, false});
  }
  Stage& up(const std::string& name, int64_t out) {
    const std::string level = name + "_upsample";
    return add({level + "/" + level + "_conv", 3, in_, out, {.padding = padding_}, elu_after, true});
  }
  /// Four layers of dilation 2, 4, 8, 16, numbered from `first`.
  Stage& atrous(const std::string& prefix, int first, int64_t out) {
    for (int i = 0; i < 4; ++i) {
      add({prefix + std::to_string(first + i) + "_atrous",
           3,
           in_,
           out,
           {.dilation = int64_t{2} << i, .padding = padding_},
           elu_after,
           false});
    }
    return *this;
  }
  ConvLayers layers() const { return layers_; }

 private:
  Stage& add(ConvLayer layer) {
    in_ = layer.out;
    layer.name = "inpaint_net/" + layer.name;
    layers_.push_back(std::move(layer));
    return *this;
  }

  int64_t in_;
  Padding padding_;
  ConvLayers layers_;
};

/// concat(picture, ones, mask), the input of either stage.
Variable with_mask(const Variable& picture, const Variable& mask) {
  const Shape plane{picture.dim(0), picture.dim(1), picture.dim(2), 1};
  const Variable ones = Tensor::full(plane, 1, picture.dtype(), picture.device());
  return concat({picture, ones, broadcast_to(mask, plane)}, 3);
}

}  // namespace

Generator::Generator(const GeneratorOptions& options, uint64_t seed) : options_(options) {
  const int64_t c = options.cnum;
  check(c >= 2 && c % 2 == 0, "[generator] cnum is an even number of channels, not ", c);
  const Padding padding = options.padding;
  check(padding != Padding::valid, "[generator] the padding must be same, reflect or symmetric");

  coarse_ = Stage(5, padding)
                .conv("conv1", 5, c)
                .down("conv2", 2 * c)
                .conv("conv3", 3, 2 * c)
                .down("conv4", 4 * c)
                .conv("conv5", 3, 4 * c)
                .conv("conv6", 3, 4 * c)
                .atrous("conv", 7, 4 * c)
                .conv("conv11", 3, 4 * c)
                .conv("conv12", 3, 4 * c)
                .up("conv13", 2 * c)
                .conv("conv14", 3, 2 * c)
                .up("conv15", c)
                .conv("conv16", 3, c / 2)
                .conv("conv17", 3, 3, nothing_after)
                .layers();
  if (!options.one_stage) {
    dilated_ = Stage(5, padding)
                   .conv("xconv1", 5, c)
                   .down("xconv2", c)
                   .conv("xconv3", 3, 2 * c)
                   .down("xconv4", 2 * c)
                   .conv("xconv5", 3, 4 * c)
                   .conv("xconv6", 3, 4 * c)
                   .atrous("xconv", 7, 4 * c)
                   .layers();
    attended_ = Stage(5, padding)
                    .conv("pmconv1", 5, c)
                    .down("pmconv2", c)
                    .conv("pmconv3", 3, 2 * c)
                    .down("pmconv4", 4 * c)
                    .conv("pmconv5", 3, 4 * c)
                    .conv("pmconv6", 3, 4 * c, relu_after)
                    .layers();
    after_attention_ = Stage(4 * c, padding).conv("pmconv9", 3, 4 * c).conv("pmconv10", 3, 4 * c).layers();
    decoder_ = Stage(8 * c, padding)
                   .conv("allconv11", 3, 4 * c)
                   .conv("allconv12", 3, 4 * c)
                   .up("allconv13", 2 * c)
                   .conv("allconv14", 3, 2 * c)
                   .up("allconv15", c)
                   .conv("allconv16", 3, c / 2)
                   .conv("allconv17", 3, 3, nothing_after)
                   .layers();
  }
  using Attention = GeneratorOptions::Attention;
  if (!options.one_stage && options.attention == Attention::appearance_flow) {
    placing_ = appearance_flow_layers(4 * c, padding);
  } else if (!options.one_stage && options.attention == Attention::spatial_transformer) {
    placing_ = spatial_transformer_layers(4 * c, padding);
  }
  for (const ConvLayers* layers : {&coarse_, &dilated_, &attended_, &after_attention_, &decoder_, &placing_}) {
    add_params(params_, *layers, seed, options.dtype);
  }
  if (options.attention == Attention::spatial_transformer && !placing_.empty()) set_identity(placing_, params_);
}

void Generator::check_operands(const Variable& image, const Variable& mask) const {
  check(image.rank() == 4 && image.dim(3) == 3, "[generator] the picture must be (N,H,W,3), not ", image.shape());
  const int64_t n = image.dim(0), height = image.dim(1), width = image.dim(2);
  check(mask.rank() == 4 && (mask.dim(0) == n || mask.dim(0) == 1) && mask.dim(1) == height && mask.dim(2) == width &&
            mask.dim(3) == 1,
        "[generator] the mask must be (N or 1,H,W,1) for a picture ", image.shape(), ", not ", mask.shape());
  check(height >= 1 && width >= 1, "[generator] the picture ", image.shape(), " has no pixels");
  check(image.dtype() == options_.dtype && mask.dtype() == options_.dtype, "[generator] the parameters are ",
        name_of(options_.dtype), ", the picture ", name_of(image.dtype()), " and the mask ", name_of(mask.dtype()),
        "; convert them first");
}

GeneratorOutput Generator::operator()(Variable image, const Variable& mask, const MemoryOptions& memory) const {
  check_operands(image, mask);
  const int64_t height = image.dim(1), width = image.dim(2);
  image = image * (1.0 - mask);
  const Padding2d padding{.bottom = padded(height) - height, .right = padded(width) - width};
  if (padding.bottom == 0 && padding.right == 0) return run(std::move(image), mask, memory);

  image = pad(image, padding, PadMode::symmetric);
  GeneratorOutput output = run(std::move(image), pad(mask, padding, PadMode::symmetric), memory);
  output.coarse = crop(output.coarse, 0, 0, height, width);
  output.fine = crop(output.fine, 0, 0, height, width);
  return output;
}

Variable Generator::fill(const Variable& image, const Variable& mask) const {
  check_operands(image, mask);
  const int64_t height = image.dim(1), width = image.dim(2);
  const bool in_parts = resolved({}, height, width).strips > 1, on_cpu = image.device().kind == Device::Kind::cpu;
  if (recording() || padded(height) != height || padded(width) != width || in_parts || !on_cpu) {
    return complete((*this)(image, mask).fine, image, mask);
  }
  const Windows windows = windows_around(mask.value(), image.dim(0));
  return complete(run(image * (1.0 - mask), mask, {}, &windows).fine, image, mask);
}

// Handles are let go as soon as the next layers can do without: what no tape keeps is freed there.
GeneratorOutput Generator::run(Variable incomplete, const Variable& mask, MemoryOptions memory,
                               const Windows* windows) const {
  const TraceSpan span("generator");
  memory = resolved(memory, mask.dim(1), mask.dim(2));
  GeneratorOutput output;
  output.coarse = clip(finish(coarse_, with_mask(incomplete, mask), memory, windows), -1, 1);
  if (options_.one_stage) {
    output.fine = output.coarse;
    return output;
  }
  Variable refined = with_mask(complete(output.coarse, incomplete, mask), mask);
  incomplete = {};
  Variable dilated = through(dilated_, refined, memory);
  Variable attended = through(attended_, std::move(refined), memory);
  if (attends()) {
    const Variable hole = resize_nearest(mask.detach(), attended.dim(1), attended.dim(2));
    const int64_t room = recording() ? 0 : attended.dim(0) * memory.attention_bytes;
    AttentionOutput attention =
        contextual_attention(attended, attended, hole.value(), {.keep_attention = false, .max_bytes = room});
    attended = std::move(attention.y);
    output.offsets = std::move(attention.offsets);
  } else if (!placing_.empty()) {
    const bool flows = options_.attention == GeneratorOptions::Attention::appearance_flow;
    const Variable places = held_within(flows ? appearance_flow_places(placing_, params_, attended)
                                              : spatial_transformer_places(placing_, params_, attended));
    attended = grid_sample(attended, places);
    output.offsets = matches_of(places);
  }
  attended = through(after_attention_, std::move(attended), memory);
  Variable joined = concat({dilated, attended}, 3);
  dilated = attended = {};
  output.fine = clip(finish(decoder_, std::move(joined), memory, windows), -1, 1);
  return output;
}

std::vector<PlacedLayer> Generator::layers_for(int64_t height, int64_t width) const {
  height = padded(height), width = padded(width);
  std::vector<PlacedLayer> all = placed(coarse_, height, width);
  const auto append = [&](const std::vector<PlacedLayer>& some) { all.insert(all.end(), some.begin(), some.end()); };
  if (options_.one_stage) return all;
  append(placed(dilated_, height, width));
  append(placed(attended_, height, width));
  height = all.back().out_height(), width = all.back().out_width();
  append(placed(placing_, height, width));
  append(placed(after_attention_, height, width));
  append(placed(decoder_, height, width));
  return all;
}

Variable Generator::finish(const ConvLayers& layers, Variable x, const MemoryOptions& memory,
                           const Windows* windows) const {
  if (!windows) return through(layers, std::move(x), memory);
  const auto narrow = layers.end() - static_cast<std::ptrdiff_t>(narrow_layers(layers));
  if (narrow != layers.begin()) x = through({layers.begin(), narrow}, std::move(x), memory);
  // Behind it all stages have the picture's size, which is four times that in the middle.
  const int64_t height = 4 * x.dim(1), width = 4 * x.dim(2);
  return in_place(apply_in_windows({narrow, layers.end()}, params_, x, *windows), *windows, height, width);
}

Variable Generator::through(const ConvLayers& layers, Variable x, const MemoryOptions& memory) const {
  if (!recording()) return through_unrecorded(layers, std::move(x), memory.strips);
  if (!memory.recompute) return apply(layers, params_, std::move(x));
  constexpr size_t at_a_time = 6;
  for (size_t first = 0; first < layers.size(); first += at_a_time) {
    const size_t last = std::min(layers.size(), first + at_a_time);
    const auto piece = [some = ConvLayers(layers.begin() + first, layers.begin() + last),
                        params = params_](const Variables& inputs) { return apply(some, params, inputs[0]); };
    x = checkpoint(piece, {x});
  }
  return x;
}

Variable Generator::through_unrecorded(const ConvLayers& layers, Variable x, int64_t strips) const {
  const auto [encoder, middle, decoder] = parts_of(layers);
  if (!encoder.empty()) x = apply_in_strips(encoder, params_, std::move(x), strips);
  x = apply(middle, params_, std::move(x));
  if (!decoder.empty()) x = apply_in_strips(decoder, params_, std::move(x), strips);
  return x;
}

Variable complete(const Variable& generated, const Variable& image, const Variable& mask) {
  return generated * mask + image * (1.0 - mask);
}

}  // namespace lacuna
