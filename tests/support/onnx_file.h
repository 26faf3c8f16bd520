#pragma once

#include <bit>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "train/byte_reader.h"

/// Reads ONNX files back, by the field numbers of onnx.proto. Whatever is not expected in them is an error.
namespace lacuna::test {

/// Numbers of any type, in row-major order. `whole` ones are i64 in the file.
struct OnnxTensor {
  std::vector<int64_t> dims;
  std::vector<double> values;
  bool whole = false;
};

struct OnnxNode {
  std::string name, op;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, int64_t> integers;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<int64_t>> rows;
};

struct OnnxPort {
  std::string name, doc;
  std::vector<int64_t> dims;
  int64_t type = 0;
};

struct OnnxFile {
  int64_t ir_version = 0, opset = 0;
  std::string producer, producer_version, domain, graph_name;
  std::map<std::string, std::string> metadata;
  std::vector<OnnxNode> nodes;
  std::map<std::string, OnnxTensor> constants;
  std::vector<OnnxPort> inputs, outputs;

  explicit OnnxFile(std::string_view bytes);
};

struct ProtobufField {
  uint64_t number = 0, integer = 0;
  std::string_view bytes;
  int64_t value() const { return static_cast<int64_t>(integer); }
  std::string text() const { return std::string(bytes); }
};

inline std::vector<ProtobufField> protobuf_fields(std::string_view message) {
  std::vector<ProtobufField> fields;
  ByteReader reader(message);
  while (!reader.done()) {
    const uint64_t tag = reader.varint();
    ProtobufField field{tag >> 3, 0, {}};
    if ((tag & 7) == 0) {
      field.integer = reader.varint();
    } else if ((tag & 7) == 2) {
      field.bytes = reader.take(reader.varint());
    } else {
      throw std::runtime_error("a wire type that the file need not have");
    }
    fields.push_back(field);
  }
  return fields;
}

[[noreturn]] inline void unexpected(const char* message, const ProtobufField& field) {
  throw std::runtime_error(std::string("unexpected field ") + std::to_string(field.number) + " in " + message);
}

inline OnnxPort onnx_port(std::string_view message) {
  OnnxPort port;
  for (const ProtobufField& f : protobuf_fields(message)) {
    if (f.number == 1) port.name = f.text();
    if (f.number == 3) port.doc = f.text();
    if (f.number != 2) continue;
    const std::vector<ProtobufField> type = protobuf_fields(f.bytes);
    for (const ProtobufField& t : protobuf_fields(type.at(0).bytes)) {
      if (t.number == 1) port.type = t.value();
      if (t.number != 2) continue;
      for (const ProtobufField& d : protobuf_fields(t.bytes)) {
        port.dims.push_back(protobuf_fields(d.bytes).at(0).value());
      }
    }
  }
  return port;
}

inline std::pair<std::string, OnnxTensor> onnx_constant(std::string_view message) {
  std::string name;
  OnnxTensor tensor;
  std::string_view raw;
  for (const ProtobufField& f : protobuf_fields(message)) {
    switch (f.number) {
      case 1:
        tensor.dims.push_back(f.value());
        break;
      case 2:
        tensor.whole = f.value() == 7;
        if (f.value() != 7 && f.value() != 1) throw std::runtime_error("a constant of unknown type");
        break;
      case 8:
        name = f.text();
        break;
      case 9:
        raw = f.bytes;
        break;
      default:
        unexpected("TensorProto", f);
    }
  }
  ByteReader reader(raw);
  while (!reader.done()) {
    tensor.values.push_back(tensor.whole ? static_cast<double>(static_cast<int64_t>(reader.fixed(8)))
                                         : static_cast<double>(std::bit_cast<float>(reader.fixed32())));
  }
  return {name, tensor};
}

inline OnnxNode onnx_node(std::string_view message) {
  OnnxNode node;
  for (const ProtobufField& f : protobuf_fields(message)) {
    if (f.number == 1) node.inputs.push_back(f.text());
    if (f.number == 2) node.outputs.push_back(f.text());
    if (f.number == 3) node.name = f.text();
    if (f.number == 4) node.op = f.text();
    if (f.number > 5) unexpected("NodeProto", f);
    if (f.number != 5) continue;
    std::string name;
    int64_t kind = 0;
    for (const ProtobufField& a : protobuf_fields(f.bytes)) {
      if (a.number == 1) name = a.text();
      if (a.number == 20) kind = a.value();
    }
    for (const ProtobufField& a : protobuf_fields(f.bytes)) {
      if (a.number == 1 || a.number == 20) continue;
      if (a.number == 3 && kind == 2) {
        node.integers[name] = a.value();
      } else if (a.number == 4 && kind == 3) {
        node.texts[name] = a.text();
      } else if (a.number == 8 && kind == 7) {
        node.rows[name].push_back(a.value());
      } else {
        unexpected("AttributeProto", a);
      }
    }
  }
  return node;
}

inline OnnxFile::OnnxFile(std::string_view bytes) {
  for (const ProtobufField& f : protobuf_fields(bytes)) {
    if (f.number == 1) ir_version = f.value();
    if (f.number == 2) producer = f.text();
    if (f.number == 3) producer_version = f.text();
    if (f.number == 7) {
      for (const ProtobufField& g : protobuf_fields(f.bytes)) {
        if (g.number == 1) nodes.push_back(onnx_node(g.bytes));
        if (g.number == 2) graph_name = g.text();
        if (g.number == 5) constants.insert(onnx_constant(g.bytes));
        if (g.number == 11) inputs.push_back(onnx_port(g.bytes));
        if (g.number == 12) outputs.push_back(onnx_port(g.bytes));
      }
    }
    if (f.number == 8) {
      for (const ProtobufField& o : protobuf_fields(f.bytes)) {
        if (o.number == 1) domain = o.text();
        if (o.number == 2) opset = o.value();
      }
    }
    if (f.number == 14) {
      const std::vector<ProtobufField> entry = protobuf_fields(f.bytes);
      metadata[entry.at(0).text()] = entry.at(1).text();
    }
  }
}

}  // namespace lacuna::test
