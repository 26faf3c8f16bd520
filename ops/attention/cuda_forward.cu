#include "ops/attention/cuda_stage.cuh"
#include "ops/attention/kernels.h"

namespace lacuna::kernels {
namespace attention {
namespace {

template <class T>
void attend(const CudaStream& stream, const AttentionOperands& operands, const StreamOptions& options,
            Attended& result) {
  const CudaGrid g(operands.f.shape(), operands.picture.dim(3), options);
  const int64_t samples = operands.f.dim(0), picture = operands.picture.numel() / samples;
  const CudaPlan plan = cuda_plan(g, samples, options, sizeof(T));
  for (int64_t first = 0; first < samples; first += plan.samples) {
    const int64_t count = std::min(plan.samples, samples - first);
    const CudaSamples<T> own(stream, g, operands, first, count, static_cast<T>(options.softmax_scale));
    T* y = result.y.data<T>() + first * picture;
    int32_t* offsets = result.offsets.data<int32_t>() + first * 2 * g.positions();
    for (int top = 0; top <= g.h; top += plan.rows) {
      const int rows = std::min(plan.rows, g.h + 1 - top);  // of corners
      const int begin = std::max(0, top - 1), end = std::min(g.h, top + rows);
      const Window window = window_around(g, begin, end, score_halo(g));
      Tensor weights =
          own.weights(own.scores(window, window_around(g, begin, end, product_halo(g))), window, begin, end, offsets);
      const Tensor sums = own.corner_weights(weights, window_around(g, begin, end, 0), top, rows);
      weights = {};
      Tensor pasted = own.empty(int64_t{rows} * (g.w + 1), g.block());
      kernels::matmul(stream, sums, own.pixels, {}, pasted);
      const int64_t height = int64_t{g.h} * g.rate, from = std::max<int64_t>(0, int64_t{top} * g.rate - g.rate / 2);
      const int64_t to = std::min(height, int64_t{top + rows} * g.rate - g.rate / 2);
      for_each(stream, count * (to - from) * g.w * g.rate * g.picture_channels,
               functors::PutCorners<T>{g, top, rows, from, to - from, pasted.data<T>(), y});
    }
  }
}

}  // namespace
}  // namespace attention

void attend(const CudaStream& stream, const AttentionOperands& operands, const StreamOptions& options,
            Attended& result) {
  visit_float(operands.f.dtype(), "attend",
              [&]<class T>(T) { attention::attend<T>(stream, operands, options, result); });
}

int64_t attend_bytes(const CudaStream&, const Shape& f, int64_t picture_channels, DType dtype,
                     const StreamOptions& options) {
  const attention::CudaGrid g(f, picture_channels, options);
  const attention::CudaPlan plan = attention::cuda_plan(g, f[0], options, size_of(dtype));
  return plan.bytes + 2 * plan.samples * g.corners() * g.block() * size_of(dtype);
}

}  // namespace lacuna::kernels
