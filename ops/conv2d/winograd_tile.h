#pragma once

#include <cstdint>

#include "ops/conv2d/conv2d.h"

/// The transforms of Winograd's minimal filtering F(4x4, 3x3) (Winograd, "Arithmetic Complexity of Computations", 1980;
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308) with the interpolation points
/// 0, +-5/8, +-3/2 and infinity, whose rounding errors are a quarter of those of the common 0, +-1, +-2 and infinity:
///   y = At [(G w Gt) * (Bt x B)] A   for 6 x 6 pixels x, 3 x 3 taps w and 4 x 4 outputs y, * by element.
namespace lacuna::kernels::winograd {

constexpr int outputs = 4;               ///< along an axis
constexpr int inputs = 6;                ///< along an axis: what those outputs read under 3 taps
constexpr int points = inputs * inputs;  ///< of a transformed tile
constexpr int tile_outputs = outputs * outputs;

/// The transforms for one instruction set. Each works on many channels at once, and may write up to one vector's width
/// beyond the channels asked for.
template <class T>
struct Transforms {
  int64_t lanes;
  /// v[p * stride + c] = (Bt x B)[p] for c < channels; pixels: the 36 pixels of a tile. `ahead` elements further lie
  /// those of the tile to come, which are fetched into the cache.
  void (*input)(const T* const* pixels, int64_t channels, int64_t ahead, T* v, int64_t stride);
  /// targets[p][c] = (G w Gt)[p]; taps: the 9 taps' rows of the kernel. Targets, multiples of a vector's size or null,
  /// may be written past the caches, where a fence must follow. Writes nothing beyond the channels.
  void (*kernel)(const T* const* taps, int64_t channels, T* const* targets, bool past_caches);
  /// targets[o][c] = activate((At m A)[o] + bias[c]) for m[p * stride + c]; the 16 targets may be null, as may be bias.
  /// Writes nothing beyond the channels.
  void (*output)(const T* m, int64_t stride, int64_t channels, const T* bias, const Activation& activation,
                 T* const* targets);
  /// The transposed transform of outputs: z[p * stride + c] = (A y At)[p]; pixels: the 16 outputs of a tile.
  void (*output_adjoint)(const T* const* pixels, int64_t channels, T* z, int64_t stride);
  /// The transposed transform of kernels: taps[t][c] = (Gt u G)[t]. Writes nothing beyond the channels.
  void (*kernel_adjoint)(const T* u, int64_t stride, int64_t channels, T* const* taps);
};

template <class T>
const Transforms<T>& transforms();

extern const Transforms<float> portable_f32, avx2_f32, avx512_f32;
extern const Transforms<double> portable_f64, avx2_f64, avx512_f64;

}  // namespace lacuna::kernels::winograd
