#pragma once

#include "nets/layers.h"

namespace lacuna {

/// A critic (METHOD section 4): four 5x5 convolutions of stride 2 with leaky ReLU 0.2, then one dense unit on the
/// flattened features. The dense layer ties it to the picture size it was built for.
class Critic {
 public:
  enum class Kind : uint8_t { local, global };

  /// `height` x `width` is the size of the pictures it will judge; widths cnum * (1,2,4,8) local, (1,2,4,4) global.
  Critic(Kind kind, int64_t height, int64_t width, int64_t cnum = 64, DType dtype = DType::f32, uint64_t seed = 0);

  /// Scores (N,1) of pictures (N,height,width,3). Throws on another size.
  Variable operator()(const Variable& x) const;

  const ConvLayers& layers() const { return layers_; }
  const Params& params() const { return params_; }
  Params& params() { return params_; }

 private:
  Kind kind_;
  int64_t height_, width_;
  ConvLayers layers_;
  std::string dense_;
  Params params_;
};

}  // namespace lacuna
