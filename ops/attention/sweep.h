#pragma once

#include <vector>

#include "ops/attention/sample.h"

namespace lacuna::kernels::attention {

/// Corners [top, bottom) x [left, right).
struct Area {
  int64_t top, bottom, left, right;
};

/// What a sweep over an area works on and needs to hold.
struct SweepSize {
  int64_t columns;          ///< of positions whose weights are needed, at most
  int64_t score_columns;    ///< of positions whose scores are needed
  int64_t score_rows;       ///< rows of scores that are computed
  int64_t rows;             ///< rows of weights that are computed
  int64_t corners_at_once;  ///< corners whose pixels are computed by one product
  int64_t bytes;
};
SweepSize sweep_size(const Geometry& g, const Area& area, int64_t kept, int64_t element_size);

/// The attention of one area, from its first row to its last, on one thread.
template <class T>
class Sweep {
 public:
  Sweep(const Geometry& g, const Sample<T>& sample, const ColumnMasks<T>& masks, const PackedMatrix<T>& features,
        const PackedMatrix<T>& pixels, const Area& area);

  /// Writes the pixels of the area's corners, and the offsets of the positions to their lower right.
  void run(T* y, int32_t* offsets);

 private:
  /// Rows of the matrix between positions for consecutive i.
  struct Slot {
    int64_t key = INT64_MIN;
    T* rows = nullptr;
  };

  T* new_rows(int64_t count);
  const T* scores_of(int64_t row, int64_t i) const;  // G's row i out of the slot of grid row `row`
  void compute_scores(int64_t row, int64_t turn);
  void propagate_along_rows(int64_t row);
  void compute_weights(int64_t row, int32_t* offsets);

  const Geometry& g_;
  const Sample<T>& sample_;
  const ColumnMasks<T>& masks_;
  const PackedMatrix<T>&features_, &pixels_;
  const RowLoops<T>& loops_;
  Area area_;
  int64_t first_, last_;  // columns of positions whose weights are needed
  int64_t l_, reach_, step_, scores_count_;
  std::vector<Tensor> memory_;
  // The scores of 2 * patch + 1 rows of the grid; after the first propagation 2 * fuse + 1; the weights of two rows.
  std::vector<Slot> scores_, along_, weights_;
  // Rings of single rows: sums over the patches' rows, over whole patches; and the logits.
  std::vector<T*> row_sums_, patch_sums_;
  T* logits_;
};

}  // namespace lacuna::kernels::attention
