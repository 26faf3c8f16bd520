#pragma once

#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

struct Node;

/// A Tensor together with its place on the tape. Copying copies the handle. A Variable without a node is a constant:
/// nothing flows back into it.
class Variable {
 public:
  /// An undefined variable: "no gradient" where a VJP returns one.
  Variable() = default;
  /// A constant.
  Variable(Tensor value) : value_(std::move(value)) {}
  Variable(Tensor value, std::shared_ptr<Node> node) : value_(std::move(value)), node_(std::move(node)) {}

  /// A leaf that gradients can be asked of.
  static Variable leaf(Tensor value);

  bool defined() const { return value_.defined(); }
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  int rank() const { return value_.rank(); }
  int64_t dim(int axis) const { return value_.dim(axis); }
  int64_t numel() const { return value_.numel(); }
  DType dtype() const { return value_.dtype(); }
  Device device() const { return value_.device(); }

  bool requires_grad() const { return node_ != nullptr; }
  const std::shared_ptr<Node>& node() const { return node_; }
  /// The same value as a constant.
  Variable detach() const { return Variable(value_); }

 private:
  Tensor value_;
  std::shared_ptr<Node> node_;
};

using Variables = std::vector<Variable>;

}  // namespace lacuna
