#include "nets/attention_parts.h"

#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/softmax/softmax.h"
#include "ops/unfold/unfold.h"

namespace lacuna::attention {

void check_inputs(const Variable& f, const Variable& b, const Tensor& mask, const AttentionOptions& options) {
  check(f.rank() == 4 && f.shape() == b.shape(), "[contextual_attention] f and b must be (N,H,W,C) of one shape: f ",
        f.shape(), ", b ", b.shape());
  check(options.ksize % 2 == 1 && options.fuse_k % 2 == 1, "[contextual_attention] ksize and fuse_k must be odd, not ",
        options.ksize, " and ", options.fuse_k);
  check(options.rate >= 1 && f.dim(1) % options.rate == 0 && f.dim(2) % options.rate == 0,
        "[contextual_attention] the size must be a multiple of rate ", options.rate, ": f ", f.shape());
  check(mask.rank() == 4 && (mask.dim(0) == 1 || mask.dim(0) == f.dim(0)) && mask.dim(1) == b.dim(1) &&
            mask.dim(2) == b.dim(2) && mask.dim(3) == 1,
        "[contextual_attention] the mask must be (N or 1,H,W,1) for b ", b.shape(), ", not ", mask.shape());
}

Variable downscale(const Variable& x, int64_t rate) {
  return rate == 1 ? x : resize_nearest(x, x.dim(1) / rate, x.dim(2) / rate);
}

Variable available(const Tensor& mask, const AttentionOptions& options) {
  const Variable patches = unfold(downscale(mask, options.rate), {.kernel = options.ksize});
  const Variable hole_pixels = sum(patches, {-1});
  return reshape(relu(1.0 - hole_pixels), {mask.dim(0), 1, -1});
}

Variable attend(const Variable& scores, const Variable& m, double scale) { return softmax(scores * (m * scale)) * m; }

Tensor best_match(const Tensor& attention, int64_t height, int64_t width) {
  const Tensor best = argmax(attention, -1);
  Tensor offsets({attention.dim(0), height, width, 2}, DType::i32);
  for (int64_t i = 0; i < best.numel(); ++i) {
    const int32_t j = best.data<int32_t>()[i];
    offsets.data<int32_t>()[2 * i] = j / static_cast<int32_t>(width);
    offsets.data<int32_t>()[2 * i + 1] = j % static_cast<int32_t>(width);
  }
  return offsets;
}

}  // namespace lacuna::attention
