#pragma once

#include <cstdint>

#include "tensor/functor.h"
#include "tensor/index_divider.h"

namespace lacuna::functors {

/// Windows over a batch of pictures: output (i,j) reads rows [i stride, i stride + kernel) and columns likewise.
struct PoolShape {
  int64_t height, width, channels;
  int64_t out_height, out_width;
  int64_t kernel, stride;
};

/// An element's place in a batch of pictures of height x width.
struct PoolPlace {
  int64_t picture, row, col, channel;
};

LACUNA_HD inline PoolPlace pool_place(int64_t i, int64_t height, int64_t width, int64_t channels) {
  const int64_t pixel = divide(i, channels), line = divide(pixel, width), picture = divide(line, height);
  return {picture, line - picture * height, pixel - line * width, i - pixel * channels};
}

/// The windows [begin, end) of an axis that hold `position`.
struct PoolRange {
  int64_t begin, end;
};

LACUNA_HD inline PoolRange windows_with(int64_t position, int64_t out, const PoolShape& s) {
  const int64_t begin = position < s.kernel ? 0 : divide(position - s.kernel, s.stride) + 1;
  const int64_t end = divide(position, s.stride) + 1;
  return {begin, end < out ? end : out};
}

/// index[i]: the pixel of a window's largest element, row * width + column. A NaN counts as larger than any number, so
/// that a diverged run is noticed.
template <class T>
struct MaxPoolIndex {
  const T* x;
  PoolShape s;
  int32_t* index;

  LACUNA_HD void operator()(int64_t i) const {
    const PoolPlace out = pool_place(i, s.out_height, s.out_width, s.channels);
    const T* picture = x + out.picture * s.height * s.width * s.channels + out.channel;
    int64_t best = out.row * s.stride * s.width + out.col * s.stride;
    for (int64_t r = 0; r < s.kernel; ++r) {
      for (int64_t c = 0; c < s.kernel; ++c) {
        const int64_t pixel = (out.row * s.stride + r) * s.width + out.col * s.stride + c;
        const T value = picture[pixel * s.channels], largest = picture[best * s.channels];
        if (largest == largest && !(value <= largest)) best = pixel;
      }
    }
    index[i] = static_cast<int32_t>(best);
  }
};

/// y[i] = the pixel of x that index[i] names.
template <class T>
struct MaxPool {
  const T* x;
  const int32_t* index;
  PoolShape s;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const PoolPlace out = pool_place(i, s.out_height, s.out_width, s.channels);
    y[i] = x[(out.picture * s.height * s.width + index[i]) * s.channels + out.channel];
  }
};

/// x[i] = the sum of g over the windows that took their value from pixel i.
template <class T>
struct MaxPoolAdjoint {
  const T* g;
  const int32_t* index;
  PoolShape s;
  T* x;

  LACUNA_HD void operator()(int64_t i) const {
    const PoolPlace in = pool_place(i, s.height, s.width, s.channels);
    const PoolRange rows = windows_with(in.row, s.out_height, s), cols = windows_with(in.col, s.out_width, s);
    T sum = 0;
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      for (int64_t c = cols.begin; c < cols.end; ++c) {
        const int64_t o = ((in.picture * s.out_height + r) * s.out_width + c) * s.channels + in.channel;
        if (index[o] == in.row * s.width + in.col) sum += g[o];
      }
    }
    x[i] = sum;
  }
};

/// y[i] = the mean of a window.
template <class T>
struct AvgPool {
  const T* x;
  PoolShape s;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const PoolPlace out = pool_place(i, s.out_height, s.out_width, s.channels);
    T sum = 0;
    for (int64_t r = 0; r < s.kernel; ++r) {
      const int64_t row = out.picture * s.height + out.row * s.stride + r;
      for (int64_t c = 0; c < s.kernel; ++c) {
        sum += x[(row * s.width + out.col * s.stride + c) * s.channels + out.channel];
      }
    }
    y[i] = sum / static_cast<T>(s.kernel * s.kernel);
  }
};

/// x[i] = the sum of g over the windows that hold pixel i, over a window's size.
template <class T>
struct AvgPoolAdjoint {
  const T* g;
  PoolShape s;
  T* x;

  LACUNA_HD void operator()(int64_t i) const {
    const PoolPlace in = pool_place(i, s.height, s.width, s.channels);
    const PoolRange rows = windows_with(in.row, s.out_height, s), cols = windows_with(in.col, s.out_width, s);
    T sum = 0;
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      for (int64_t c = cols.begin; c < cols.end; ++c) {
        sum += g[((in.picture * s.out_height + r) * s.out_width + c) * s.channels + in.channel];
      }
    }
    x[i] = sum / static_cast<T>(s.kernel * s.kernel);
  }
};

}  // namespace lacuna::functors
