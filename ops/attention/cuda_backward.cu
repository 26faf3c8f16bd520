#include "ops/attention/cuda_stage.cuh"
#include "ops/attention/kernels.h"

namespace lacuna::kernels {
namespace attention {
namespace functors {

template <class T>
struct Add {
  const T* x;
  T* y;

  LACUNA_HD void operator()(int64_t i) const { y[i] += x[i]; }
};

/// Adds rows of a window (samples,rows,w,C) to (samples,h,w,C).
template <class T>
struct AddRows {
  CudaGrid g;
  Window window;
  const T* x;
  T* y;

  LACUNA_HD void operator()(int64_t i) const { y[element_of(g, window, i)] += x[i]; }
};

/// The cotangent of a patch's energy from that of its length; 0 where the length does not count.
template <class T>
struct EnergyCotangent {
  CudaGrid g;
  const T *energy, *length_cotangent;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const T length = sqrt(patch_energy(g, energy, i));
    y[i] = length < T(least_patch_length) ? T(0) : length_cotangent[i] / (2 * length);
  }
};

/// Adds 2 b(q) times the sum over the patches that hold q.
template <class T>
struct AddFromEnergies {
  CudaGrid g;
  const T *energy_cotangent, *b;
  T* y;

  LACUNA_HD void operator()(int64_t i) const { y[i] += 2 * b[i] * patch_energy(g, energy_cotangent, i / g.channels); }
};

/// Adds `factor` times the values around the corners, of all rows, to the pictures.
template <class T>
struct AddCorners {
  CudaGrid g;
  T factor;
  const T* x;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t width = int64_t{g.w} * g.rate, height = int64_t{g.h} * g.rate;
    const int64_t channel = i % g.picture_channels, px = i / g.picture_channels % width;
    const int64_t line = i / g.picture_channels / width, sample = line / height, py = line % height;
    const int64_t cy = (py + g.rate / 2) / g.rate, cx = (px + g.rate / 2) / g.rate;
    const int64_t in_block = (py + g.rate / 2) % g.rate * g.rate + (px + g.rate / 2) % g.rate;
    const int64_t corner = (sample * (g.h + 1) + cy) * (g.w + 1) + cx;
    y[i] += factor * x[corner * g.block() + in_block * g.picture_channels + channel];
  }
};

}  // namespace functors

