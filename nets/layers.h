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

/// Adds the layers' parameters: glorot-uniform kernels from `seed`, each with the draw of its place in `params`; zero
/// biases.
void add_params(Params& params, const ConvLayers& layers, uint64_t seed, DType dtype);

/// x through one layer after the other.
Variable apply(const ConvLayers& layers, const Params& params, Variable x);

}  // namespace lacuna
