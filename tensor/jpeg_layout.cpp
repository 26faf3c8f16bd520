#include <optional>

#include "tensor/codecs.h"

namespace lacuna::codecs {
namespace {

/// Bytes read as numbers of either byte order; nothing past the end.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes, bool big_endian = true) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<uint32_t> number(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t place = big_endian_ ? i : size - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at + place]);
    }
    return value;
  }
  std::optional<uint32_t> u8(size_t at) const { return number(at, 1); }
  std::optional<uint32_t> u16(size_t at) const { return number(at, 2); }
  std::optional<uint32_t> u32(size_t at) const { return number(at, 4); }

 private:
  std::string_view bytes_;
  bool big_endian_;
};

/// The orientation in a TIFF structure: a header, then the first directory of 12-byte entries (tag, type, count,
/// value).
int tiff_orientation(std::string_view tiff) {
  constexpr uint32_t orientation_tag = 0x0112, short_type = 3;
  const bool big_endian = tiff.starts_with("MM");
  if (!big_endian && !tiff.starts_with("II")) return 1;
  const Bytes bytes(tiff, big_endian);
  const auto directory = bytes.u32(4);
  const auto entries = directory ? bytes.u16(*directory) : std::nullopt;
  for (size_t i = 0; i < entries.value_or(0); ++i) {
    const size_t entry = size_t{*directory} + 2 + 12 * i;
    if (bytes.u16(entry) != orientation_tag || bytes.u16(entry + 2) != short_type) continue;
    const uint32_t value = bytes.u16(entry + 8).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// The place of the next marker at or after `at`: 0xFF and a code that is neither stuffing (0), a restart nor a fill
/// byte.
size_t next_marker(const Bytes& bytes, size_t at) {
  for (; bytes.u16(at); ++at) {
    const uint32_t code = *bytes.u16(at) & 0xff;
    const bool restart = code >= 0xd0 && code <= 0xd7;
    if (*bytes.u8(at) == 0xff && code != 0 && code != 0xff && !restart) break;
  }
  return at;
}

}  // namespace

JpegLayout jpeg_layout(std::string_view file) {
  using namespace std::literals;
  constexpr uint32_t start_of_image = 0xd8, end_of_image = 0xd9, app1 = 0xe1;
  constexpr std::string_view exif = "Exif\0\0"sv;
  const Bytes bytes(file);
  JpegLayout layout;
  // Segments carry their length; the entropy-coded data after a scan's header holds no marker, so the search skips it.
  for (size_t at = next_marker(bytes, 0); bytes.u16(at); at = next_marker(bytes, at)) {
    const uint32_t code = *bytes.u8(at + 1);
    if (code == end_of_image) {
      layout.complete = true;
      break;
    }
    const uint32_t length = code == start_of_image ? 0 : bytes.u16(at + 2).value_or(0);
    if (code == app1 && length >= 2) {
      const std::string_view segment = file.substr(at + 4, length - 2);
      if (segment.starts_with(exif)) layout.orientation = tiff_orientation(segment.substr(exif.size()));
    }
    at += 2 + length;
  }
  return layout;
}

}  // namespace lacuna::codecs
