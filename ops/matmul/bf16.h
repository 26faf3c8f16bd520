#pragma once

#include <cstdint>

#include "ops/matmul/matmul.h"
#include "tensor/cpu_level.h"
#include "tensor/stream.h"

/// Products of f32 matrices computed in bf16 with f32 sums, for Precision::medium and high. medium rounds both operands
/// to bf16 (to nearest even). high splits each into two such terms, x = hi + lo with hi = bf16(x), lo = bf16(x - hi),
/// and sums hi hi + hi lo + lo hi. Denormal numbers count as zero; at high an infinite operand gives NaN.
namespace lacuna::kernels::reduced {

/// What happens to a finished sum before it is stored: (y +) sum + bias, then elu, slope times it where negative, or
/// clipped to [-1, 1].
struct Finish {
  enum class Curve : uint8_t { none, elu, leaky, clip };
  const float* bias = nullptr;  ///< one per column; may be read up to readable_slack beyond
  Curve curve = Curve::none;
  float slope = 0;
  bool add = false;  ///< to what stands in y
};

/// The shape of a product and its packed right operand; shared by many strips.
/// The sum runs over `runs` stretches of `depth` consecutive elements of the left operand, which begin `offsets` behind
/// a row's start. So the pixels under a kernel's taps are multiplied where they lie: rows of the left operand are
/// output pixels at a constant distance, and a run is a row of taps.
struct Product {
  int64_t left_step;       ///< elements from a row of the left operand to the next
  int64_t left_low;        ///< elements from hi to lo
  const int64_t* offsets;  ///< one per run
  int64_t runs, depth;     ///< depth: a multiple of the unit's
  const bf16* right;       ///< panels of 32 columns, as pack_right lays them out
  int64_t right_low;       ///< elements from hi to lo
  int64_t right_row;       ///< row of the right operand at which the first run begins; even
  int64_t right_run;       ///< rows of the right operand from one run's begin to the next; even
  int64_t panel_step;      ///< elements from a panel to the next
  int64_t columns;
  bool split;        ///< high
  int64_t out_step;  ///< elements from a row of y to the next
  Finish finish;
};

/// Some rows of a product.
struct Strip {
  const bf16* left;
  float* out;
  int64_t rows;
};

/// What multiplies. The left operand may be read, not used, up to `row_block` rows and `depth_block` elements beyond
/// what is named; elements beyond a run must be numbers, since zeros are multiplied with them.
struct Unit {
  const char* name;
  int64_t row_block;    ///< rows computed at a time, at most
  int64_t depth_block;  ///< what a run's depth is a multiple of
  void (*multiply)(const Product& product, const Strip* strips, int64_t count);
};

extern const Unit dot_unit;   ///< products of pairs in vectors: CpuLevel::avx512_bf16
extern const Unit tile_unit;  ///< products of tiles: CpuLevel::amx

/// The unit that computes f32 products at the stream's precision, null where there is none: at highest, and below
/// avx512_bf16. `worthwhile`: null too where f32 arithmetic is faster, as it is than three products of pairs.
const Unit* unit_for(const CpuStream& stream, bool worthwhile);

/// Replaces the unit while it lives, wherever there is one: for tests of units that the CPU at hand lacks.
class ForceUnit {
 public:
  explicit ForceUnit(const Unit& unit);
  ~ForceUnit();
  ForceUnit(const ForceUnit&) = delete;
  ForceUnit& operator=(const ForceUnit&) = delete;
};

/// The four ways in which f32 data becomes bf16. Each writes hi, and lo if that is not null.
/// convert: n elements in order.
void convert(const float* x, int64_t n, bf16* hi, bf16* lo);
/// interleave: element j of row0 and of row1 side by side, for j < n; zeros up to j = padded. A null row1 is zeros.
void interleave(const float* row0, const float* row1, int64_t n, int64_t padded, bf16* hi, bf16* lo);
/// transpose: out[c * step + r] = rows[r][c] for r < count, c < columns; zeros up to r = padded (even).
void transpose(const float* const* rows, int64_t count, int64_t columns, int64_t padded, int64_t step, bf16* hi,
               bf16* lo);
/// interleave_columns: the pairs (2p, 2p + 1) of row j side by side, out[(p * padded + j) * 2 + ...], for j < count
/// rows of n elements at distance row_step; zeros up to element `depth` (even) and row `padded` (a multiple of 16).
void interleave_columns(const float* x, int64_t row_step, int64_t count, int64_t n, int64_t depth, int64_t padded,
                        bf16* hi, bf16* lo);

constexpr int64_t panel_columns = 32;

constexpr int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// Elements of a packed right operand of `rows` rows (the runs' depths, rounded up, together).
constexpr int64_t right_size(int64_t rows, int64_t columns) { return rows * round_up(columns, 16); }

/// A right operand of runs * depth rows, each run rounded up to `padded` rows of zeros, as panels of 32 columns (the
/// last of 16 where that is enough): pairs of rows side by side. Row r of run q is b + (q * depth + r) * row_step.
void pack_right(const CpuStream& stream, const float* b, int64_t runs, int64_t depth, int64_t padded, int64_t columns,
                int64_t row_step, bf16* hi, bf16* lo);

/// y (batch,M,N) = op(a) op(b) by `unit`; contract as kernels::matmul, f32 only.
void matmul(const CpuStream& stream, const Unit& unit, const Tensor& a, const Tensor& b, const MatmulOptions& options,
            Tensor& y);

}  // namespace lacuna::kernels::reduced
