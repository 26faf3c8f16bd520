#include "ops/attention/plan.h"

#include "ops/attention/sweep.h"

namespace lacuna::kernels::attention {
namespace {

/// Bytes that all running tasks hold where no bound is given.
constexpr int64_t usual_bytes = int64_t{1} << 28;

int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

/// What a task costs, in multiplications per column of the matrix.
double cost_of(const Geometry& g, const SweepSize& s, int64_t corners, int64_t kept) {
  constexpr int64_t tile_rows = 12;  // of the widest products
  constexpr double sums = 250;       // of an element, from scores to weights
  const auto tiles = [](int64_t rows) { return static_cast<double>(divide_up(rows, tile_rows) * tile_rows); };
  const double products = static_cast<double>(divide_up(corners, s.corners_at_once)) * tiles(s.corners_at_once) *
                          static_cast<double>(g.block()) * static_cast<double>(kept) /
                          static_cast<double>(g.positions());
  return static_cast<double>(s.score_rows) * tiles(s.score_columns) * static_cast<double>(g.channels) +
         static_cast<double>(s.rows * s.columns) * sums + products;
}

}  // namespace

int64_t packed_bytes(const Geometry& g, int64_t element_size) {
  constexpr int64_t panel = 32;
  const auto bytes = [&](int64_t depth, int64_t columns) {
    return (depth + panel) * divide_up(columns, panel) * panel * element_size;
  };
  return bytes(g.channels, g.positions()) + bytes(g.corners(), g.block());
}

int64_t samples_at_once(const CpuStream& stream, const Geometry& g, int64_t samples, const StreamOptions& options,
                        int64_t element_size) {
  const int64_t most = std::min<int64_t>(samples, stream.threads);
  if (options.max_bytes <= 0) return most;
  return std::clamp<int64_t>(options.max_bytes / (2 * packed_bytes(g, element_size)), 1, most);
}

Plan plan(const CpuStream& stream, const Geometry& g, int64_t samples, int64_t kept, const StreamOptions& options,
          int64_t element_size) {
  const int64_t room =
      options.max_bytes > 0 ? options.max_bytes - samples * packed_bytes(g, element_size) : usual_bytes;
  const int64_t height = g.corner_rows(), width = g.corner_columns();
  const int64_t least_bands = options.block_rows > 0 ? divide_up(height, options.block_rows) : 1;
  const int64_t most_bands = std::max(least_bands, std::min<int64_t>(height, 8 * stream.threads));
  Plan best{};
  double best_cost = -1;
  for (int64_t bands = least_bands; bands <= most_bands; ++bands) {
    const int64_t rows = divide_up(height, bands);
    for (int64_t strips = 1; strips <= width; ++strips) {
      const int64_t columns = divide_up(width, strips);
      // The second area of either axis, which has neighbours before it.
      const int64_t top = rows < height ? rows : 0, left = columns < width ? columns : 0;
      const Area area{top, std::min(height, top + rows), left, std::min(width, left + columns)};
      const SweepSize size = sweep_size(g, area, kept, element_size);
      const int64_t tasks = samples * divide_up(height, rows) * divide_up(width, columns);
      const int64_t running = std::min<int64_t>(stream.threads, tasks), bytes = running * size.bytes;
      const double cost = static_cast<double>(divide_up(tasks, running)) * cost_of(g, size, rows * columns, kept);
      const bool fits = bytes <= room, best_fits = best_cost >= 0 && best.bytes <= room;
      if (best_cost < 0 || (fits != best_fits ? fits : (fits ? cost < best_cost : bytes < best.bytes))) {
        best = {rows, columns, bytes};
        best_cost = cost;
      }
    }
  }
  return best;
}

}  // namespace lacuna::kernels::attention
