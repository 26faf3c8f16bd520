#pragma once

#include <algorithm>
#include <cstdint>

namespace lacuna::kernels::reduced {

/// Output rows [first_row, first_row + rows) of images [first_image, first_image + images): either whole images or a
/// part of one.
struct Band {
  int64_t first_image, images, first_row, rows;
};

/// Calls f(band) for bands that together are all output rows, each as large as its packed form fits in a few megabytes:
/// an image of r rows takes (r * step + halo) * row_bytes.
template <class F>
void for_each_band(int64_t images, int64_t rows, int64_t step, int64_t halo, int64_t row_bytes, F f) {
  constexpr int64_t budget = int64_t{1} << 23;
  const int64_t image_bytes = (rows * step + halo) * row_bytes;
  if (image_bytes <= budget) {
    const int64_t at_once = std::min(images, budget / std::max<int64_t>(image_bytes, 1));
    for (int64_t n = 0; n < images; n += at_once) f(Band{n, std::min(at_once, images - n), 0, rows});
    return;
  }
  // At least as many rows as the halo that is packed again for each band.
  const int64_t height = std::max({budget / row_bytes / step - halo / step, halo / step, int64_t{1}});
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t i = 0; i < rows; i += height) f(Band{n, 1, i, std::min(height, rows - i)});
  }
}

}  // namespace lacuna::kernels::reduced
