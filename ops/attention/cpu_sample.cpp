#include <cmath>
#include <limits>

#include "ops/attention/sample.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels::attention {
namespace {

template <class T>
const RowLoops<T>& choose(const RowLoops<T>& portable, [[maybe_unused]] const RowLoops<T>& avx2,
                          [[maybe_unused]] const RowLoops<T>& avx512) {
#ifdef __x86_64__
  if (cpu_level() >= CpuLevel::avx512) return avx512;
  if (cpu_level() >= CpuLevel::avx2) return avx2;
#endif
  return portable;
}

}  // namespace

template <>
const RowLoops<float>& row_loops<float>() {
  return choose(row_loops_portable_f32, row_loops_avx2_f32, row_loops_avx512_f32);
}
template <>
const RowLoops<double>& row_loops<double>() {
  return choose(row_loops_portable_f64, row_loops_avx2_f64, row_loops_avx512_f64);
}

Geometry::Geometry(const Shape& f, int64_t picture_channels, const StreamOptions& options)
    : h(f[1]),
      w(f[2]),
      channels(f[3]),
      rate(options.rate),
      picture_channels(picture_channels),
      patch(options.ksize / 2),
      fuse(options.fuse_k / 2) {}

template <class T>
Sample<T>::Sample(const CpuStream& stream, const Geometry& g, const AttentionOperands& operands, int64_t index,
                  double softmax_scale) {
  const int64_t l = g.positions(), padded = l + row_slack;
  const auto of = [&](const Tensor& x) { return x.data<T>() + (x.dim(0) == 1 ? 0 : index) * (x.numel() / x.dim(0)); };
  f = of(operands.f);
  b = of(operands.b);
  picture = of(operands.picture);
  available.assign(static_cast<size_t>(padded), T(0));
  std::copy_n(of(operands.available), l, available.begin());

  std::vector<double> energy(static_cast<size_t>(l));
  for (int64_t j = 0; j < l; ++j) {
    double sum = 0;
    for (int64_t c = 0; c < g.channels; ++c) {
      const double v = static_cast<double>(b[j * g.channels + c]);
      sum += v * v;
    }
    energy[static_cast<size_t>(j)] = sum;
  }
  measured.assign(static_cast<size_t>(l), 0);
  inverse_norms.assign(static_cast<size_t>(padded), T(0));
  logit_scale.assign(static_cast<size_t>(padded), T(0));
  for (int64_t j = 0; j < l; ++j) {
    const int64_t r = j / g.w, c = j % g.w;
    double sum = 0;
    for (int64_t y = std::max<int64_t>(0, r - g.patch); y <= std::min(g.h - 1, r + g.patch); ++y) {
      for (int64_t x = std::max<int64_t>(0, c - g.patch); x <= std::min(g.w - 1, c + g.patch); ++x) {
        sum += energy[static_cast<size_t>(y * g.w + x)];
      }
    }
    const auto at = static_cast<size_t>(j);
    measured[at] = std::sqrt(sum) >= least_patch_length;
    inverse_norms[at] = static_cast<T>(1 / std::max(std::sqrt(sum), least_patch_length));
    logit_scale[at] = static_cast<T>(softmax_scale) * available[at];
  }

  // Corners with an available position around; and those whose pixels would make zero times them no zero.
  const int64_t corners = g.corners();
  std::vector<char> wanted(static_cast<size_t>(corners), 0);
  parallel_for(stream, g.corner_rows(), 16, [&](int64_t first, int64_t last) {
    std::vector<T> pixels(static_cast<size_t>(g.block()));
    for (int64_t y = first; y < last; ++y) {
      for (int64_t x = 0; x < g.corner_columns(); ++x) {
        bool keep = false;
        for (const int64_t r : {y - 1, y}) {
          for (const int64_t c : {x - 1, x}) {
            if (r >= 0 && r < g.h && c >= 0 && c < g.w) keep |= available[static_cast<size_t>(r * g.w + c)] != 0;
          }
        }
        if (!keep) {
          gather_block(g, picture, y * g.corner_columns() + x, pixels.data());
          for (const T p : pixels) keep |= !std::isfinite(p);
        }
        wanted[static_cast<size_t>(y * g.corner_columns() + x)] = keep;
      }
    }
  });
  for (int64_t t = 0; t < corners; ++t) {
    if (!wanted[static_cast<size_t>(t)]) continue;
    if (kept.empty() || kept.back().begin + kept.back().length != t) kept.push_back({t, 0, kept_count});
    ++kept.back().length;
    ++kept_count;
  }
}

