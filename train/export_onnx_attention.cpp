#include "train/export_onnx_attention.h"

#include <algorithm>

#include "nets/contextual_attention.h"
#include "ops/attention/attention.h"
#include "ops/resize/functors.h"

// Matrices between the positions of the h x w grid, L = h * w of them, are (n,L,L) or (n,h,w,h,w). After the first
// propagation both of their indices are in column-major order, to the end.
namespace lacuna {
namespace {

using Value = OnnxGraph::Value;
using Ints = std::vector<int64_t>;

class Builder {
 public:
  Builder(OnnxGraph& graph, const OnnxAttention& a)
      : g_(graph), a_(a), h_(a.height / o_.rate), w_(a.width / o_.rate), l_(h_ * w_) {
    check(a.height == h_ * 2 && a.width == w_ * 2 && o_.rate == 2, "[export] attention on ", a.height, "x", a.width,
          " at 1/", o_.rate, " of the resolution: 1/2 of even sizes is what can be exported");
  }

  Value build(const Value& x, const Value& hole) {
    const Value small = pick(pick(x, 2, sources(h_, a_.height)), 3, sources(w_, a_.width));
    return paste(weights(scores(small), available(hole)), x);
  }

 private:
  Value op(const std::string& type, const std::vector<Value>& inputs, const OnnxGraph::Attributes& attributes = {}) {
    return g_.node(type, inputs, attributes, "attention/" + type);
  }
  Value reshape(const Value& x, const Ints& shape) { return op("Reshape", {x, g_.integers(shape)}); }
  Value transpose(const Value& x, const Ints& order) { return op("Transpose", {x}, {{"perm", order}}); }
  Value pick(const Value& x, int64_t axis, const Ints& which) {
    return op("Gather", {x, g_.integers(which)}, {{"axis", axis}});
  }

  static Ints sources(int64_t out, int64_t in) {
    Ints all;
    for (int64_t i = 0; i < out; ++i) all.push_back(functors::nearest_source(i, in, out, true));
    return all;
  }

  /// Of the h x w grid: the sum of x (n,channels,h,w) over its channels and the k x k neighbourhood.
  Value box_sum(const Value& x, int64_t channels, int64_t k) {
    const Value ones = g_.constant("attention/ones", Tensor::full({1, channels, k, k}, 1, DType::f32));
    return op("Conv", {x, ones}, {{"pads", Ints(4, k / 2)}});
  }

  /// The sum over d in [lo, hi] of x moved by d along two axes of the same or of another extent; zeros beyond.
  Value diagonal_sum(const Value& x, const Ints& shape, const Ints& axes, int64_t lo, int64_t hi) {
    const size_t rank = shape.size();
    Ints pads(2 * rank, 0);
    for (const int64_t axis : axes) {
      pads[static_cast<size_t>(axis)] = std::max<int64_t>(-lo, 0);
      pads[rank + static_cast<size_t>(axis)] = std::max<int64_t>(hi, 0);
    }
    const Value padded = op("Pad", {x, g_.integers(pads)});
    Value total;
    for (int64_t start = std::max<int64_t>(lo, 0); start <= std::max<int64_t>(lo, 0) + hi - lo; ++start) {
      Ints ends;
      for (const int64_t axis : axes) ends.push_back(start + shape[static_cast<size_t>(axis)]);
      const Value part =
          op("Slice", {padded, g_.integers(Ints(axes.size(), start)), g_.integers(ends), g_.integers(axes)});
      total = total.empty() ? part : op("Add", {total, part});
    }
    return total;
  }

