#include <set>

#include "ops/attention/matrix.h"

namespace lacuna::kernels::attention {

RowSet::RowSet(int64_t h, int64_t begin, int64_t end) : h_(h) {
  for (int64_t r = begin; r < end; ++r) rows_.push_back(r);
}

template <class F>
RowSet RowSet::reached(int64_t n, F place) const {
  std::set<int64_t> all;
  for (const int64_t row : rows_) {
    for (int64_t d = -n; d <= n; ++d) {
      const int64_t r = place(row + d);
      if (r >= 0 && r < h_) all.insert(r);
    }
  }
  RowSet set(h_, 0, 0);
  set.rows_.assign(all.begin(), all.end());
  return set;
}

RowSet RowSet::widened(int64_t n) const {
  return reached(n, [](int64_t r) { return r; });
}

RowSet RowSet::wrapped(int64_t n) const {
  return reached(n, [this](int64_t r) { return floor_mod(r, h_); });
}

RowSet RowSet::with(const RowSet& other) const {
  RowSet set(h_, 0, 0);
  std::set_union(rows_.begin(), rows_.end(), other.rows_.begin(), other.rows_.end(), std::back_inserter(set.rows_));
  return set;
}

std::vector<int64_t> RowSet::corner_rows() const {
  std::vector<int64_t> corners;
  for (const int64_t row : rows_) {
    if (corners.empty() || corners.back() != row) corners.push_back(row);
    corners.push_back(row + 1);
  }
  return corners;
}

template <class T>
Matrix<T>::Matrix(const CpuStream& stream, const Geometry& g, const RowSet& rows)
    : grid_rows_(rows),
      width_(g.w),
      step_(g.row_step(sizeof(T))),
      memory_({std::max<int64_t>(1, rows.size() * g.w) * step_}, dtype_of<T>()),
      data_(memory_.data<T>() + g.guard()) {
  parallel_for(stream, rows.size() * g.w, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::fill_n(data_ + i * step_ - g.guard(), g.guard(), T(0));
      std::fill_n(data_ + i * step_ + g.positions(), step_ - g.guard() - g.positions(), T(0));
    }
  });
}

template <class T>
Stages<T>::Stages(const CpuStream& stream, const Geometry& g, const Sample<T>& sample, const ColumnMasks<T>& masks)
    : stream_(stream), g_(g), sample_(sample), masks_(masks), loops_(row_loops<T>()), l_(g.positions()) {}

template <class T>
Matrix<T> Stages<T>::scores(const RowSet& rows) const {
  Matrix<T> x(stream_, g_, rows);
  const PackedMatrix<T> features = pack_features(stream_, g_, sample_);
  // Some rows of the grid at a time, where they follow one another.
  const int64_t together = std::max<int64_t>(1, 96 / g_.w);
  parallel_for(stream_, rows.size(), together, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t row = rows.rows()[static_cast<size_t>(begin)];
      int64_t count = 1;
      while (begin + count < end && rows.rows()[static_cast<size_t>(begin + count)] == row + count) ++count;
      features.multiply(sample_.f + row * g_.w * g_.channels, g_.channels, count * g_.w, x(row, 0), x.step());
      begin += count;
    }
  });
  return x;
}

template <class T>
void Stages<T>::patch_sums_of_row(const Matrix<T>& x, int64_t row, const T* scale, T* first, int64_t step) const {
  const int64_t k = g_.patch, w = g_.w, ring = 2 * k + 1, room = l_ + 2 * g_.guard();
  std::vector<T> sums(static_cast<size_t>(ring * room));  // of the patches' columns
  const auto column = [&](int64_t c) { return sums.data() + c % ring * room + g_.guard(); };
  std::vector<const T*> taps(static_cast<size_t>(ring));
  std::vector<const Bits<T>*> tap_masks(taps.size());
  for (int64_t c = 0; c < w + k; ++c) {
    if (c < w) {
      int64_t count = 0;
      for (int64_t d = std::max(-k, -row); d <= std::min(k, g_.h - 1 - row); ++d) {
        taps[static_cast<size_t>(count++)] = x(row + d, c) + d * w;
      }
      loops_.sum(taps.data(), count, l_, column(c));
    }
    const int64_t own = c - k;
    if (own < 0) continue;
    size_t count = 0;
    for (int64_t d = std::max(-k, -own); d <= std::min(k, w - 1 - own); ++d) {
      taps[count] = column(own + d) + d;
      tap_masks[count++] = masks_(d);
    }
    loops_.masked_sum(taps.data(), tap_masks.data(), static_cast<int64_t>(count), scale, l_, first + own * step);
  }
}

