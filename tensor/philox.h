#pragma once

#include <cstdint>

#include "tensor/functor.h"

namespace lacuna {

/// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): a random number is a pure
/// function of (seed, draw, element), hence the same on every device, grid and thread count.
struct Philox {
  uint64_t seed = 0;
  uint64_t draw = 0;

  struct Word4 {
    uint32_t v[4];
  };

  LACUNA_HD Word4 words(uint64_t element) const {
    Word4 c{{static_cast<uint32_t>(element), static_cast<uint32_t>(element >> 32), static_cast<uint32_t>(draw),
             static_cast<uint32_t>(draw >> 32)}};
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c.v[0], p1 = uint64_t{0xCD9E8D57u} * c.v[2];
      c = {{static_cast<uint32_t>(p1 >> 32) ^ c.v[1] ^ k0, static_cast<uint32_t>(p1),
            static_cast<uint32_t>(p0 >> 32) ^ c.v[3] ^ k1, static_cast<uint32_t>(p0)}};
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return c;
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  LACUNA_HD double uniform(uint64_t element) const {
    const Word4 w = words(element);
    const uint64_t bits = (static_cast<uint64_t>(w.v[0]) << 32 | w.v[1]) >> 11;
    return static_cast<double>(bits) * 0x1.0p-53;
  }

  /// Uniform integer in [0, n), n >= 1; its bias is below n / 2^64.
  LACUNA_HD uint64_t below(uint64_t element, uint64_t n) const {
    return static_cast<uint64_t>(uniform(element) * static_cast<double>(n));
  }
};

}  // namespace lacuna
