#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "tests/support/onnx_file.h"

/// Runs ONNX files in f64, as the operators' specification (opset 17) says, slowly; those operators, and of them those
/// forms, that Lacuna's exports use.
namespace lacuna::test {

using OnnxValues = std::map<std::string, OnnxTensor>;

class OnnxRun {
 public:
  /// All values of the graph, by name.
  static OnnxValues run(const OnnxFile& file, OnnxValues inputs) {
    OnnxRun all{std::move(inputs)};
    all.values_.insert(file.constants.begin(), file.constants.end());
    for (const OnnxNode& node : file.nodes) {
      all.node_ = &node;
      if (node.outputs.size() != 1) throw std::runtime_error(node.name + " has not one output");
      if (!all.values_.emplace(node.outputs[0], all.result()).second)
        throw std::runtime_error(node.name + " is there twice");
    }
    return std::move(all.values_);
  }

 private:
  using Dims = std::vector<int64_t>;

  explicit OnnxRun(OnnxValues values) : values_(std::move(values)) {}

  bool has(size_t k) const { return k < node_->inputs.size() && !node_->inputs[k].empty(); }
  const OnnxTensor& in(size_t k) const { return values_.at(node_->inputs.at(k)); }
  Dims ints(size_t k) const {
    if (!in(k).whole) throw std::runtime_error(node_->name + " needs whole numbers");
    return Dims(in(k).values.begin(), in(k).values.end());
  }
  int64_t integer(const std::string& name) const { return node_->integers.at(name); }
  Dims row(const std::string& name, Dims otherwise) const {
    const auto found = node_->rows.find(name);
    return found == node_->rows.end() ? otherwise : found->second;
  }

  static int64_t count(const Dims& dims) {
    return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
  }
  static Dims place(int64_t flat, const Dims& dims) {
    Dims at(dims.size());
    for (size_t k = dims.size(); k-- > 0; flat /= dims[k]) at[k] = flat % dims[k];
    return at;
  }
  /// Where `at`, of as many axes or more, lies in x by the rules of broadcasting; below 0 outside of x.
  static int64_t flat(const Dims& at, const Dims& dims) {
    int64_t index = 0;
    for (size_t k = 0; k < dims.size(); ++k) {
      const int64_t i = dims[k] == 1 ? 0 : at[at.size() - dims.size() + k];
      if (i < 0 || i >= dims[k]) return -1;
      index = index * dims[k] + i;
    }
    return index;
  }
  template <class F>
  static OnnxTensor made(const Dims& dims, F&& value_at) {
    OnnxTensor y{dims, std::vector<double>(static_cast<size_t>(count(dims))), false};
    for (int64_t i = 0; i < count(dims); ++i) y.values[static_cast<size_t>(i)] = value_at(place(i, dims));
    return y;
  }
  static double at(const OnnxTensor& x, const Dims& place) {
    const int64_t i = flat(place, x.dims);
    return i < 0 ? 0 : x.values.at(static_cast<size_t>(i));
  }

  template <class F>
  OnnxTensor elementwise(F&& f) const {
    OnnxTensor y = in(0);
    for (double& v : y.values) v = f(v);
    return y;
  }
  template <class F>
  OnnxTensor binary(F&& f) const {
    const OnnxTensor &a = in(0), &b = in(1);
    Dims dims = a.dims.size() >= b.dims.size() ? a.dims : b.dims;
    for (const Dims& other : {a.dims, b.dims}) {
      for (size_t k = 0; k < other.size(); ++k) {
        int64_t& extent = dims[dims.size() - other.size() + k];
        if (extent != other[k] && extent != 1 && other[k] != 1)
          throw std::runtime_error(node_->name + ": shapes differ");
        extent = std::max(extent, other[k]);
      }
    }
    return made(dims, [&](const Dims& p) { return f(at(a, p), at(b, p)); });
  }

