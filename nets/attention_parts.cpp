#include "nets/attention_parts.h"

#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/softmax/softmax.h"
#include "ops/unfold/unfold.h"

namespace lacuna::attention {

Grid grid_of(const Variable& f, const Variable& b, const Tensor& mask, const AttentionOptions& options) {
  const char* op = "[contextual_attention] ";
  check(f.rank() == 4 && f.shape() == b.shape() && f.numel() > 0, op, "f ", f.shape(), " and b ", b.shape(),
        " must have the same shape (N,H,W,C)");
  check(f.dtype() == b.dtype(), op, "f is ", name_of(f.dtype()), " but b is ", name_of(b.dtype()));
  const int64_t n = b.dim(0), height = b.dim(1), width = b.dim(2);
  check(mask.rank() == 4 && (mask.dim(0) == 1 || mask.dim(0) == n) && mask.dim(1) == height && mask.dim(2) == width &&
            mask.dim(3) == 1,
        op, "mask must be (N or 1,H,W,1) for b ", b.shape(), ", not ", mask.shape());
  check(options.ksize >= 1 && options.ksize % 2 == 1, op, "ksize must be odd, not ", options.ksize);
  check(options.fuse_k >= 1 && options.fuse_k % 2 == 1, op, "fuse_k must be odd, not ", options.fuse_k);
  check(options.rate >= 1 && height % options.rate == 0 && width % options.rate == 0, op, "height and width of b ",
        b.shape(), " must be multiples of rate ", options.rate);
  return {n, height / options.rate, width / options.rate};
}

Variable downscale(const Variable& x, const Grid& grid) {
  return x.dim(1) == grid.h && x.dim(2) == grid.w ? x : resize_nearest(x, grid.h, grid.w);
}

Variable availability(const Tensor& mask, const Grid& grid, int64_t ksize, DType dtype) {
  const Variable patches = unfold(downscale(mask.to(dtype), grid), {.kernel = ksize});
  const Variable holes = reshape(sum(patches, {-1}), {mask.dim(0), 1, 1, grid.positions()});
  const Variable ones = Tensor::full(holes.shape(), 1, dtype, holes.device());
  return gate(ones, holes, {.lo = 0, .hi = 0, .inside = 1, .outside = 0});
}

Variable weights(Variable scores, const Variable& m, double scale) {
  scores = scores * (scale * m);
  scores = softmax(scores);
  return scores * m;
}

Tensor best_matches(const Tensor& attention, const Grid& grid) {
  const Tensor best = argmax(attention, -1).to(Device{});
  Tensor offsets({best.dim(0), best.dim(1), best.dim(2), 2}, DType::i32);
  const int32_t width = static_cast<int32_t>(grid.w);
  const int32_t* from = best.data<int32_t>();
  int32_t* to = offsets.data<int32_t>();
  for (int64_t i = 0; i < best.numel(); ++i) {
    to[2 * i] = from[i] / width;
    to[2 * i + 1] = from[i] % width;
  }
  return offsets.to(attention.device());
}

}  // namespace lacuna::attention