template <class T>
ColumnMasks<T>::ColumnMasks(const Geometry& g) : reach_(g.patch) {
  for (int64_t d = -reach_; d <= reach_; ++d) {
    auto& mask = masks_.emplace_back(static_cast<size_t>(g.positions() + row_slack), Bits<T>(0));
    for (int64_t j = 0; j < g.positions(); ++j) {
      const int64_t c = j % g.w + d;
      if (c >= 0 && c < g.w) mask[static_cast<size_t>(j)] = std::numeric_limits<Bits<T>>::max();
    }
  }
}

namespace {

/// Calls f(offset in the picture, offset in the block, elements) for each row of pixels around a corner that lies
/// inside, at least in part.
template <class F>
void for_block_rows(const Geometry& g, int64_t corner, F f) {
  const int64_t top = corner / g.corner_columns() * g.rate - g.rate / 2;
  const int64_t left = corner % g.corner_columns() * g.rate - g.rate / 2;
  const int64_t height = g.h * g.rate, width = g.w * g.rate, p = g.picture_channels;
  const int64_t first = std::max<int64_t>(0, left), last = std::min(width, left + g.rate);
  if (first >= last) return;
  for (int64_t y = std::max<int64_t>(0, top); y < std::min(height, top + g.rate); ++y) {
    f((y * width + first) * p, ((y - top) * g.rate + first - left) * p, (last - first) * p);
  }
}

}  // namespace

template <class T>
void gather_block(const Geometry& g, const T* picture, int64_t corner, T* block) {
  std::fill_n(block, g.block(), T(0));
  for_block_rows(g, corner, [&](int64_t from, int64_t to, int64_t n) { std::copy_n(picture + from, n, block + to); });
}

template <class T>
void scatter_block(const Geometry& g, const T* block, int64_t corner, T* picture) {
  for_block_rows(g, corner, [&](int64_t to, int64_t from, int64_t n) { std::copy_n(block + from, n, picture + to); });
}

int64_t kept_corner(const std::vector<Run>& kept, int64_t k) {
  const auto after = std::upper_bound(kept.begin(), kept.end(), k, [](int64_t i, const Run& r) { return i < r.at; });
  const Run& run = *std::prev(after);
  return run.begin + k - run.at;
}

template <class T>
PackedMatrix<T> pack_features(const CpuStream& stream, const Geometry& g, const Sample<T>& sample) {
  const int64_t l = g.positions(), channels = g.channels;
  return PackedMatrix<T>(stream, channels, l, [&](int64_t begin, int64_t end, T* rows) {
    constexpr int64_t tile = 16;
    for (int64_t j0 = 0; j0 < l; j0 += tile) {
      const int64_t stop = std::min(l, j0 + tile);
      for (int64_t c = begin; c < end; ++c) {
        for (int64_t j = j0; j < stop; ++j) rows[(c - begin) * l + j] = sample.b[j * channels + c];
      }
    }
  });
}

template <class T>
PackedMatrix<T> pack_pixels(const CpuStream& stream, const Geometry& g, const Sample<T>& sample) {
  const int64_t block = g.block();
  return PackedMatrix<T>(stream, sample.kept_count, block, [&](int64_t begin, int64_t end, T* rows) {
    for (int64_t k = begin; k < end; ++k, rows += block) {
      gather_block(g, sample.picture, kept_corner(sample.kept, k), rows);
      for (int64_t i = 0; i < block; ++i) rows[i] /= 4;
    }
  });
}

template struct Sample<float>;
template struct Sample<double>;
template class ColumnMasks<float>;
template class ColumnMasks<double>;
template void gather_block(const Geometry&, const float*, int64_t, float*);
template void gather_block(const Geometry&, const double*, int64_t, double*);
template void scatter_block(const Geometry&, const float*, int64_t, float*);
template void scatter_block(const Geometry&, const double*, int64_t, double*);
template PackedMatrix<float> pack_features(const CpuStream&, const Geometry&, const Sample<float>&);
template PackedMatrix<double> pack_features(const CpuStream&, const Geometry&, const Sample<double>&);
template PackedMatrix<float> pack_pixels(const CpuStream&, const Geometry&, const Sample<float>&);
template PackedMatrix<double> pack_pixels(const CpuStream&, const Geometry&, const Sample<double>&);

}  // namespace lacuna::kernels::attention
