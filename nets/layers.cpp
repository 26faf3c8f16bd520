#include "nets/layers.h"

#include "ops/conv2d/upsampled.h"
#include "tensor/trace.h"

namespace lacuna {

void add_params(Params& params, const ConvLayers& layers, uint64_t seed, DType dtype) {
  for (const ConvLayer& l : layers) {
    const Philox random{seed, params.items().size()};
    params.add(l.name + "/kernel", glorot_uniform({l.kernel, l.kernel, l.in, l.out}, random, dtype));
    params.add(l.name + "/bias", Tensor::zeros({l.out}, dtype));
  }
}

std::vector<PlacedLayer> placed(const ConvLayers& layers, int64_t height, int64_t width) {
  std::vector<PlacedLayer> all;
  for (const ConvLayer& l : layers) {
    all.push_back({l, height, width});
    height = all.back().out_height();
    width = all.back().out_width();
  }
  return all;
}

Variable apply(const ConvLayers& layers, const Params& params, Variable x) {
  for (const ConvLayer& l : layers) {
    const TraceSpan span(l.name);
    const Variable &w = params.at(l.name + "/kernel"), &b = params.at(l.name + "/bias");
    x = l.upsample ? upsampled_conv2d_bias_act(x, w, b, l.options.padding, l.activation)
                   : conv2d_bias_act(x, w, b, l.options, l.activation);
  }
  return x;
}

}  // namespace lacuna