  /// Steps 2 and 3: (n,L,L), column-major.
  Value scores(const Value& small) {
    const int64_t n = a_.n, reach = o_.ksize / 2, fuse_reach = o_.fuse_k / 2;
    const Value lengths = op("Clip", {op("Sqrt", {box_sum(op("Mul", {small, small}), a_.channels, o_.ksize)}),
                                      g_.number(static_cast<float>(least_patch_length))});
    const Value pixels = reshape(small, {n, a_.channels, l_});
    Value s = reshape(op("MatMul", {transpose(pixels, {0, 2, 1}), pixels}), {n, h_, w_, h_, w_});
    s = diagonal_sum(s, {n, h_, w_, h_, w_}, {1, 3}, -reach, reach);
    s = diagonal_sum(s, {n, h_, w_, h_, w_}, {2, 4}, -reach, reach);
    s = op("Div", {reshape(s, {n, l_, l_}), reshape(lengths, {n, 1, l_})});
    s = diagonal_sum(s, {n, l_, l_}, {1, 2}, -fuse_reach, fuse_reach);
    s = transpose(reshape(s, {n, h_, w_, h_, w_}), {0, 2, 1, 4, 3});
    return diagonal_sum(reshape(s, {n, l_, l_}), {n, l_, l_}, {1, 2}, -fuse_reach, fuse_reach);
  }

  /// (n,1,L), column-major: 1 where the patch holds no hole pixel.
  Value available(const Value& hole) {
    // The hole at the resolution of x, then at the grid's.
    const auto twice = [](const Ints& first, const Ints& second) {
      Ints all;
      for (const int64_t i : second) all.push_back(first[static_cast<size_t>(i)]);
      return all;
    };
    Value m = pick(hole, 2, twice(sources(a_.height, a_.hole_height), sources(h_, a_.height)));
    m = pick(m, 3, twice(sources(a_.width, a_.hole_width), sources(w_, a_.width)));
    m = op("Clip", {box_sum(m, 1, o_.ksize), g_.number(0), g_.number(1)});
    return reshape(transpose(op("Sub", {g_.number(1), m}), {0, 1, 3, 2}), {a_.n, 1, l_});
  }

  /// Step 4 and the division by 4 of step 6.
  Value weights(const Value& scores, const Value& m) {
    const Value logits = op("Mul", {scores, op("Mul", {m, g_.number(static_cast<float>(o_.softmax_scale))})});
    return op("Mul", {op("Softmax", {logits}, {{"axis", int64_t{-1}}}), op("Mul", {m, g_.number(0.25F)})});
  }

  /// Step 6, a product for each phase of the 2 x 2 pixels over a position.
  Value paste(const Value& weights, const Value& x) {
    const int64_t n = a_.n, c = a_.channels;
    const Ints shape{n, w_, h_, w_, h_};
    const Value matrix = reshape(weights, shape);
    std::vector<Value> phases;
    for (int64_t row = 0; row < 2; ++row) {
      const Value over_rows = diagonal_sum(matrix, shape, {2, 4}, row - 1, row);
      for (int64_t col = 0; col < 2; ++col) {
        const Value over_both = diagonal_sum(over_rows, shape, {1, 3}, col - 1, col);
        const Value pixels = op("Slice", {x, g_.integers({row, col}), g_.integers({a_.height, a_.width}),
                                          g_.integers({2, 3}), g_.integers({2, 2})});
        const Value rows = reshape(transpose(pixels, {0, 3, 2, 1}), {n, l_, c});
        phases.push_back(op("MatMul", {reshape(over_both, {n, l_, l_}), rows}));
      }
    }
    const Value all = reshape(op("Concat", phases, {{"axis", int64_t{2}}}), {n, w_, h_, 4 * c});
    return op("DepthToSpace", {transpose(all, {0, 3, 2, 1})}, {{"blocksize", int64_t{2}}});
  }

  OnnxGraph& g_;
  const OnnxAttention& a_;
  const AttentionOptions o_;  // the generator's are the defaults
  const int64_t h_, w_, l_;
};

}  // namespace

OnnxGraph::Value OnnxAttention::add_to(OnnxGraph& graph, const OnnxGraph::Value& x,
                                       const OnnxGraph::Value& hole) const {
  return Builder(graph, *this).build(x, hole);
}

}  // namespace lacuna
