#pragma once

#include <cstdint>
#include <string_view>

#include "tensor/check.h"

namespace lacuna {

/// Takes little-endian values off the front of some bytes; throws Error "is truncated ..." where they end too soon.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }

  std::string_view take(uint64_t n) {
    check(n <= rest_.size(), "is truncated or damaged: ", n, " bytes are announced where ", rest_.size(), " are left");
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  /// An unsigned number of `n` <= 8 bytes.
  uint64_t fixed(int n) {
    const std::string_view bytes = take(static_cast<uint64_t>(n));
    uint64_t value = 0;
    for (int i = 0; i < n; ++i) value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    return value;
  }
  uint32_t fixed32() { return static_cast<uint32_t>(fixed(4)); }

  /// Seven bits a byte, the lowest first, the high bit set in all but the last (protocol buffers, LevelDB).
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = fixed(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail("is damaged: a number has no end");
  }

  /// All bytes up to `end`, which is taken, too, but not returned.
  std::string_view until(char end) {
    const size_t at = rest_.find(end);
    check(at != std::string_view::npos, "is truncated or damaged: a text has no end");
    const std::string_view taken = take(at);
    take(1);
    return taken;
  }

 private:
  std::string_view rest_;
};

}  // namespace lacuna
