#include "nets/attention_alternatives.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"
#include "ops/concat/concat.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"

namespace lacuna {
namespace {

constexpr Activation elu_after{.kind = Activation::Kind::elu};

/// 0, 1, ..., n - 1 along the first of two axes. Made where x lies, so that it can be recorded in a plan.
Variable counted(int64_t n, const Variable& x) {
  Variable all = Tensor::zeros({1, 1}, x.dtype(), x.device());
  while (all.dim(0) < n) all = concat({all, all + static_cast<double>(all.dim(0))}, 0);
  return slice(all, 0, 0, n);
}

/// Row and column of every position, (1,h,w,2).
Variable positions_of(const Variable& x) {
  const int64_t h = x.dim(1), w = x.dim(2);
  const Shape plane{1, h, w, 1};
  return concat({broadcast_to(reshape(counted(h, x), {1, h, 1, 1}), plane),
                 broadcast_to(reshape(counted(w, x), {1, 1, w, 1}), plane)},
                3);
}

}  // namespace

ConvLayers appearance_flow_layers(int64_t channels, Padding padding) {
  return {{"inpaint_net/flow1", 3, channels, channels / 2, {.padding = padding}, elu_after, false},
          {"inpaint_net/flow2", 3, channels / 2, 2, {.padding = padding}, {}, false}};
}

Variable appearance_flow_places(const ConvLayers& layers, const Params& params, const Variable& x) {
  return positions_of(x) + apply(layers, params, x);
}

ConvLayers spatial_transformer_layers(int64_t channels, Padding padding) {
  const Conv2dOptions down{.stride = 2, .padding = padding};
  return {{"inpaint_net/transformer1", 3, channels, channels / 2, down, elu_after, false},
          {"inpaint_net/transformer2", 3, channels / 2, channels / 2, down, elu_after, false},
          {"inpaint_net/transformer3", 1, channels / 2, 6, {}, {}, false}};
}

void set_identity(const ConvLayers& spatial_transformer, Params& params) {
  const std::string& name = spatial_transformer.back().name;
  Tensor kernel = params.at(name + "/kernel").value(), bias = params.at(name + "/bias").value();
  visit_float(kernel.dtype(), "set_identity", [&]<class T>(T) {
    std::fill_n(kernel.data<T>(), kernel.numel(), T(0));
    bias.data<T>()[0] = bias.data<T>()[4] = 1;
  });
}

Variable spatial_transformer_places(const ConvLayers& layers, const Params& params, const Variable& x) {
  const ConvLayers convolutions(layers.begin(), layers.end() - 1), linear{layers.back()};
  const Variable map = apply(linear, params, mean(apply(convolutions, params, x), {1, 2}, true));  // (N,1,1,6)
  const Variable positions = positions_of(x);
  Variables from, to;
  for (int axis = 0; axis < 2; ++axis) {
    const auto extent = static_cast<double>(x.dim(1 + axis));
    from.push_back(affine(slice(positions, 3, axis, 1), 2 / extent, 1 / extent - 1));
  }
  for (int axis = 0; axis < 2; ++axis) {
    const auto extent = static_cast<double>(x.dim(1 + axis));
    const auto entry = [&](int64_t column) { return slice(map, 3, 3 * axis + column, 1); };
    const Variable place = entry(0) * from[0] + entry(1) * from[1] + entry(2);
    to.push_back(affine(place, extent / 2, (extent - 1) / 2));
  }
  return concat(to, 3);
}

Variable held_within(const Variable& places) {
  Variables held;
  for (int axis = 0; axis < 2; ++axis) {
    held.push_back(clip(slice(places, 3, axis, 1), 0, static_cast<double>(places.dim(1 + axis) - 1)));
  }
  return concat(held, 3);
}

Tensor matches_of(const Variable& places) {
  const NoGrad no_grad;
  const ResizeOptions every_second{.align_corners = false};
  const Variable of_pairs = resize_nearest(places.detach(), places.dim(1) / 2, places.dim(2) / 2, every_second);
  return affine(of_pairs, 0.5, -0.25).value().to(DType::i32);  // rounds 2 i and 2 i + 1 to i
}

}  // namespace lacuna
