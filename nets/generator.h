#pragma once

#include "nets/contextual_attention.h"
#include "nets/layers.h"
#include "nets/windows.h"

namespace lacuna {

struct GeneratorOptions {
  /// What stands in the attention's place; none: its input passes through. The last two: see attention_alternatives.h.
  enum class Attention : uint8_t { contextual, none, appearance_flow, spatial_transformer };

  int64_t cnum = 32;                ///< width of the first layer; 32 in the paper
  Padding padding = Padding::same;  ///< same as released, or the paper's mirror padding
  bool one_stage = false;           ///< the baseline: stage 1 alone
  Attention attention = Attention::contextual;
  DType dtype = DType::f32;
};

/// How the generator deals with memory; results do not depend on it.
struct MemoryOptions {
  /// Where a tape is kept: keep every sixth layer's output alone and compute the others again in the backward pass.
  bool recompute = false;
  /// Where no tape is kept: in how many strips of rows the layers before and after the lowest resolution are done;
  /// 0: of about two million pixels each.
  int64_t strips = 0;
  /// Where no tape is kept: what the attention may take beside its input and output (AttentionOptions::max_bytes);
  /// 0: as much as is useful, up to 1 GiB where it can do with that.
  int64_t attention_bytes = 0;
};

/// What the generator makes of a picture, all (N,H,W,3) in [-1,1].
struct GeneratorOutput {
  Variable coarse;  ///< stage 1
  Variable fine;    ///< stage 2; the same as coarse for a one-stage network
  /// (N,h,w,2) i32: the attention's best match for each position of its grid, or where what stands in its place
  /// samples; undefined without.
  Tensor offsets;
};

/// The coarse-to-fine network (METHOD section 2). Layer and parameter names are the released checkpoint's.
class Generator {
 public:
  /// Pixels of the picture, along an axis, under one position of the attention's grid: two strides of 2, then the
  /// attention's rate of 2. Sizes are padded to a multiple of it.
  static constexpr int64_t size_unit = 8;
  /// `n` pixels continued to a multiple of size_unit.
  static int64_t padded(int64_t n) { return (n + size_unit - 1) / size_unit * size_unit; }

  /// Parameters are initialised from `seed`: glorot-uniform kernels, zero biases.
  explicit Generator(const GeneratorOptions& options, uint64_t seed = 0);

  /// image (N,H,W,3) in [-1,1], whose hole content is ignored; mask (N or 1,H,W,1), 1 in the hole. Any H, W >= 1: sizes
  /// that are not multiples of 8 are padded by mirroring and cropped back.
  GeneratorOutput operator()(Variable image, const Variable& mask, const MemoryOptions& memory = {}) const;
  /// complete() of the call above's fine output. On the CPU, where no tape is kept, what shows in known pixels alone is
  /// not computed.
  Variable fill(const Variable& image, const Variable& mask) const;

  /// The most memory that the call above takes for one picture where no tape is kept, arguments and parameters aside:
  /// an estimate from above, in bytes.
  int64_t bytes_needed(int64_t height, int64_t width, const MemoryOptions& memory = {}) const;
  /// The fastest way that needs no more than `bytes`; if there is none, that which needs least.
  MemoryOptions within(int64_t bytes, int64_t height, int64_t width) const;

  /// All its convolutions, in order, as they meet a picture of height x width.
  std::vector<PlacedLayer> layers_for(int64_t height, int64_t width) const;

  /// Its chains of layers. The encoders both read the picture completed by coarse; the attention, or what stands in its
  /// place, follows `attended`, and the decoder reads `dilated` and `after_attention` side by side. All but coarse are
  /// empty for one stage.
  struct Stages {
    const ConvLayers &coarse, &dilated, &attended, &after_attention, &decoder;
  };
  Stages stages() const { return {coarse_, dilated_, attended_, after_attention_, decoder_}; }

  const GeneratorOptions& options() const { return options_; }
  /// Where its parameters lie, and so the pictures that it takes.
  Device device() const { return params_.items().front().second.device(); }
  const Params& params() const { return params_; }
  Params& params() { return params_; }

 private:
  /// With what is left to choose chosen, for a picture of that size.
  MemoryOptions resolved(MemoryOptions memory, int64_t height, int64_t width) const;
  /// What bytes_needed comes to while layers run, and while the attention runs, its own room aside.
  int64_t bytes_of_layers(int64_t height, int64_t width, int64_t strips) const;
  int64_t bytes_around_attention(int64_t height, int64_t width) const;
  bool attends() const { return !options_.one_stage && options_.attention == GeneratorOptions::Attention::contextual; }
  void check_operands(const Variable& image, const Variable& mask) const;
  /// With `windows`, only there and without a tape.
  GeneratorOutput run(Variable incomplete, const Variable& mask, MemoryOptions memory,
                      const Windows* windows = nullptr) const;
  /// The output of a stage, zeros beyond the windows if there are any, from the outputs x of the layers before.
  Variable finish(const ConvLayers& layers, Variable x, const MemoryOptions& memory, const Windows* windows) const;
  /// x through the layers of a stage.
  Variable through(const ConvLayers& layers, Variable x, const MemoryOptions& memory) const;
  Variable through_unrecorded(const ConvLayers& layers, Variable x, int64_t strips) const;

  GeneratorOptions options_;
  ConvLayers coarse_, dilated_, attended_, after_attention_, decoder_;
  ConvLayers placing_;  // that say where features are sampled in the attention's place
  Params params_;
};

/// fine in the hole, image outside: generated * mask + image * (1 - mask).
Variable complete(const Variable& generated, const Variable& image, const Variable& mask);

}  // namespace lacuna
