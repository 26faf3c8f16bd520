#include "train/onnx.h"

#include <bit>

// Field numbers are those of onnx.proto; the message is named beside each group.
namespace lacuna {
namespace {

constexpr int64_t float_type = 1, int64_type = 7;  // TensorProto.DataType

/// Little-endian, as raw_data has to be.
template <class Bits>
void append(std::string& bytes, Bits value) {
  for (unsigned i = 0; i < sizeof(Bits); ++i) bytes += static_cast<char>(value >> (8 * i) & 255);
}

ProtobufWriter attribute_message(const std::string& name, const OnnxGraph::Attribute& attribute) {
  ProtobufWriter message;  // AttributeProto; 20 tells which of the others holds the value
  message.bytes(1, name);
  if (const auto* integer = std::get_if<int64_t>(&attribute)) {
    message.integer(3, *integer);
    message.integer(20, 2);
  } else if (const auto* text = std::get_if<std::string>(&attribute)) {
    message.bytes(4, *text);
    message.integer(20, 3);
  } else {
    for (const int64_t value : std::get<std::vector<int64_t>>(attribute)) message.integer(8, value);
    message.integer(20, 7);
  }
  return message;
}

ProtobufWriter value_info(const std::string& name, const Shape& shape, const std::string& doc) {
  ProtobufWriter dims;  // TensorShapeProto
  for (const int64_t extent : shape) {
    ProtobufWriter dim;
    dim.integer(1, extent);
    dims.message(1, dim);
  }
  ProtobufWriter tensor;  // TypeProto.Tensor
  tensor.integer(1, float_type);
  tensor.message(2, dims);
  ProtobufWriter type;  // TypeProto
  type.message(1, tensor);
  ProtobufWriter info;  // ValueInfoProto
  info.bytes(1, name);
  info.message(2, type);
  info.bytes(3, doc);
  return info;
}

}  // namespace

OnnxGraph::Value OnnxGraph::input(const std::string& name, const Shape& shape, const std::string& doc) {
  graph_.message(11, value_info(unique(name), shape, doc));
  return name;
}

void OnnxGraph::output(const Value& value, const Shape& shape, const std::string& doc) {
  graph_.message(12, value_info(value, shape, doc));
}

OnnxGraph::Value OnnxGraph::constant(const std::string& name, const Tensor& numbers) {
  const Tensor single = numbers.to(Device{}).to(DType::f32);
  std::string raw;
  raw.reserve(static_cast<size_t>(single.numel()) * sizeof(float));
  for (int64_t i = 0; i < single.numel(); ++i) append(raw, std::bit_cast<uint32_t>(single.data<float>()[i]));
  return initializer(name, float_type, single.shape().dims(), raw);
}

OnnxGraph::Value OnnxGraph::number(float x) {
  const auto found = numbers_.find(x);
  if (found != numbers_.end()) return found->second;
  std::string raw;
  append(raw, std::bit_cast<uint32_t>(x));
  return numbers_[x] = initializer("number", float_type, {}, raw);
}

OnnxGraph::Value OnnxGraph::integers(const std::vector<int64_t>& row) {
  const auto found = integers_.find(row);
  if (found != integers_.end()) return found->second;
  std::string raw;
  for (const int64_t value : row) append(raw, static_cast<uint64_t>(value));
  return integers_[row] = initializer("integers", int64_type, {static_cast<int64_t>(row.size())}, raw);
}

OnnxGraph::Value OnnxGraph::node(const std::string& op, const std::vector<Value>& inputs, const Attributes& attributes,
                                 const std::string& name) {
  const Value output = unique(name.empty() ? op : name);
  ProtobufWriter message;  // NodeProto
  for (const Value& input : inputs) message.bytes(1, input);
  message.bytes(2, output);
  message.bytes(3, output);
  message.bytes(4, op);
  for (const auto& [key, value] : attributes) message.message(5, attribute_message(key, value));
  graph_.message(1, message);
  return output;
}

std::string OnnxGraph::model(const std::string& producer_version, const std::string& doc,
                             const std::map<std::string, std::string>& metadata) const {
  ProtobufWriter operators;  // OperatorSetIdProto
  operators.bytes(1, "");
  operators.integer(2, opset);
  ProtobufWriter message;  // ModelProto
  message.integer(1, ir_version);
  message.bytes(2, "lacuna");
  message.bytes(3, producer_version);
  message.bytes(6, doc);
  message.message(7, graph_);
  message.message(8, operators);
  for (const auto& [key, value] : metadata) {
    ProtobufWriter entry;  // StringStringEntryProto
    entry.bytes(1, key);
    entry.bytes(2, value);
    message.message(14, entry);
  }
  check(message.text().size() < size_t{1} << 31, "[onnx] the model has ", message.text().size(),
        " bytes; ONNX files hold less than 2 GiB: take a network of a smaller cnum");
  return message.text();
}

OnnxGraph::Value OnnxGraph::unique(const std::string& name) {
  const int64_t times = taken_[name]++;
  return times == 0 ? name : unique(name + "_" + std::to_string(times));
}

OnnxGraph::Value OnnxGraph::initializer(const std::string& name, int64_t type, const std::vector<int64_t>& dims,
                                        const std::string& raw) {
  const Value value = unique(name);
  ProtobufWriter message;  // TensorProto
  for (const int64_t extent : dims) message.integer(1, extent);
  message.integer(2, type);
  message.bytes(8, value);
  message.bytes(9, raw);
  graph_.message(5, message);
  return value;
}

}  // namespace lacuna
