#include "ops/broadcast/kernels.h"
#include "ops/conv2d/cuda_index.h"
#include "ops/conv2d/functors.h"
#include "ops/conv2d/kernels.h"
#include "ops/matmul/gemm.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
namespace {

using gemm::Gathered;
using gemm::Part;
using gemm::Problem;

gemm::Curve curve_of(const Activation& activation) {
  switch (activation.kind) {
    case Activation::Kind::elu:
      return gemm::Curve::elu;
    case Activation::Kind::relu:
    case Activation::Kind::leaky_relu:
      return gemm::Curve::leaky;
    case Activation::Kind::clip:
      return gemm::Curve::clip;
    default:
      return gemm::Curve::none;
  }
}

/// Indices of pixels and of a sum's terms are 32-bit numbers.
void check_size(const CudaStream& stream, const Shape& x, const Shape& y, const Shape& w) {
  constexpr int64_t most = (int64_t{1} << 31) - 1024;
  check(
      x[0] * x[1] * x[2] < most && y[0] * y[1] * y[2] < most && w[0] * w[1] * w[2] < most && w[0] * w[1] * w[3] < most,
      "[", stream.op, "] pictures ", x, " and ", y, " are too large for one call; take smaller batches");
}

template <class T>
void set_finish(Problem<T>& problem, const Tensor& b, const Activation& activation) {
  problem.bias = b.defined() ? b.data<T>() : nullptr;
  problem.curve = curve_of(activation);
  problem.slope = activation.kind == Activation::Kind::leaky_relu ? static_cast<T>(activation.slope) : T(0);
}

gemm::Lines lines(const Tensor& x) { return {x.dim(0) * x.dim(1) * x.dim(2), static_cast<int32_t>(x.dim(3))}; }

/// A product of pictures with n columns of weights.
template <class T>
Problem<T> product(const Tensor& pictures, const Tensor& weights, int64_t n, Tensor& y) {
  Problem<T> problem;
  problem.a = pictures.data<T>();
  problem.b = weights.data<T>();
  problem.y = y.data<T>();
  problem.a_lines = lines(pictures);
  problem.b_lines = lines(weights);
  problem.n = static_cast<int32_t>(n);
  return problem;
}

template <class T>
void forward(const CudaStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
             const Activation& activation, Tensor& y) {
  Problem<T> problem = product<T>(x, w, w.dim(3), y);
  set_finish(problem, b, activation);
  Part& part = problem.part[0];
  part.a = Gathered(x.dim(0), gemm::forward_axis(x.dim(1), w.dim(0), options),
                    gemm::forward_axis(x.dim(2), w.dim(1), options), x.dim(3));
  part.b.row_pitch = w.dim(3);
  part.rows = part.a.places;
  part.depth = part.a.depth;
  gemm::run(stream, problem);
}

/// Each phase of the stride is a product of its own, so that none of the zeros between g's pixels is multiplied.
template <class T>
void input(const CudaStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  Problem<T> problem = product<T>(g, w, w.dim(2), dx);
  problem.b_by_depth = true;
  const int64_t s = options.stride, phases = s * s;
  for (int64_t begin = 0; begin < phases; begin += gemm::most_parts) {
    problem.parts = static_cast<int32_t>(std::min<int64_t>(gemm::most_parts, phases - begin));
    for (int i = 0; i < problem.parts; ++i) {
      const int64_t row = (begin + i) / s, column = (begin + i) % s;
      const gemm::PhaseAxis rows = gemm::input_axis(dx.dim(1), w.dim(0), options, row);
      const gemm::PhaseAxis columns = gemm::input_axis(dx.dim(2), w.dim(1), options, column);
      Part& part = problem.part[i];
      part.a = Gathered(dx.dim(0), rows.axis, columns.axis, g.dim(3));
      part.b = {.row_pitch = w.dim(3),
                .tap_pitch = w.dim(2) * w.dim(3),
                .first_row = rows.first,
                .row_step = rows.step,
                .first_column = columns.first,
                .column_step = columns.step,
                .columns = static_cast<int32_t>(w.dim(1)),
                .taps = part.a.taps};
      part.y = gemm::every(dx.dim(1), dx.dim(2), s, row, column, part.a);
      part.rows = part.a.places;
      part.depth = part.a.depth;
    }
    gemm::run(stream, problem);
  }
}

/// The sum over all pixels is cut into parts, whose sums are then added up in order.
template <class T>
void weight(const CudaStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options, Tensor& dw) {
  Problem<T> problem = product<T>(x, g, g.dim(3), dw);
  problem.a_by_depth = false;
  Part& part = problem.part[0];
  part.a = Gathered(x.dim(0), gemm::forward_axis(x.dim(1), dw.dim(0), options),
                    gemm::forward_axis(x.dim(2), dw.dim(1), options), x.dim(3));
  part.b.row_pitch = g.dim(3);
  part.rows = part.a.depth;
  part.depth = part.a.places;
  constexpr int64_t tile = 128;
  const int64_t tiles = (part.rows + tile - 1) / tile * ((problem.n + tile - 1) / tile);
  const gemm::Splits splits = gemm::splits_for(tiles, part.depth, cuda_traits(stream.device).multiprocessors);
  if (splits.count == 1) return gemm::run(stream, problem);
  problem.splits = splits.count;
  problem.split_depth = splits.depth;
  Tensor partial({splits.count, dw.numel()}, dw.dtype(), dw.device());
  problem.y = partial.data<T>();
  problem.y_split = dw.numel();
  gemm::run(stream, problem);
  Tensor sums = dw.reshaped({1, dw.numel()});
  sum_to(stream, partial, sums);
}

/// w (3,3,Ci,Co) as the four kernels (phase, 2, 2, Ci, Co) whose taps are neighbours in the picture before doubling.
template <class T>
struct NeighbourKernels {
  const T* w;
  T* y;
  int64_t matrix;  // Ci Co

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t element = i % matrix;
    const int place = static_cast<int>(i / matrix);
    const gemm::TapRange rows = gemm::upsampled_taps(place / 8, place / 2 % 2);
    const gemm::TapRange columns = gemm::upsampled_taps(place / 4 % 2, place % 2);
    T sum = 0;
    for (int r = rows.begin; r < rows.end; ++r) {
      for (int c = columns.begin; c < columns.end; ++c) sum += w[(r * 3 + c) * matrix + element];
    }
    y[i] = sum;
  }
};

