#pragma once

#include "nets/contextual_attention.h"
#include "nets/layers.h"

namespace lacuna {

struct GeneratorOptions {
  enum class Attention : uint8_t { contextual, none };

  int64_t cnum = 32;                            ///< width of the first layer; 32 in the paper
  Padding padding = Padding::same;              ///< same as released, or the paper's mirror padding
  bool one_stage = false;                       ///< the baseline: stage 1 alone
  Attention attention = Attention::contextual;  ///< none: the attention layer passes its input through
  DType dtype = DType::f32;
};

/// What the generator makes of a picture, all (N,H,W,3) in [-1,1].
struct GeneratorOutput {
  Variable coarse;  ///< stage 1
  Variable fine;    ///< stage 2; the same as coarse for a one-stage network
  Tensor offsets;   ///< (N,h,w,2) i32: the attention's best match per position; undefined without attention
};

/// The coarse-to-fine network (METHOD section 2). Layer and parameter names are the released checkpoint's.
class Generator {
 public:
  /// Pixels of the picture, along an axis, under one position of the attention's grid: two strides of 2, then the
  /// attention's rate of 2. Sizes are padded to a multiple of it.
  static constexpr int64_t size_unit = 8;

  /// Parameters are initialised from `seed`: glorot-uniform kernels, zero biases.
  explicit Generator(const GeneratorOptions& options, uint64_t seed = 0);

  /// image (N,H,W,3) in [-1,1], whose hole content is ignored; mask (N or 1,H,W,1), 1 in the hole. Any H, W >= 1: sizes
  /// that are not multiples of 8 are padded by mirroring and cropped back.
  GeneratorOutput operator()(const Variable& image, const Variable& mask) const;

  const GeneratorOptions& options() const { return options_; }
  const Params& params() const { return params_; }
  Params& params() { return params_; }

 private:
  GeneratorOutput run(const Variable& incomplete, const Variable& mask) const;

  GeneratorOptions options_;
  ConvLayers coarse_, dilated_, attended_, after_attention_, decoder_;
  Params params_;
};

/// fine in the hole, image outside: generated * mask + image * (1 - mask).
Variable complete(const Variable& generated, const Variable& image, const Variable& mask);

}  // namespace lacuna
