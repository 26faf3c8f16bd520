#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tensor/tensor.h"
#include "train/protobuf_writer.h"

namespace lacuna {

/// Builds an ONNX model (github.com/onnx/onnx, onnx.proto), node by node in the order in which they can run. Values are
/// f32 but for the whole numbers that are arguments of nodes. Names are unique; one that is taken gets a number.
class OnnxGraph {
 public:
  /// The name of an input, a constant or a node's only output; "" stands for an input that is left out.
  using Value = std::string;
  using Attribute = std::variant<int64_t, std::string, std::vector<int64_t>>;
  using Attributes = std::vector<std::pair<std::string, Attribute>>;

  static constexpr int64_t opset = 17, ir_version = 8;

  explicit OnnxGraph(const std::string& name) { graph_.bytes(2, name); }

  /// An input or an output (a node's) of the model; f32.
  Value input(const std::string& name, const Shape& shape, const std::string& doc);
  void output(const Value& value, const Shape& shape, const std::string& doc);

  /// A constant with these numbers, as f32.
  Value constant(const std::string& name, const Tensor& numbers);
  /// A scalar; equal ones are stored once.
  Value number(float x);
  /// A row of i64; equal ones are stored once.
  Value integers(const std::vector<int64_t>& row);

  /// A node of the default domain; its output has the name `name`, or else the operator's.
  Value node(const std::string& op, const std::vector<Value>& inputs, const Attributes& attributes = {},
             const std::string& name = {});

  /// The bytes of the file. Throws Error if they are more than a protocol buffer can have (2 GiB).
  std::string model(const std::string& producer_version, const std::string& doc,
                    const std::map<std::string, std::string>& metadata) const;

 private:
  Value unique(const std::string& name);
  Value initializer(const std::string& name, int64_t type, const std::vector<int64_t>& dims, const std::string& raw);

  ProtobufWriter graph_;
  std::map<std::string, int64_t> taken_;  // how many values wanted this name
  std::map<float, Value> numbers_;
  std::map<std::vector<int64_t>, Value> integers_;
};

}  // namespace lacuna