namespace {

template <class T>
void add(const CudaStream& stream, const Tensor& x, Tensor& y) {
  for_each(stream, y.numel(), functors::Add<T>{x.data<T>(), y.data<T>()});
}

template <class T>
void attend_backward(const CudaStream& stream, const Tensor& g_of_y, const AttentionOperands& operands,
                     const StreamOptions& options, AttentionCotangents& result) {
  const CudaGrid g(operands.f.shape(), operands.picture.dim(3), options);
  const int64_t samples = operands.f.dim(0), picture = operands.picture.numel() / samples, l = g.positions();
  const CudaPlan plan = cuda_plan(g, samples, options, sizeof(T));
  const bool needs_scores = result.f.defined() || result.b.defined();
  const DType dtype = dtype_of<T>();
  const Device device = g_of_y.device();
  for (int64_t first = 0; first < samples; first += plan.samples) {
    const int64_t count = std::min(plan.samples, samples - first);
    const CudaSamples<T> own(stream, g, operands, first, count, static_cast<T>(options.softmax_scale));
    const Tensor cotangent = samples_of(g_of_y, first, count);
    Tensor pixels = Tensor::zeros({count, g.corners(), g.block()}, dtype, device);
    Tensor features_b = Tensor::zeros({count, l, g.channels}, dtype, device);
    Tensor lengths = Tensor::zeros({count, l}, dtype, device);
    for (int begin = 0; begin < g.h; begin += plan.rows) {
      const int end = std::min(g.h, begin + plan.rows), corner_rows = end - begin + 1;
      const Window rows = window_around(g, begin, end, 0), scored = window_around(g, begin, end, score_halo(g));
      const Window matched = window_around(g, begin, end, product_halo(g));
      const Tensor scores = own.scores(scored, matched);
      const Tensor weights = own.weights(scores, scored, begin, end, nullptr);
      const Tensor around = own.corners_of(cotangent, begin, corner_rows, T(1));
      if (result.picture.defined()) {
        const Tensor sums = own.corner_weights(weights, rows, begin, corner_rows);
        Tensor part = Tensor({count, g.corners(), g.block()}, dtype, device);
        kernels::matmul(stream, sums, around, {.transpose_a = true}, part);
        add<T>(stream, part, pixels);
      }
      if (!needs_scores) continue;
      Tensor of_scores = own.empty(int64_t{rows.rows} * g.w, l);
      {
        Tensor of_corners = own.empty(int64_t{corner_rows} * (g.w + 1), g.corners());
        kernels::matmul(stream, around, own.pixels, {.transpose_b = true}, of_corners);
        launch(stream, rows_grid(int64_t{rows.rows} * g.w, count), weigh_back<T>, g, rows, begin, corner_rows,
               of_corners.data<T>(), weights.data<T>(), own.scale, of_scores.data<T>());
      }
      Tensor of_sums = own.empty(int64_t{scored.rows} * g.w, l);  // of the patch sums, the lengths held fixed
      launch(stream, rows_grid(int64_t{scored.rows} * g.w, count), propagate_back<T>, g, rows, scored,
             of_scores.data<T>(), own.inverse_norms.template data<T>(), of_sums.data<T>());
      of_scores = {};
      constexpr int columns = 32;
      launch(stream, rows_grid((l + columns - 1) / columns, count), subtract_column_products<T>, scored.rows * g.w,
             static_cast<int>(l), of_sums.data<T>(), scores.data<T>(), lengths.data<T>());
      Tensor of_products = own.empty(int64_t{matched.rows} * g.w, l);
      const T* no_factor = nullptr;
      launch(stream, rows_grid(int64_t{matched.rows} * g.w, count), patch_sums<T>, g, scored, matched,
             of_sums.data<T>(), no_factor, of_products.data<T>());
      if (result.f.defined()) {
        Tensor part = own.empty(int64_t{matched.rows} * g.w, g.channels);
        kernels::matmul(stream, of_products, own.background(), {}, part);
        for_each(stream, part.numel(),
                 functors::AddRows<T>{g, matched, part.data<T>(), result.f.data<T>() + first * l * g.channels});
      }
      if (result.b.defined()) {
        Tensor part = own.empty(l, g.channels);
        kernels::matmul(stream, of_products, own.features(matched), {.transpose_a = true}, part);
        add<T>(stream, part, features_b);
      }
    }
    if (result.picture.defined()) {
      for_each(stream, count * picture,
               functors::AddCorners<T>{g, T(0.25), pixels.data<T>(), result.picture.data<T>() + first * picture});
    }
    if (result.b.defined()) {
      T* b = result.b.data<T>() + first * l * g.channels;
      for_each(stream, count * l * g.channels, functors::Add<T>{features_b.data<T>(), b});
      Tensor energies({count, l}, dtype, device);
      for_each(stream, count * l,
               functors::EnergyCotangent<T>{g, own.energy.template data<T>(), lengths.data<T>(), energies.data<T>()});
      for_each(stream, count * l * g.channels,
               functors::AddFromEnergies<T>{g, energies.data<T>(), own.b.template data<T>(), b});
    }
  }
}

}  // namespace
}  // namespace attention

void attend_backward(const CudaStream& stream, const Tensor& g, const AttentionOperands& operands,
                     const StreamOptions& options, AttentionCotangents& result) {
  visit_float(g.dtype(), "attend_backward",
              [&]<class T>(T) { attention::attend_backward<T>(stream, g, operands, options, result); });
}

}  // namespace lacuna::kernels
