#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace lacuna {

/// Builds one protocol-buffers message field by field (the wire format of protobuf.dev/programming-guides/encoding).
/// A message within a message is built by a writer of its own and put in as bytes.
class ProtobufWriter {
 public:
  /// int32, int64, bool, enum: varint.
  void integer(int field, int64_t value) {
    tag(field, 0);
    varint(static_cast<uint64_t>(value));
  }
  void real(int field, double value) {
    tag(field, 1);
    fixed(std::bit_cast<uint64_t>(value));
  }
  void real(int field, float value) {
    tag(field, 5);
    fixed(std::bit_cast<uint32_t>(value));
  }
  /// string, bytes, packed numbers, or the text of another message.
  void bytes(int field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    text_ += value;
  }
  void message(int field, const ProtobufWriter& value) { bytes(field, value.text()); }

  const std::string& text() const { return text_; }

 private:
  void tag(int field, unsigned wire_type) { varint(static_cast<uint64_t>(field) << 3 | wire_type); }
  void varint(uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>(value | 128);
    text_ += static_cast<char>(value);
  }
  /// Little-endian, whatever the machine's order.
  template <class T>
  void fixed(T value) {
    for (unsigned i = 0; i < sizeof(T); ++i) text_ += static_cast<char>(value >> (8 * i) & 255);
  }

  std::string text_;
};

}  // namespace lacuna