template <class T>
Matrix<T> Stages<T>::patch_sums(const Matrix<T>& x, const RowSet& rows, const T* scale) const {
  Matrix<T> y(stream_, g_, rows);
  rows.for_each(stream_, [&](int64_t row) { patch_sums_of_row(x, row, scale, y(row, 0), y.step()); });
  return y;
}

template <class T>
Tensor Stages<T>::patch_sums_in_order(const Matrix<T>& x, int64_t begin, int64_t end) const {
  Tensor y({1, (end - begin) * g_.w, l_}, dtype_of<T>());
  const std::vector<T> ones(static_cast<size_t>(l_ + row_slack), T(1));
  parallel_for(stream_, end - begin, 1, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      patch_sums_of_row(x, begin + r, ones.data(), y.data<T>() + r * g_.w * l_, l_);
    }
  });
  return y;
}

template <class T>
Matrix<T> Stages<T>::along_rows(const Matrix<T>& x, const RowSet& rows) const {
  Matrix<T> y(stream_, g_, rows);
  rows.for_each(stream_, [&](int64_t row) {
    std::vector<const T*> taps(static_cast<size_t>(2 * g_.fuse + 1));
    for (int64_t c = 0; c < g_.w; ++c) {
      const int64_t i = row * g_.w + c;
      int64_t count = 0;
      for (int64_t d = std::max(-g_.fuse, -i); d <= std::min(g_.fuse, l_ - 1 - i); ++d) {
        taps[static_cast<size_t>(count++)] = x.at(i + d) + d;
      }
      loops_.sum(taps.data(), count, l_, y(row, c));
    }
  });
  return y;
}

template <class T>
void Stages<T>::continue_all(Matrix<T>& x) const {
  x.grid_rows().for_each(stream_, [&](int64_t row) {
    for (int64_t c = 0; c < g_.w; ++c) continue_columns(g_, x(row, c));
  });
}

template <class T>
int64_t Stages<T>::column_taps(const Matrix<T>& x, int64_t row, int64_t column, std::vector<const T*>& taps) const {
  int64_t count = 0;
  for (int64_t d = -g_.fuse; d <= g_.fuse; ++d) {
    const int64_t turn = floor_div(row + d, g_.h);
    if (column + turn < 0 || column + turn >= g_.w) continue;
    taps[static_cast<size_t>(count++)] = x(row + d - turn * g_.h, column + turn) + d * g_.w;
  }
  return count;
}

template <class T>
Matrix<T> Stages<T>::along_columns(Matrix<T>& x, const RowSet& rows) const {
  continue_all(x);
  Matrix<T> y(stream_, g_, rows);
  rows.for_each(stream_, [&](int64_t row) {
    std::vector<const T*> taps(static_cast<size_t>(2 * g_.fuse + 1));
    for (int64_t c = 0; c < g_.w; ++c) {
      const int64_t count = column_taps(x, row, c, taps);
      loops_.sum(taps.data(), count, l_, y(row, c));
    }
  });
  return y;
}

template <class T>
Matrix<T> Stages<T>::weights(Matrix<T> x, const RowSet& rows) const {
  continue_all(x);
  Matrix<T> a(stream_, g_, rows);
  rows.for_each(stream_, [&](int64_t row) {
    std::vector<const T*> taps(static_cast<size_t>(2 * g_.fuse + 1));
    std::vector<T> logits(static_cast<size_t>(l_ + row_slack), T(0));
    for (int64_t c = 0; c < g_.w; ++c) {
      const int64_t count = column_taps(x, row, c, taps);
      const T largest = loops_.logits(taps.data(), count, sample_.logit_scale.data(), l_, logits.data());
      const double total = loops_.exponentials(largest, l_, logits.data());
      loops_.weights(logits.data(), static_cast<T>(1 / total), sample_.available.data(), g_.h, g_.w, a(row, c));
    }
  });
  return a;
}

template <class T>
void Stages<T>::divide(Matrix<T>& x) const {
  x.grid_rows().for_each(stream_, [&](int64_t row) {
    for (int64_t c = 0; c < g_.w; ++c) {
      T* own = x(row, c);
      for (int64_t j = 0; j < l_; ++j) own[j] *= sample_.inverse_norms[static_cast<size_t>(j)];
    }
  });
}

template class Matrix<float>;
template class Matrix<double>;
template class Stages<float>;
template class Stages<double>;

}  // namespace lacuna::kernels::attention
