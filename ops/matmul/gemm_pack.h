#pragma once

#include "ops/matmul/gemm.h"
#include "tensor/dtype.h"

/// Operands as the tensor units' kernels copy them: lines of bf16 terms that are padded with zeros to whole pieces, the
/// 16 bytes that a thread copies at a time. Index arithmetic, host+device.
namespace lacuna::kernels::gemm {

constexpr int32_t piece = 8;  // elements

inline int32_t whole_pieces(int32_t n) { return (n + piece - 1) / piece * piece; }

/// Every line of an operand becomes one of whole_pieces(width) elements; if lines lie along the depth in groups, those
/// of a tap's channels, every group one of whole_pieces(group) lines.
struct Packing {
  Lines lines;
  int32_t group = 1, packed_group = 1;

  static Packing of_lines(const Lines& lines) { return {lines}; }
  static Packing of_groups(const Lines& lines, int32_t group) { return {lines, group, whole_pieces(group)}; }

  int32_t width() const { return whole_pieces(lines.width); }
  int64_t elements() const { return place(lines.count * lines.width); }
  /// Where the element goes that is the first of its line, and of its group.
  int64_t place(int64_t element) const { return element / lines.width / group * packed_group * width(); }
};

/// The problem on packed operands, which are not filled in yet.
struct PackedProblem {
  Packing a, b;
  Problem<float, bf16> problem;

  explicit PackedProblem(const Problem<float>& from);
};

inline PackedProblem::PackedProblem(const Problem<float>& from)
    : a(Packing::of_lines(from.a_lines)),
      b(from.a_by_depth && !from.b_by_depth ? Packing::of_groups(from.b_lines, from.part[0].a.channels)
                                            : Packing::of_lines(from.b_lines)) {
  Problem<float, bf16>& to = problem;
  to.bias = from.bias;
  to.y = from.y;
  to.a_by_depth = from.a_by_depth;
  to.b_by_depth = from.b_by_depth;
  to.a_lines = {from.a_lines.count, a.width()};
  to.b_lines = {b.elements() / b.width(), b.width()};
  to.curve = from.curve;
  to.slope = from.slope;
  to.n = from.n;
  to.parts = from.parts;
  to.batch = from.batch;
  to.splits = from.splits;
  to.split_depth = from.split_depth;
  to.a_batch = a.place(from.a_batch);
  to.b_batch = b.place(from.b_batch);
  to.y_batch = from.y_batch;
  to.y_split = from.y_split;
  to.a_term = a.elements();
  to.b_term = b.elements();
  for (int i = 0; i < from.parts; ++i) {
    const Part& part = from.part[i];
    Part& packed = to.part[i] = part;
    const int32_t channels = part.a.channels;
    packed.a = part.a.with_channels(a.width());
    if (from.a_by_depth) {
      packed.depth = packed.a.depth;
    } else if (packed.a.depth != part.a.depth) {
      packed.rows = packed.a.depth;
      packed.y.kept = channels;
      packed.y.group = Divider(a.width());
    }
    packed.b.base = b.place(part.b.base);
    packed.b.row_pitch = part.b.row_pitch / b.lines.width * b.width();
    packed.b.tap_pitch = b.place(part.b.tap_pitch);
    packed.b.taps.channels = Divider(b.width());
  }
}

/// Writes a piece of an operand: its terms to `to` and, `term` elements on, to + term.
struct PackPieces {
  const float* from;
  bf16* to;
  int64_t term;
  int terms;
  int32_t width, group;  ///< elements of a line, lines of a group
  Divider line_pieces, packed_group;

  PackPieces(const Packing& packing, const float* from_, bf16* to_, int terms_)
      : from(from_),
        to(to_),
        term(packing.elements()),
        terms(terms_),
        width(packing.lines.width),
        group(packing.group),
        line_pieces(packing.width() / piece),
        packed_group(packing.packed_group) {}

  LACUNA_HD void operator()(int32_t i) const {
    const int32_t line = line_pieces.quotient(i), first = line_pieces.remainder(i, line) * piece;
    const int32_t index = packed_group.quotient(line), within = packed_group.remainder(line, index);
    const int32_t valid = within >= group ? 0 : width - first < piece ? width - first : piece;
    const float* x = from + (int64_t{index} * group + within) * width + first;
    float v[piece];
    read(x, valid, v);
    bf16* y = to + int64_t{i} * piece;
    for (int t = 0; t < terms; ++t, y += term) {
      uint32_t pairs[piece / 2];
      for (int e = 0; e < piece; ++e) {
        const bf16 rounded(v[e]);
        v[e] -= static_cast<float>(rounded);
        pairs[e / 2] = e % 2 ? pairs[e / 2] | static_cast<uint32_t>(rounded.bits) << 16 : rounded.bits;
      }
      write(y, pairs);
    }
  }

 private:
  struct alignas(16) Four {
    float v[4];
  };
  struct alignas(16) Pairs {
    uint32_t v[4];
  };

  LACUNA_HD void read(const float* x, int32_t valid, float (&v)[piece]) const {
    for (int e = 0; e < piece; e += 4) {
      if (width % 4 == 0 && e < valid) {
        const Four four = *reinterpret_cast<const Four*>(x + e);
        for (int k = 0; k < 4; ++k) v[e + k] = four.v[k];
      } else {
        for (int k = 0; k < 4; ++k) v[e + k] = e + k < valid ? x[e + k] : 0.0f;
      }
    }
  }
  LACUNA_HD static void write(bf16* y, const uint32_t (&pairs)[4]) {
    *reinterpret_cast<Pairs*>(y) = {{pairs[0], pairs[1], pairs[2], pairs[3]}};
  }
};

}  // namespace lacuna::kernels::gemm