  OnnxTensor conv() const {
    const OnnxTensor &x = in(0), &w = in(1);
    const Dims strides = row("strides", {1, 1}), dilations = row("dilations", {1, 1}), pads = row("pads", Dims(4, 0));
    if (w.dims[1] != x.dims[1]) throw std::runtime_error(node_->name + ": channels differ");
    const auto extent = [&](size_t axis) {
      return (x.dims[axis + 2] + pads[axis] + pads[axis + 2] - dilations[axis] * (w.dims[axis + 2] - 1) - 1) /
                 strides[axis] +
             1;
    };
    return made({x.dims[0], w.dims[0], extent(0), extent(1)}, [&](const Dims& p) {
      double sum = has(2) ? in(2).values.at(static_cast<size_t>(p[1])) : 0;
      for (int64_t r = 0; r < w.dims[2]; ++r) {
        for (int64_t s = 0; s < w.dims[3]; ++s) {
          const int64_t i = p[2] * strides[0] + r * dilations[0] - pads[0];
          const int64_t j = p[3] * strides[1] + s * dilations[1] - pads[1];
          if (i < 0 || j < 0 || i >= x.dims[2] || j >= x.dims[3]) continue;
          for (int64_t c = 0; c < x.dims[1]; ++c) {
            const int64_t from = ((p[0] * x.dims[1] + c) * x.dims[2] + i) * x.dims[3] + j;
            const int64_t tap = ((p[1] * x.dims[1] + c) * w.dims[2] + r) * w.dims[3] + s;
            sum += x.values[static_cast<size_t>(from)] * w.values[static_cast<size_t>(tap)];
          }
        }
      }
      return sum;
    });
  }

  OnnxTensor matmul() const {
    const OnnxTensor &a = in(0), &b = in(1);
    const int64_t n = a.dims.at(0), rows = a.dims.at(1), inner = a.dims.at(2), cols = b.dims.at(2);
    if (b.dims[0] != n || b.dims[1] != inner) throw std::runtime_error(node_->name + ": shapes differ");
    return made({n, rows, cols}, [&](const Dims& p) {
      double sum = 0;
      for (int64_t k = 0; k < inner; ++k) {
        sum += a.values[static_cast<size_t>((p[0] * rows + p[1]) * inner + k)] *
               b.values[static_cast<size_t>((p[0] * inner + k) * cols + p[2])];
      }
      return sum;
    });
  }

  OnnxTensor softmax() const {
    OnnxTensor y = in(0);
    if (integer("axis") != -1) throw std::runtime_error("softmax along another axis");
    const auto length = static_cast<std::ptrdiff_t>(y.dims.back());
    for (auto first = y.values.begin(); first != y.values.end(); first += length) {
      const double largest = *std::max_element(first, first + length);
      double sum = 0;
      std::for_each(first, first + length, [&](double& v) { sum += v = std::exp(v - largest); });
      std::for_each(first, first + length, [&](double& v) { v /= sum; });
    }
    return y;
  }

  OnnxTensor concat() const {
    const auto axis = static_cast<size_t>(integer("axis"));
    OnnxTensor y = in(0);
    for (size_t k = 1; k < node_->inputs.size(); ++k) {
      const OnnxTensor &a = y, &b = in(k);
      Dims dims = a.dims;
      const int64_t before = dims[axis];
      dims[axis] += b.dims.at(axis);
      y = made(dims, [&](Dims p) {
        if (p[axis] < before) return at(a, p);
        p[axis] -= before;
        return at(b, p);
      });
    }
    return y;
  }

  OnnxTensor slice() const {
    const Dims starts = ints(1), ends = ints(2), axes = ints(3), steps = has(4) ? ints(4) : Dims(axes.size(), 1);
    Dims dims = in(0).dims;
    for (size_t k = 0; k < axes.size(); ++k) {
      int64_t& extent = dims.at(static_cast<size_t>(axes[k]));
      if (ends[k] > extent) throw std::runtime_error(node_->name + " ends outside");
      extent = (ends[k] - starts[k] + steps[k] - 1) / steps[k];
    }
    return made(dims, [&](Dims p) {
      for (size_t k = 0; k < axes.size(); ++k) {
        int64_t& i = p[static_cast<size_t>(axes[k])];
        i = starts[k] + i * steps[k];
      }
      return at(in(0), p);
    });
  }

  OnnxTensor pad() const {
    const Dims pads = ints(1);
    Dims dims = in(0).dims;
    if (pads.size() != 2 * dims.size()) throw std::runtime_error(node_->name + ": two paddings for each axis");
    for (size_t k = 0; k < dims.size(); ++k) dims[k] += pads[k] + pads[dims.size() + k];
    return made(dims, [&](Dims p) {
      for (size_t k = 0; k < p.size(); ++k) {
        p[k] -= pads[k];
        if (p[k] < 0 || p[k] >= in(0).dims[k]) return 0.0;
      }
      return at(in(0), p);
    });
  }

