#pragma once

#include <string>
#include <vector>

#include "nets/params.h"
#include "ops/conv2d/conv2d.h"

namespace lacuna {

/// One convolution of a network: y = activate(conv2d(x, kernel) + bias), after a nearest x2 upsampling if so asked.
struct ConvLayer {
  std::string name;  ///< its parameters are <name>/kernel and <name>/bias
  int64_t kernel = 3;
  int64_t in = 0, out = 0;  ///< channels
  Conv2dOptions options;
  Activation activation;
  bool upsample = false;
};
using ConvLayers = std::vector<ConvLayer>;

/// A layer and the size of the pictures that it is given.
struct PlacedLayer {
  ConvLayer layer;
  int64_t height = 0, width = 0;

  /// The size of those it makes.
  int64_t out_height() const { return out(height); }
  int64_t out_width() const { return out(width); }

 private:
  int64_t out(int64_t n) const { return conv2d_axis(layer.upsample ? 2 * n : n, layer.kernel, layer.options).out; }
};
/// The layers one after the other, the first on pictures of height x width.
std::vector<PlacedLayer> placed(const ConvLayers& layers, int64_t height, int64_t width);

/// Adds the layers' parameters: glorot-uniform kernels from `seed`, each with the draw of its place in `params`; zero
/// biases.
void add_params(Params& params, const ConvLayers& layers, uint64_t seed, DType dtype);

/// x through one layer after the other.
Variable apply(const ConvLayers& layers, const Params& params, Variable x);

}  // namespace lacuna
