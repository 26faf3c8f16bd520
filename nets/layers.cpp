#include "nets/layers.h"

#include "ops/resize/resize.h"

namespace lacuna {

void add_params(Params& params, const ConvLayers& layers, uint64_t seed, DType dtype) {
  for (const ConvLayer& l : layers) {
    const Philox random{seed, params.items().size()};
    params.add(l.name + "/kernel", glorot_uniform({l.kernel, l.kernel, l.in, l.out}, random, dtype));
    params.add(l.name + "/bias", Tensor::zeros({l.out}, dtype));
  }
}

Variable apply(const ConvLayers& layers, const Params& params, Variable x) {
  for (const ConvLayer& l : layers) {
    if (l.upsample) x = resize_nearest(x, 2 * x.dim(1), 2 * x.dim(2));
    x = conv2d_bias_act(x, params.at(l.name + "/kernel"), params.at(l.name + "/bias"), l.options, l.activation);
  }
  return x;
}

}  // namespace lacuna
