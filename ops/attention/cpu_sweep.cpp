#include "ops/attention/sweep.h"

namespace lacuna::kernels::attention {
namespace {

/// Products are made of some two hundred corners, so that the right operand, which may not fit into a cache, is read
/// seldom enough.
constexpr int64_t corners_per_product = 192;

int64_t first_column(const Area& area) { return std::max<int64_t>(0, area.left - 1); }
int64_t last_column(const Geometry& g, const Area& area) { return std::min(g.w, area.right); }

}  // namespace

SweepSize sweep_size(const Geometry& g, const Area& area, int64_t kept, int64_t element_size) {
  SweepSize s;
  const int64_t width = area.right - area.left, height = area.bottom - area.top;
  s.columns = last_column(g, area) - first_column(area);
  s.score_columns = s.columns + 2 * (g.patch + g.fuse);
  s.rows = std::min(g.h, area.bottom) - std::max<int64_t>(0, area.top - 1);
  s.score_rows = s.rows + 2 * (g.fuse + g.patch);
  if (g.fuse > 0) s.score_rows += ((area.top <= 1) + (area.bottom >= g.h)) * g.patch;
  s.corners_at_once = std::min(height, std::max<int64_t>(1, corners_per_product / width)) * width;
  const int64_t rings = (2 * g.patch + 1) * s.score_columns + (2 * g.fuse + 3) * s.columns;
  const int64_t single = 2 * g.patch + 2 * g.fuse + 3;
  s.bytes = ((rings + single) * g.row_step(element_size) + s.corners_at_once * (kept + g.block() + 32)) * element_size;
  return s;
}

template <class T>
Sweep<T>::Sweep(const Geometry& g, const Sample<T>& sample, const ColumnMasks<T>& masks,
                const PackedMatrix<T>& features, const PackedMatrix<T>& pixels, const Area& area)
    : g_(g),
      sample_(sample),
      masks_(masks),
      features_(features),
      pixels_(pixels),
      loops_(row_loops<T>()),
      area_(area),
      first_(first_column(area)),
      last_(last_column(g, area)),
      l_(g.positions()),
      reach_(g.patch + g.fuse),
      step_(g.row_step(sizeof(T))),
      scores_count_(last_ - first_ + 2 * reach_),
      scores_(static_cast<size_t>(2 * g.patch + 1)),
      along_(static_cast<size_t>(2 * g.fuse + 1)),
      weights_(2) {
  for (Slot& slot : scores_) slot.rows = new_rows(scores_count_);
  for (Slot& slot : along_) slot.rows = new_rows(last_ - first_);
  for (Slot& slot : weights_) slot.rows = new_rows(last_ - first_);
  for (int64_t k = 0; k < 2 * g.patch + 1; ++k) row_sums_.push_back(new_rows(1));
  for (int64_t k = 0; k < 2 * g.fuse + 1; ++k) patch_sums_.push_back(new_rows(1));
  logits_ = new_rows(1);
}

template <class T>
T* Sweep<T>::new_rows(int64_t count) {
  memory_.emplace_back(Shape{std::max<int64_t>(1, count) * step_}, dtype_of<T>());
  T* rows = memory_.back().template data<T>();
  for (int64_t i = 0; i < count; ++i) {
    std::fill_n(rows + i * step_, g_.guard(), T(0));
    std::fill_n(rows + i * step_ + g_.guard() + l_, step_ - g_.guard() - l_, T(0));
  }
  return rows + g_.guard();
}

template <class T>
void Sweep<T>::compute_scores(int64_t row, int64_t turn) {
  Slot& slot = scores_[static_cast<size_t>(floor_mod(row, 2 * g_.patch + 1))];
  const int64_t begin = row * g_.w + turn + first_ - reach_;
  if (slot.key == begin) return;
  slot.key = begin;
  const int64_t first = std::max<int64_t>(0, begin), last = std::min(l_, begin + scores_count_);
  if (first >= last) return;
  features_.multiply(sample_.f + first * g_.channels, g_.channels, last - first, slot.rows + (first - begin) * step_,
                     step_);
}

template <class T>
const T* Sweep<T>::scores_of(int64_t row, int64_t i) const {
  const Slot& slot = scores_[static_cast<size_t>(floor_mod(row, 2 * g_.patch + 1))];
  return slot.rows + (i - slot.key) * step_;
}

// Row `row` of the grid continued in column-major order: positions (row - turn * h) * w + c + turn.
template <class T>
void Sweep<T>::propagate_along_rows(int64_t row) {
  Slot& slot = along_[static_cast<size_t>(floor_mod(row, 2 * g_.fuse + 1))];
  if (slot.key == row) return;
  slot.key = row;
  const int64_t k = g_.patch, e = g_.fuse, w = g_.w;
  const int64_t turn = floor_div(row, g_.h), own = row - turn * g_.h;
  const int64_t from = std::max(first_, -turn), to = std::min(last_, w - turn);
  if (from >= to) return;
  for (int64_t d = -k; d <= k; ++d) compute_scores(own + d, turn);

  const int64_t begin = own * w + turn + from, end = own * w + turn + to;
  std::vector<const T*> taps(static_cast<size_t>(2 * reach_ + 1));
  std::vector<const Bits<T>*> tap_masks(taps.size());
  for (int64_t i = begin - reach_; i < end + reach_; ++i) {
    if (i >= 0 && i < l_) {
      int64_t count = 0;
      for (int64_t d = -k; d <= k; ++d) {
        if (i + d * w >= 0 && i + d * w < l_)
          taps[static_cast<size_t>(count++)] = scores_of(own + d, i + d * w) + d * w;
      }
      loops_.sum(taps.data(), count, l_, row_sums_[static_cast<size_t>(i % (2 * k + 1))]);
    }
    const int64_t u = i - k;
    if (u >= std::max<int64_t>(0, begin - e) && u < std::min(l_, end + e)) {
      int64_t count = 0;
      for (int64_t d = -k; d <= k; ++d) {
        if (u % w + d < 0 || u % w + d >= w) continue;
        taps[static_cast<size_t>(count)] = row_sums_[static_cast<size_t>((u + d) % (2 * k + 1))] + d;
        tap_masks[static_cast<size_t>(count++)] = masks_(d);
      }
      loops_.masked_sum(taps.data(), tap_masks.data(), count, sample_.inverse_norms.data(), l_,
                        patch_sums_[static_cast<size_t>(u % (2 * e + 1))]);
    }
    const int64_t p = u - e;
    if (p >= begin && p < end) {
      int64_t count = 0;
      for (int64_t d = -e; d <= e; ++d) {
        if (p + d >= 0 && p + d < l_)
          taps[static_cast<size_t>(count++)] = patch_sums_[static_cast<size_t>((p + d) % (2 * e + 1))] + d;
      }
      T* sums = slot.rows + (p - begin + from - first_) * step_;
      loops_.sum(taps.data(), count, l_, sums);
      continue_columns(g_, sums);
    }
  }
}

template <class T>
void Sweep<T>::compute_weights(int64_t row, int32_t* offsets) {
  Slot& slot = weights_[static_cast<size_t>(row % 2)];
  if (slot.key == row) return;
  slot.key = row;
  const int64_t e = g_.fuse;
  for (int64_t d = -e; d <= e; ++d) propagate_along_rows(row + d);
  std::vector<const T*> taps(static_cast<size_t>(2 * e + 1));
  for (int64_t c = first_; c < last_; ++c) {
    int64_t count = 0;
    for (int64_t d = -e; d <= e; ++d) {
      const int64_t turn = floor_div(row + d, g_.h);
      if (c + turn < 0 || c + turn >= g_.w) continue;
      taps[static_cast<size_t>(count++)] =
          along_[static_cast<size_t>(floor_mod(row + d, 2 * e + 1))].rows + (c - first_) * step_ + d * g_.w;
    }
    const T largest = loops_.logits(taps.data(), count, sample_.logit_scale.data(), l_, logits_);
    const double total = loops_.exponentials(largest, l_, logits_);
    const int64_t best = loops_.weights(logits_, static_cast<T>(1 / total), sample_.available.data(), g_.h, g_.w,
                                        slot.rows + (c - first_) * step_);
    if (row >= area_.top && c >= area_.left) {
      offsets[2 * (row * g_.w + c)] = static_cast<int32_t>(best / g_.w);
      offsets[2 * (row * g_.w + c) + 1] = static_cast<int32_t>(best % g_.w);
    }
  }
}

template <class T>
void Sweep<T>::run(T* y, int32_t* offsets) {
  const int64_t width = area_.right - area_.left, kept = sample_.kept_count, block = g_.block();
  const int64_t at_once = sweep_size(g_, area_, kept, sizeof(T)).corners_at_once;
  const int64_t kept_step = (kept + 15) / 16 * 16 + 16;
  Tensor sums({at_once * kept_step}, dtype_of<T>()), blocks({at_once * block}, dtype_of<T>());
  T* q = sums.data<T>();
  const auto weights_of = [this](int64_t row, int64_t column) {
    return weights_[static_cast<size_t>(row % 2)].rows + (column - first_) * step_;
  };
  int64_t waiting = 0, first_row = area_.top;
  if (area_.top > 0) compute_weights(area_.top - 1, offsets);
  for (int64_t row = area_.top; row < area_.bottom; ++row) {
    if (row < g_.h) compute_weights(row, offsets);
    for (int64_t c = area_.left; c < area_.right; ++c)
      sum_around(g_, sample_, weights_of, row, c, q + waiting++ * kept_step);
    if (waiting < at_once && row + 1 < area_.bottom) continue;
    T* out = blocks.data<T>();
    pixels_.multiply(q, kept_step, waiting, out, block);
    for (int64_t k = 0; k < waiting; ++k) {
      const int64_t corner = (first_row + k / width) * g_.corner_columns() + area_.left + k % width;
      scatter_block(g_, out + k * block, corner, y);
    }
    waiting = 0;
    first_row = row + 1;
  }
}

template class Sweep<float>;
template class Sweep<double>;

}  // namespace lacuna::kernels::attention
