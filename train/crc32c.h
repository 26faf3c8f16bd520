#pragma once

#include <cstdint>
#include <string_view>

namespace lacuna {

/// CRC-32C (Castagnoli: polynomial 0x1EDC6F41, reflected, RFC 3720 section 12.1) of the bytes.
uint32_t crc32c(std::string_view bytes);

/// The form in which TensorFlow and LevelDB store a CRC-32C: rotated right by 15 bits, plus a constant, so that the
/// checksum of data that hold checksums stays a good one.
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace lacuna
