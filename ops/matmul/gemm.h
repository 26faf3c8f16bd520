#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "ops/matmul/gemm_index.h"
#include "tensor/dtype.h"
#include "tensor/stream.h"

/// The CUDA backend's matrix product, which convolutions are made of too.
namespace lacuna::kernels::gemm {

enum class Curve : uint8_t { none, elu, leaky, clip };

/// One product among those of a launch.
struct Part {
  Gathered a;
  Weights b;
  Target y;
  int32_t rows = 0, depth = 0;
};

constexpr int most_parts = 4;

/// How an operand lies in memory, all batches together: `count` lines of `width` elements.
struct Lines {
  int64_t count = 0;
  int32_t width = 0;

  LACUNA_HD bool by_fours() const { return width % 4 == 0; }
};

/// y = curve(A B + bias), row by row of n columns, for `parts` products that differ in geometry and `batch` ones that
/// lie a_batch, b_batch and y_batch elements apart. A's rows are the places of part.a and the depth is its depth; if
/// not a_by_depth, the other way round (A transposed). The depth may be cut into `splits` of split_depth each, whose
/// sums then lie y_split elements one after the other in y, without bias and curve.
template <class T, class Operand = T>
struct Problem {
  const Operand *a = nullptr, *b = nullptr;
  const T* bias = nullptr;
  T* y = nullptr;
  bool a_by_depth = true, b_by_depth = false;
  Lines a_lines, b_lines;
  Curve curve = Curve::none;
  T slope = 0;  ///< of leaky, below zero
  int32_t n = 0, parts = 1, batch = 1, splits = 1, split_depth = 0;
  int64_t a_batch = 0, b_batch = 0, y_batch = 0, y_split = 0;
  int64_t a_term = 0, b_term = 0;  ///< elements from an operand's first term to its second, where it has two
  Part part[most_parts];
};

/// The tiles of the result that a block computes.
struct Tile {
  int rows, columns;
  int blocks_per_sm;  ///< that run at a time
  double speed;       ///< of its inner loop, compared with the largest tile's
};

/// Those of the kernels on the tensor units, by instructions of a warp and of a warpgroup.
constexpr Tile mma_tiles[] = {{128, 128, 1, 1.0}, {128, 64, 2, 0.9}, {64, 64, 3, 0.75}, {128, 32, 3, 0.6}};
constexpr Tile wgmma_tiles[] = {{128, 128, 2, 1.0}, {128, 64, 2, 0.9}, {64, 64, 3, 0.75}, {128, 32, 3, 0.6}};

/// The tile with the shortest time for `rows` x `columns` results, `count` times, on a device of `sms` multiprocessors:
/// the waves of blocks by the time of each.
inline size_t best_tile(std::span<const Tile> tiles, int64_t rows, int64_t columns, int64_t count, int sms) {
  size_t best = 0;
  double least = 0;
  for (size_t i = 0; i < tiles.size(); ++i) {
    const Tile& t = tiles[i];
    const int64_t blocks = (rows + t.rows - 1) / t.rows * ((columns + t.columns - 1) / t.columns) * count;
    const int64_t at_once = int64_t{sms} * t.blocks_per_sm;
    // A block that shares its multiprocessor with fewer others runs faster by as much.
    const double waves = blocks >= at_once ? static_cast<double>((blocks + at_once - 1) / at_once) * t.blocks_per_sm
                                           : static_cast<double>((blocks + sms - 1) / sms);
    const double time = waves * t.rows * t.columns / t.speed;
    if (i == 0 || time < least) {
      best = i;
      least = time;
    }
  }
  return best;
}

/// How many parts a sum of `depth` terms is cut into, so that the blocks of its result's tiles fill the device twice:
/// parts of at least 256 terms, multiples of 64.
struct Splits {
  int32_t count, depth;
};
inline Splits splits_for(int64_t tiles, int64_t depth, int sms) {
  const int64_t wanted = std::clamp<int64_t>(2 * sms / std::max<int64_t>(tiles, 1), 1, 256);
  const int64_t each = std::max<int64_t>(256, ((depth + wanted - 1) / wanted + 63) / 64 * 64);
  return {static_cast<int32_t>(std::max<int64_t>(1, (depth + each - 1) / each)), static_cast<int32_t>(each)};
}

/// Computes the problem at the stream's precision.
void run(const CudaStream& stream, const Problem<float>& problem);
void run(const CudaStream& stream, const Problem<double>& problem);

/// Whether the tensor units multiply by Hopper's instructions of a warpgroup (wgmma) where device and program have
/// them, or always by those of a warp (mma.sync). On unless the environment says LACUNA_WGMMA=off.
inline bool& warpgroup_products() {
  static bool on = [] {
    const char* wish = std::getenv("LACUNA_WGMMA");
    return !wish || std::string_view(wish) != "off";
  }();
  return on;
}

// One file each. f32 and f64 throughout:
void run_f32(const CudaStream& stream, const Problem<float>& problem);
void run_f64(const CudaStream& stream, const Problem<double>& problem);
// On the tensor units, from operands of one bf16 term or of two: the instructions of a warp, and those of a warpgroup.
void run_mma_medium(const CudaStream& stream, const Problem<float, bf16>& problem);
void run_mma_high(const CudaStream& stream, const Problem<float, bf16>& problem);
void run_wgmma_medium(const CudaStream& stream, const Problem<float, bf16>& problem);
void run_wgmma_high(const CudaStream& stream, const Problem<float, bf16>& problem);

}  // namespace lacuna::kernels::gemm
