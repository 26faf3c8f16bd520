#include "nets/contextual_attention.h"

#include <algorithm>
#include <utility>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "nets/contextual_attention_composed.h"
#include "ops/attention/attention.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

using attention::Grid;

/// x once more on the tape, so that its gradient can be asked for apart from that of whatever leads to x.
Variable alias(const Variable& x) {
  return record("alias", {x}, x.value(), [](const Vjp& v) { return Variables{v.cotangent()}; });
}

/// The cotangents of {f, b, picture} by way of the composed formulation, recorded.
Variables differentiable_cotangents(const Variables& inputs, const Variable& m, const Grid& grid,
                                    const AttentionOptions& options, const Vjp& v) {
  Variables own, asked;
  for (const Variable& x : inputs) own.push_back(x.requires_grad() ? alias(x) : x);
  for (size_t i = 0; i < own.size(); ++i) {
    if (v.needs(i)) asked.push_back(own[i]);
  }
  const Variable y = attention::compose(own[0], own[1], own[2], m, grid, options).y;
  const Variables gradients = grad(y, asked, {.cotangent = v.cotangent(), .create_graph = true});
  Variables cotangents(own.size());
  for (size_t i = 0, k = 0; i < own.size(); ++i) {
    if (v.needs(i)) cotangents[i] = gradients[k++];
  }
  return cotangents;
}

StreamOptions stream_options(const AttentionOptions& options) {
  return {.ksize = options.ksize,
          .fuse_k = options.fuse ? options.fuse_k : 1,
          .rate = options.rate,
          .softmax_scale = options.softmax_scale,
          .block_rows = options.block_rows,
          .max_bytes = options.max_bytes};
}

/// f and b at the grid's resolution, in bytes.
int64_t downscaled_bytes(const Shape& grid, DType dtype) { return 2 * grid.numel() * size_of(dtype); }

/// One pass over the rows, of which the tape keeps nothing but the inputs: the way back computes the weights again.
AttentionOutput streamed(const Variable& f, const Variable& b, const Variable& picture, const Variable& m,
                         const Grid& grid, const AttentionOptions& options) {
  StreamOptions how = stream_options(options);
  if (how.max_bytes > 0) how.max_bytes = std::max<int64_t>(1, how.max_bytes - downscaled_bytes(f.shape(), f.dtype()));
  const Tensor available = m.value().reshaped({m.dim(0), grid.positions()});
  const AttentionOperands operands{f.value(), b.value(), picture.value(), available};
  Attended result = attend(operands, how);
  const Variables inputs{f, b, picture};
  Variable y = record("contextual_attention", inputs, result.y, [=](const Vjp& v) {
    if (recording()) return differentiable_cotangents(inputs, m, grid, options, v);
    const AttentionCotangents c =
        attend_backward(v.cotangent().value(), operands, how, {v.needs(0), v.needs(1), v.needs(2)});
    return Variables{c.f, c.b, c.picture};
  });
  return {std::move(y), {}, std::move(result.offsets)};
}

}  // namespace

AttentionOutput contextual_attention(const Variable& f, const Variable& b, const Tensor& mask,
                                     const AttentionOptions& options) {
  const TraceSpan span("contextual_attention");
  const Grid grid = attention::grid_of(f, b, mask, options);
  const Variable m = attention::availability(mask, grid, options.ksize, b.dtype());
  const Variable f_small = attention::downscale(f, grid), b_small = attention::downscale(b, grid);
  if (!options.keep_attention) return streamed(f_small, b_small, b, m, grid, options);
  const attention::Composed composed = attention::compose(f_small, b_small, b, m, grid, options);
  return {composed.y, composed.attention, attention::best_matches(composed.attention.value(), grid)};
}

int64_t attention_bytes(const Shape& b, DType dtype, const AttentionOptions& options) {
  const Shape grid{b[0], b[1] / options.rate, b[2] / options.rate, b[3]};
  StreamOptions how = stream_options(options);
  const int64_t downscaled = downscaled_bytes(grid, dtype);
  if (how.max_bytes > 0) how.max_bytes = std::max<int64_t>(1, how.max_bytes - downscaled);
  return downscaled + attend_bytes(grid, b[3], dtype, how);
}

}  // namespace lacuna
