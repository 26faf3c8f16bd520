#include "train/export_onnx.h"

#include <cmath>
#include <limits>
#include <tuple>

#include "ops/pad/pad.h"
#include "train/export_onnx_attention.h"
#include "train/onnx.h"

namespace lacuna {
namespace {

using Value = OnnxGraph::Value;
using Ints = std::vector<int64_t>;

/// Which ends of a stage are pictures: its colours are turned there, for a model of BGR.
struct Colours {
  bool in = false, out = false;
};

/// A kernel HWIO as OIHW. Where colours are to be turned, the first three channels are.
Tensor planar_kernel(const Tensor& kernel, Colours turned) {
  const Tensor from = kernel.to(Device{}).to(DType::f32);
  const int64_t taps = from.dim(0) * from.dim(1), in = from.dim(2), out = from.dim(3);
  Tensor to({out, in, from.dim(0), from.dim(1)}, DType::f32);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t source_o = turned.out && o < 3 ? 2 - o : o;
    for (int64_t i = 0; i < in; ++i) {
      const int64_t source_i = turned.in && i < 3 ? 2 - i : i;
      for (int64_t t = 0; t < taps; ++t) {
        to.data<float>()[(o * in + i) * taps + t] = from.data<float>()[(t * in + source_i) * out + source_o];
      }
    }
  }
  return to;
}

/// A bias, its first three values in reverse if so asked.
Tensor bias_of(const Tensor& bias, bool turned) {
  Tensor to = bias.to(Device{}).to(DType::f32).clone();
  if (turned) std::swap(to.data<float>()[0], to.data<float>()[2]);
  return to;
}

class Exporter {
 public:
  Exporter(const Model& model, const OnnxOptions& options)
      : model_(model),
        options_(options),
        generator_(model.generator),
        height_(Generator::padded(options.height)),
        width_(Generator::padded(options.width)),
        g_("generator") {}

  std::string run() {
    const Generator::Stages stages = generator_.stages();
    const Value image = g_.input("image", pictures(3), about("image"));
    const Value mask = g_.input("mask", pictures(1), about("mask"));
    const Value above = g_.node("Greater", {mask, g_.number(0.5F)});
    const Value hole = g_.node("Cast", {above}, {{"to", int64_t{1}}}, "hole");
    const Value known = g_.node("Sub", {g_.number(1), hole}, {}, "known");
    const Value incomplete = g_.node("Mul", {image, known}, {}, "incomplete");
    hole_ = continued(hole);
    incomplete_ = continued(incomplete);
    ones_ = g_.node("Expand", {g_.number(1), g_.integers({options_.batch, 1, height_, width_})}, {}, "ones");
    twice_ = g_.constant("twice", Tensor::from<float>({4}, {1, 1, 2, 2}));

    Value whole = clipped(through(stages.coarse, with_mask(incomplete_), height_, width_, {true, true}), "coarse");
    Value result = cropped(whole, "coarse");
    g_.output(result, pictures(3), about("coarse"));
    if (!generator_.options().one_stage) {
      whole = refined(stages, whole);
      result = cropped(whole, "fine");
      g_.output(result, pictures(3), about("fine"));
    }
    g_.output(completed(result, hole, incomplete, "filled"), pictures(3), about("filled"));
    return g_.model(options_.producer_version,
                    "Fills holes in pictures: the generator of \"Generative Image Inpainting with Contextual "
                    "Attention\" (arXiv:1801.07892). The metadata tell what goes in and comes out.",
                    metadata());
  }

 private:
  Shape pictures(int64_t channels) const { return {options_.batch, channels, options_.height, options_.width}; }

  /// What an input or output is.
  static std::string about(const std::string& name) {
    static const std::map<std::string, std::string> texts{
        {"image", "RGB planes, sample / 127.5 - 1; values in the hole are ignored"},
        {"mask", "above 0.5 in the hole, else 0"},
        {"coarse", "what the coarse network makes of the whole picture, RGB planes in [-1,1]"},
        {"fine", "what the refinement network makes of the whole picture, RGB planes in [-1,1]"},
        {"filled", "the result in the hole, the image outside; sample = round((value + 1) * 127.5)"}};
    return texts.at(name);
  }

