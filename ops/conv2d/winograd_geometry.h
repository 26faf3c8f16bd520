#pragma once

#include <array>
#include <cstdint>

#include "ops/conv2d/gather.h"
#include "ops/conv2d/winograd_axis.h"
#include "ops/conv2d/winograd_tile.h"

namespace lacuna::kernels::winograd {

constexpr int taps = 9;  ///< of the kernels that the tiles see

constexpr int64_t up_to_multiple(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// Both axes of a convolution, and its tiles: those of all sub-pictures of all pictures, in a row.
struct Geometry {
  Axis rows, columns;
  int64_t images;

  int64_t tiles() const { return images * rows.subs * columns.subs * rows.tiles * columns.tiles; }
  int64_t input_phases() const { return rows.input_phases * columns.input_phases; }
  int64_t output_phases() const { return rows.output_phases * columns.output_phases; }
  /// Whether the kernel from an input phase to an output phase has anything at that point of the tile.
  bool live(int64_t output_phase, int64_t input_phase, int point) const {
    return rows.live(output_phase / columns.output_phases, input_phase / columns.input_phases, point / inputs) &&
           columns.live(output_phase % columns.output_phases, input_phase % columns.input_phases, point % inputs);
  }
};

/// Elements from one transformed tile of `phases` times `channels` to the next: room for the last vector, and an odd
/// number of vectors, so that neighbouring tiles do not want the same lines of the cache.
constexpr int64_t tile_step(int64_t phases, int64_t channels, int64_t lanes) {
  const int64_t vectors = ((phases - 1) * channels + up_to_multiple(channels, lanes) + lanes - 1) / lanes;
  return (vectors | 1) * lanes;
}

/// A picture (N,H,W,C) in which a tile's pixels are looked up.
template <class T>
struct Picture {
  T* data;
  int64_t height, width, channels;

  T* pixel(int64_t n, int64_t row, int64_t column) const {
    return data + ((n * height + row) * width + column) * channels;
  }
};

template <class T>
Picture<T> picture_of(Tensor& x) {
  return {x.data<T>(), x.dim(1), x.dim(2), x.dim(3)};
}
template <class T>
Picture<const T> picture_of(const Tensor& x) {
  return {x.data<T>(), x.dim(1), x.dim(2), x.dim(3)};
}

/// Where tile `index` lies: its picture, and along each axis its sub-picture and its number there.
struct Place {
  int64_t image, row_sub, column_sub, row, column;

  Place(const Geometry& g, int64_t index) {
    column = index % g.columns.tiles, index /= g.columns.tiles;
    row = index % g.rows.tiles, index /= g.rows.tiles;
    column_sub = index % g.columns.subs, index /= g.columns.subs;
    row_sub = index % g.rows.subs, image = index / g.rows.subs;
  }
};

/// The addresses of side x side pixels at the positions rows[i], columns[j]; `outside` where either is -1.
template <int side, class T>
std::array<T*, side * side> lookup(const Picture<T>& picture, int64_t image, const int64_t* rows,
                                   const int64_t* columns, T* outside) {
  std::array<T*, side * side> pixels;
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      pixels[i * side + j] = rows[i] < 0 || columns[j] < 0 ? outside : picture.pixel(image, rows[i], columns[j]);
    }
  }
  return pixels;
}

/// v[point * stride + phase * channels + c]: the transform of one tile of the input, all phases.
template <class T>
void transform_input(const Geometry& g, const Place& at, const Picture<const T>& x, const T* zeros, T* v,
                     int64_t stride) {
  const int64_t ahead = outputs * g.columns.subs * g.columns.input_phases * x.channels;
  for (int64_t a = 0; a < g.rows.input_phases; ++a) {
    for (int64_t b = 0; b < g.columns.input_phases; ++b, v += x.channels) {
      const int64_t* rows =
          &g.rows.source[(at.row_sub * g.rows.input_phases + a) * g.rows.sources() + outputs * at.row];
      const int64_t* columns =
          &g.columns.source[(at.column_sub * g.columns.input_phases + b) * g.columns.sources() + outputs * at.column];
      const auto pixels = lookup<inputs>(x, at.image, rows, columns, zeros);
      transforms<T>().input(pixels.data(), x.channels, ahead, v, stride);
    }
  }
}

/// The addresses of one tile's outputs in phase (a,b), null beyond the border.
template <class T>
std::array<T*, tile_outputs> outputs_of(const Geometry& g, const Place& at, int64_t a, int64_t b, const Picture<T>& y,
                                        T* outside = nullptr) {
  const int64_t* rows = &g.rows.target[(at.row_sub * g.rows.output_phases + a) * g.rows.targets() + outputs * at.row];
  const int64_t* columns =
      &g.columns.target[(at.column_sub * g.columns.output_phases + b) * g.columns.targets() + outputs * at.column];
  return lookup<outputs>(y, at.image, rows, columns, outside);
}

/// Calls f(place, input phase, output phase, tap) for every tap (in kh x kw) of every output phase.
template <class F>
void for_each_tap(const Geometry& g, F f) {
  const int64_t kh = static_cast<int64_t>(g.rows.taps.size()) / g.rows.output_phases;
  const int64_t kw = static_cast<int64_t>(g.columns.taps.size()) / g.columns.output_phases;
  for (int64_t a = 0; a < g.rows.output_phases; ++a) {
    for (int64_t b = 0; b < g.columns.output_phases; ++b) {
      for (int64_t r = 0; r < kh; ++r) {
        for (int64_t s = 0; s < kw; ++s) {
          const Axis::Tap row = g.rows.taps[a * kh + r], column = g.columns.taps[b * kw + s];
          if (row.place < 0 || column.place < 0) continue;
          f(row.place * 3 + column.place, row.input_phase * g.columns.input_phases + column.input_phase,
            a * g.columns.output_phases + b, r * kw + s);
        }
      }
    }
  }
}

inline Geometry forward_geometry(const Tensor& x, int64_t kh, int64_t kw, const Conv2dOptions& options) {
  const PadMode mode = pad_mode(options.padding);
  return {forward_axis(conv2d_axis(x.dim(1), kh, options), kh, options, mode),
          forward_axis(conv2d_axis(x.dim(2), kw, options), kw, options, mode), x.dim(0)};
}

}  // namespace lacuna::kernels::winograd