  OnnxTensor gather() const {
    const auto axis = static_cast<size_t>(integer("axis"));
    const Dims which = ints(1);
    Dims dims = in(0).dims;
    if (*std::max_element(which.begin(), which.end()) >= dims.at(axis)) throw std::runtime_error("gather from outside");
    dims[axis] = static_cast<int64_t>(which.size());
    return made(dims, [&](Dims p) {
      p[axis] = which[static_cast<size_t>(p[axis])];
      return at(in(0), p);
    });
  }

  OnnxTensor transpose() const {
    const Dims order = row("perm", {});
    Dims dims;
    for (const int64_t axis : order) dims.push_back(in(0).dims.at(static_cast<size_t>(axis)));
    return made(dims, [&](const Dims& p) {
      Dims from(p.size());
      for (size_t k = 0; k < p.size(); ++k) from[static_cast<size_t>(order[k])] = p[k];
      return at(in(0), from);
    });
  }

  OnnxTensor reshape() const {
    OnnxTensor y = in(0);
    y.dims = ints(1);
    if (static_cast<size_t>(count(y.dims)) != y.values.size()) throw std::runtime_error(node_->name + ": wrong size");
    return y;
  }

  OnnxTensor resize() const {
    const std::map<std::string, std::string> form{
        {"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}};
    if (node_->texts != form || has(1)) throw std::runtime_error(node_->name + ": another way to resize");
    Dims dims = in(0).dims;
    for (size_t k = 0; k < dims.size(); ++k)
      dims[k] = static_cast<int64_t>(std::floor(static_cast<double>(dims[k]) * in(2).values.at(k)));
    return made(dims, [&](Dims p) {
      for (size_t k = 0; k < p.size(); ++k) {
        p[k] = static_cast<int64_t>(std::floor(static_cast<double>(p[k]) / in(2).values[k]));
      }
      return at(in(0), p);
    });
  }

  /// Mode DCR, the default: channels are (row, column, channel).
  OnnxTensor depth_to_space() const {
    const int64_t b = integer("blocksize");
    const Dims& d = in(0).dims;
    const int64_t channels = d[1] / (b * b);
    return made({d[0], channels, d[2] * b, d[3] * b}, [&](const Dims& p) {
      return at(in(0), {p[0], (p[2] % b * b + p[3] % b) * channels + p[1], p[2] / b, p[3] / b});
    });
  }

  OnnxTensor expand() const {
    return made(ints(1), [&](const Dims& p) { return at(in(0), p); });
  }

  OnnxTensor clip() const {
    const double lo = has(1) ? in(1).values.at(0) : -std::numeric_limits<double>::infinity();
    const double hi = has(2) ? in(2).values.at(0) : std::numeric_limits<double>::infinity();
    return elementwise([=](double v) { return std::min(std::max(v, lo), hi); });
  }

  OnnxTensor result() const {
    const std::map<std::string, std::function<OnnxTensor()>> operators{
        {"Add", [&] { return binary(std::plus<>()); }},
        {"Cast", [&] { return in(0); }},
        {"Clip", [&] { return clip(); }},
        {"Concat", [&] { return concat(); }},
        {"Conv", [&] { return conv(); }},
        {"DepthToSpace", [&] { return depth_to_space(); }},
        {"Div", [&] { return binary(std::divides<>()); }},
        {"Elu", [&] { return elementwise([](double v) { return v < 0 ? std::expm1(v) : v; }); }},
        {"Expand", [&] { return expand(); }},
        {"Gather", [&] { return gather(); }},
        {"Greater", [&] { return binary([](double a, double b) { return a > b ? 1.0 : 0.0; }); }},
        {"MatMul", [&] { return matmul(); }},
        {"Mul", [&] { return binary(std::multiplies<>()); }},
        {"Pad", [&] { return pad(); }},
        {"Relu", [&] { return elementwise([](double v) { return std::max(v, 0.0); }); }},
        {"Reshape", [&] { return reshape(); }},
        {"Resize", [&] { return resize(); }},
        {"Slice", [&] { return slice(); }},
        {"Softmax", [&] { return softmax(); }},
        {"Sqrt", [&] { return elementwise([](double v) { return std::sqrt(v); }); }},
        {"Sub", [&] { return binary(std::minus<>()); }},
        {"Transpose", [&] { return transpose(); }}};
    return operators.at(node_->op)();
  }

  OnnxValues values_;
  const OnnxNode* node_ = nullptr;
};

}  // namespace lacuna::test