  std::map<std::string, std::string> metadata() const {
    std::map<std::string, std::string> all = model_.metadata;
    all.erase("format");
    all["channel_order"] = "rgb";
    for (const char* name : {"image", "mask"}) all[std::string("input.") + name] = about(name);
    for (const char* name : {"filled", "coarse", "fine"}) all[std::string("output.") + name] = about(name);
    if (generator_.options().one_stage) all.erase("output.fine");
    return all;
  }

  Value refined(const Generator::Stages& stages, const Value& coarse) {
    const Value x = with_mask(completed(coarse, hole_, incomplete_, "coarse_filled"));
    const Value dilated = through(stages.dilated, x, height_, width_, {true, false});
    Value attended = through(stages.attended, x, height_, width_, {true, false});
    const PlacedLayer last = placed(stages.attended, height_, width_).back();
    const int64_t h = last.out_height(), w = last.out_width();
    if (generator_.options().attention == GeneratorOptions::Attention::contextual) {
      attended = OnnxAttention{options_.batch, last.layer.out, h, w, height_, width_}.add_to(g_, attended, hole_);
    }
    attended = through(stages.after_attention, attended, h, w, {});
    const Value joined = g_.node("Concat", {dilated, attended}, {{"axis", int64_t{1}}});
    return clipped(through(stages.decoder, joined, h, w, {false, true}), "fine");
  }

  Value with_mask(const Value& picture) {
    return g_.node("Concat", {picture, ones_, hole_}, {{"axis", int64_t{1}}}, "with_mask");
  }
  Value completed(const Value& generated, const Value& hole, const Value& incomplete, const std::string& name) {
    return g_.node("Add", {g_.node("Mul", {generated, hole}), incomplete}, {}, name);
  }
  /// A stage's result at the network's size; it has the output's name if that is the pictures' size.
  Value clipped(const Value& x, const std::string& name) {
    return g_.node("Clip", {x, g_.number(-1), g_.number(1)}, {}, is_padded() ? name + "_padded" : name);
  }

  bool is_padded() const { return height_ != options_.height || width_ != options_.width; }
  /// A picture or mask at the network's size: mirrored beyond its lower and right border.
  Value continued(Value x) {
    for (const auto& [axis, from, to] : {std::tuple(2, options_.height, height_), {3, options_.width, width_}}) {
      x = mirrored(x, axis, {0, from, to - from}, PadMode::symmetric, "continued");
    }
    return x;
  }
  /// Of a result at the network's size what belongs to the pictures.
  Value cropped(const Value& x, const std::string& name) {
    if (!is_padded()) return x;
    return g_.node("Slice",
                   {x, g_.integers({0, 0}), g_.integers({options_.height, options_.width}), g_.integers({2, 3})}, {},
                   name);
  }

  Value through(const ConvLayers& layers, Value x, int64_t height, int64_t width, Colours colours) {
    const std::vector<PlacedLayer> all = placed(layers, height, width);
    const bool bgr = model_.channel_order == "bgr";
    for (size_t k = 0; k < all.size(); ++k) {
      x = convolved(all[k], x, {bgr && colours.in && k == 0, bgr && colours.out && k + 1 == all.size()});
    }
    return x;
  }

