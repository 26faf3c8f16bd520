#include <algorithm>

#include "ops/conv2d/direct.h"
#include "ops/conv2d/direct_gather.h"
#include "ops/conv2d/gather.h"

namespace lacuna::kernels::direct {
namespace {

template <class T>
Finish<T> finish_of(const Tensor& bias, const Activation& activation) {
  using Kind = Activation::Kind;
  using Curve = typename Finish<T>::Curve;
  Finish<T> finish{.bias = bias.defined() ? bias.data<T>() : nullptr};
  if (activation.kind == Kind::elu) finish.curve = Curve::elu;
  if (activation.kind == Kind::clip) finish.curve = Curve::clip;
  if (activation.kind == Kind::relu || activation.kind == Kind::leaky_relu) finish.curve = Curve::leaky;
  if (activation.kind == Kind::leaky_relu) finish.slope = static_cast<T>(activation.slope);
  return finish;
}

/// The taps t whose offset makes position + before - t * dilation a multiple of stride; those that reach furthest back
/// first.
std::vector<int64_t> taps_reaching(int64_t position, int64_t before, int64_t taps, const Conv2dOptions& options) {
  std::vector<int64_t> reaching;
  for (int64_t t = taps - 1; t >= 0; --t) {
    if ((position + before - t * options.dilation) % options.stride == 0) reaching.push_back(t);
  }
  return reaching;
}

/// What the positions phase + stride * i of an input receive from the outputs of the convolution's axis.
Reads input_reads(int64_t phase, const std::vector<int64_t>& taps, const Conv2dAxis& axis,
                  const Conv2dOptions& options) {
  Reads reads{axis.out, (axis.in - phase + options.stride - 1) / options.stride, 1, {}, PadMode::zero};
  for (const int64_t t : taps) {
    reads.offsets.push_back((phase + axis.before - t * options.dilation) / options.stride);
  }
  return reads;
}

}  // namespace

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  const int64_t ci = w.dim(2), co = w.dim(3), taps = w.dim(0) * w.dim(1);
  visit_float(x.dtype(), "conv2d", [&]<class T>(T) {
    Stack<T> kernel{w.data<T>(), {}, ci, co, ci * co, co, 1};
    for (int64_t t = 0; t < taps; ++t) kernel.taps.push_back(t);
    gather_multiply<T>(stream, x,
                       {{forward_reads(x.dim(1), w.dim(0), options),
                         forward_reads(x.dim(2), w.dim(1), options),
                         kernel,
                         {},
                         finish_of<T>(b, activation)}},
                       y);
  });
}

// An input position is reached by those taps alone whose offset fits the stride, so positions are taken in stride *
// stride phases: within a phase the taps are the same, and the gradient is a gather from g with the transposed kernels.
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  const int64_t kw = w.dim(1), ci = w.dim(2), co = w.dim(3), stride = options.stride;
  const Conv2dAxis rows = conv2d_axis(dx.dim(1), w.dim(0), options), columns = conv2d_axis(dx.dim(2), kw, options);
  visit_float(g.dtype(), "conv2d_input", [&]<class T>(T) {
    std::vector<GatherProduct<T>> phases;
    bool untouched = false;  // some positions, by every tap
    for (int64_t phase = 0; phase < stride; ++phase) {
      untouched |= taps_reaching(phase, rows.before, w.dim(0), options).empty() ||
                   taps_reaching(phase, columns.before, kw, options).empty();
    }
    if (untouched) std::fill_n(dx.data<T>(), dx.numel(), T{0});
    for (int64_t row_phase = 0; row_phase < std::min(stride, rows.in); ++row_phase) {
      const std::vector<int64_t> row_taps = taps_reaching(row_phase, rows.before, w.dim(0), options);
      for (int64_t column_phase = 0; column_phase < std::min(stride, columns.in); ++column_phase) {
        const std::vector<int64_t> column_taps = taps_reaching(column_phase, columns.before, kw, options);
        if (row_taps.empty() || column_taps.empty()) continue;
        Stack<T> kernel{w.data<T>(), {}, co, ci, ci * co, 1, co};
        for (const int64_t r : row_taps) {
          for (const int64_t s : column_taps) kernel.taps.push_back(r * kw + s);
        }
        phases.push_back({input_reads(row_phase, row_taps, rows, options),
                          input_reads(column_phase, column_taps, columns, options),
                          kernel,
                          {row_phase, stride, column_phase, stride},
                          {}});
      }
    }
    gather_multiply<T>(stream, g, phases, dx);
  });
}

// The outputs of one parity of row and column read two of the three rows and columns around a pixel of x, each with the
// sum of those taps that fall there.
void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y) {
  const int64_t ci = w.dim(2), co = w.dim(3);
  const PadMode mode = padding == Padding::same ? PadMode::zero : PadMode::symmetric;
  const auto reads = [mode](int64_t n, int64_t parity) { return Reads{n, n, 1, {parity - 1, parity}, mode}; };
  visit_float(x.dtype(), "conv2d_upsampled", [&]<class T>(T) {
    Tensor sums = Tensor::zeros({4, 4 * ci * co}, dtype_of<T>());
    std::vector<GatherProduct<T>> phases;
    for (int64_t row = 0; row < 2; ++row) {
      for (int64_t column = 0; column < 2; ++column) {
        T* phase = sums.data<T>() + (row * 2 + column) * 4 * ci * co;
        for (int64_t tap = 0; tap < 9; ++tap) {
          const int64_t r = (row + tap / 3 + 1) / 2 - row, s = (column + tap % 3 + 1) / 2 - column;
          const T* from = w.data<T>() + tap * ci * co;
          T* to = phase + (r * 2 + s) * ci * co;
          for (int64_t i = 0; i < ci * co; ++i) to[i] += from[i];
        }
        const Stack<T> kernel{phase, {0, 1, 2, 3}, ci, co, ci * co, co, 1};
        phases.push_back(
            {reads(x.dim(1), row), reads(x.dim(2), column), kernel, {row, 2, column, 2}, finish_of<T>(b, activation)});
      }
    }
    gather_multiply<T>(stream, x, phases, y);
  });
}

}  // namespace lacuna::kernels::direct