template <class T>
void upsampled(const CudaStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
               const Activation& activation, Tensor& y) {
  const int64_t matrix = w.dim(2) * w.dim(3), kernel = 4 * matrix;
  Tensor kernels({4, 4, w.dim(2), w.dim(3)}, w.dtype(), w.device());
  for_each(stream, 4 * kernel, NeighbourKernels<T>{w.data<T>(), kernels.data<T>(), matrix});
  Problem<T> problem = product<T>(x, kernels, w.dim(3), y);
  set_finish(problem, b, activation);
  problem.parts = 4;
  for (int phase = 0; phase < 4; ++phase) {
    Part& part = problem.part[phase];
    part.a = Gathered(x.dim(0), gemm::upsampled_axis(x.dim(1), padding, phase / 2),
                      gemm::upsampled_axis(x.dim(2), padding, phase % 2), x.dim(3));
    part.b.base = phase * kernel;
    part.b.row_pitch = w.dim(3);
    part.y = gemm::every(y.dim(1), y.dim(2), 2, phase / 2, phase % 2, part.a);
    part.rows = part.a.places;
    part.depth = part.a.depth;
  }
  gemm::run(stream, problem);
}

}  // namespace

using Stream = CudaStream;
#include "ops/conv2d/kernels.inc"

void conv2d(const CudaStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  check_size(stream, x.shape(), y.shape(), w.shape());
  visit_float(x.dtype(), "conv2d", [&]<class T>(T) { forward<T>(stream, x, w, b, options, activation, y); });
}

void conv2d_input(const CudaStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options,
                  Tensor& dx) {
  check_size(stream, dx.shape(), g.shape(), w.shape());
  visit_float(g.dtype(), "conv2d_input", [&]<class T>(T) { input<T>(stream, g, w, options, dx); });
}

void conv2d_weight(const CudaStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  check_size(stream, x.shape(), g.shape(), dw.shape());
  visit_float(x.dtype(), "conv2d_weight", [&]<class T>(T) { weight<T>(stream, x, g, options, dw); });
}

void conv2d_upsampled(const CudaStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y) {
  check_size(stream, x.shape(), y.shape(), w.shape());
  visit_float(x.dtype(), "conv2d", [&]<class T>(T) { upsampled<T>(stream, x, w, b, padding, activation, y); });
}

}  // namespace lacuna::kernels