  Value convolved(const PlacedLayer& at, Value x, Colours turned) {
    const ConvLayer& l = at.layer;
    int64_t height = at.height, width = at.width;
    if (l.upsample) {  // twice as large, the nearest source of position i is i / 2, with and without aligned corners
      x = g_.node("Resize", {x, "", twice_},
                  {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}},
                  l.name + "/upsampled");
      height *= 2, width *= 2;
    }
    const Conv2dOptions& o = l.options;
    const int64_t top = conv2d_axis(height, l.kernel, o).before, left = conv2d_axis(width, l.kernel, o).before;
    const int64_t bottom = needed(at.out_height(), l) - top - height, right = needed(at.out_width(), l) - left - width;
    Ints pads(4, 0);
    if (o.padding == Padding::same) {
      pads = {top, left, bottom, right};
    } else {
      const PadMode mode = o.padding == Padding::reflect ? PadMode::reflect : PadMode::symmetric;
      x = mirrored(x, 2, {top, height, bottom}, mode, l.name + "/padded");
      x = mirrored(x, 3, {left, width, right}, mode, l.name + "/padded");
    }
    const Params& params = generator_.params();
    const Value kernel = g_.constant(l.name + "/kernel", planar_kernel(params.at(l.name + "/kernel").value(), turned));
    const Value bias = g_.constant(l.name + "/bias", bias_of(params.at(l.name + "/bias").value(), turned.out));
    x = g_.node("Conv", {x, kernel, bias},
                {{"kernel_shape", Ints{l.kernel, l.kernel}},
                 {"strides", Ints{o.stride, o.stride}},
                 {"dilations", Ints{o.dilation, o.dilation}},
                 {"pads", pads}},
                l.name);
    switch (l.activation.kind) {
      case Activation::Kind::none:
        return x;
      case Activation::Kind::elu:
        return g_.node("Elu", {x}, {}, l.name + "/elu");
      case Activation::Kind::relu:
        return g_.node("Relu", {x}, {}, l.name + "/relu");
      default:
        fail("[export] ", l.name, " has an activation that is not exported");
    }
  }

  /// Elements that `out` outputs read along an axis, from the first to the last.
  static int64_t needed(int64_t out, const ConvLayer& l) {
    return (out - 1) * l.options.stride + (l.kernel - 1) * l.options.dilation + 1;
  }

  struct Extent {
    int64_t before, size, after;  // after is below 0 where the last ones are not read
  };
  /// x continued along an axis by mirroring.
  Value mirrored(const Value& x, int64_t axis, Extent e, PadMode mode, const std::string& name) {
    if (e.before == 0 && e.after == 0) return x;
    Ints sources;
    for (int64_t i = -e.before; i < e.size + e.after; ++i) sources.push_back(padded_source(i, e.size, mode));
    return g_.node("Gather", {x, g_.integers(sources)}, {{"axis", axis}}, name);
  }

  const Model& model_;
  const OnnxOptions& options_;
  const Generator& generator_;
  const int64_t height_, width_;  // of what the network is given: the pictures' size made multiples of the unit
  OnnxGraph g_;
  Value hole_, ones_, twice_, incomplete_;
};

}  // namespace

std::string onnx_model(const Model& model, const OnnxOptions& options) {
  check(options.height >= 1 && options.width >= 1, "[export] pictures of ", options.height, "x", options.width,
        " pixels: both sides must be at least 1");
  using Attention = GeneratorOptions::Attention;
  const Attention attention = model.generator.options().attention;
  check(attention == Attention::contextual || attention == Attention::none,
        "[export] models with appearance flow or a spatial transformer cannot be exported");
  check(options.batch >= 1, "[export] the batch is a number of pictures, not ", options.batch);
  return Exporter(model, options).run();
}

int64_t onnx_matrix_bytes(const Generator& generator, const OnnxOptions& options) {
  const GeneratorOptions& o = generator.options();
  if (o.one_stage || o.attention != GeneratorOptions::Attention::contextual) return 0;
  constexpr int64_t unit = Generator::size_unit;
  const int64_t positions = Generator::padded(options.height) / unit * (Generator::padded(options.width) / unit);
  const double bytes = static_cast<double>(options.batch * size_of(DType::f32)) * std::pow(positions, 2);
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  return bytes < static_cast<double>(most) ? static_cast<int64_t>(bytes) : most;
}

}  // namespace lacuna
