#pragma once

#include <cstdint>
#include <string>

namespace lacuna {

/// Where a tensor's memory lies.
struct Device {
  enum class Kind : uint8_t { cpu, cuda };

  Kind kind = Kind::cpu;
  int index = 0;

  /// "cpu" or "cuda:0"
  std::string str() const { return kind == Kind::cpu ? "cpu" : "cuda:" + std::to_string(index); }

  friend bool operator==(const Device&, const Device&) = default;
};

}  // namespace lacuna
