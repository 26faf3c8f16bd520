#pragma once

#include <algorithm>
#include <cstdint>

namespace lacuna::kernels::reduced {

/// Output rows classes * j + remainder for j in [first, first + count), of one image.
struct Band {
  int64_t image, remainder, first, count;
};

/// How an image's output rows are cut into bands whose packed input stays in the second-level cache from its making to
/// its last use. A dilated kernel's row of outputs meets only rows of the input that leave its own remainder modulo
/// the dilation: bands keep to one remainder, and pack no row between.
struct Bands {
  /// Of images of `rows` output rows, of which row o reads input rows o * stride + t * dilation, t = 0 .. reach, and
  /// takes `row_bytes` packed. `most` asks for bands of no more rows; every band has at least one, so remainders of few
  /// rows may leave those of others higher.
  Bands(int64_t images, int64_t rows, int64_t reach, int64_t stride, int64_t dilation, int64_t row_bytes,
        int64_t most = INT64_MAX)
      : rows(rows),
        stride(stride),
        classes(stride == 1 && reach > 0 ? dilation : 1),
        remainders(std::min(classes, rows)),
        tap_step(dilation / classes),
        halo(reach * tap_step) {
    constexpr int64_t cache = int64_t{3} << 18;
    const int64_t fitting = std::max(cache / std::max<int64_t>(row_bytes, 1) - halo / stride, halo / stride);
    const int64_t wanted = std::clamp<int64_t>(std::min(fitting, most), 1, rows_of(0));
    per_class = std::min((rows_of(0) + wanted - 1) / wanted, rows_of(remainders - 1));
    height = (rows_of(0) + per_class - 1) / per_class;
    count = images * remainders * per_class;
  }

  /// Band `index` of `count`.
  Band band(int64_t index) const {
    const int64_t part = index % per_class, remainder = index / per_class % remainders;
    const int64_t first = part * rows_of(remainder) / per_class, end = (part + 1) * rows_of(remainder) / per_class;
    return {index / per_class / remainders, remainder, first, end - first};
  }

  /// Rows of the input that `n` rows of a band read.
  int64_t source_rows(int64_t n) const { return (n - 1) * stride + halo + 1; }

  /// Which row of the padded input a band's r-th is. Its i-th output row reads those from i * stride on, each tap
  /// tap_step further.
  int64_t source_row(const Band& band, int64_t r) const { return band.remainder + (band.first * stride + r) * classes; }

  /// Which row of the output a band's i-th is.
  int64_t output_row(const Band& band, int64_t i) const { return band.remainder + (band.first + i) * classes; }

  /// Of all output rows, how many leave a remainder.
  int64_t rows_of(int64_t remainder) const { return (rows - remainder + classes - 1) / classes; }

  int64_t rows, stride, classes, remainders, tap_step, halo;
  int64_t height, per_class, count;  ///< height: of the highest band
};

}  // namespace lacuna::kernels::reduced
