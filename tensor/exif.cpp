#include <optional>

#include "tensor/codecs.h"

namespace lacuna::codecs {
namespace {

/// Bytes read as numbers of either byte order; nothing past the end.
class Numbers {
 public:
  Numbers(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<uint32_t> u16(size_t at) const { return number(at, 2); }
  std::optional<uint32_t> u32(size_t at) const { return number(at, 4); }

 private:
  std::optional<uint32_t> number(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t place = big_endian_ ? i : size - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at + place]);
    }
    return value;
  }

  std::string_view bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(std::string_view app1) {
  using namespace std::literals;
  constexpr std::string_view exif = "Exif\0\0"sv;
  constexpr uint32_t orientation_tag = 0x0112, short_type = 3;
  if (!app1.starts_with(exif)) return 1;
  // A TIFF structure: the byte order, the place of the first directory, there 12-byte entries (tag, type, count,
  // value).
  const std::string_view tiff = app1.substr(exif.size());
  const bool big_endian = tiff.starts_with("MM");
  if (!big_endian && !tiff.starts_with("II")) return 1;
  const Numbers numbers(tiff, big_endian);
  const auto directory = numbers.u32(4);
  const auto entries = directory ? numbers.u16(*directory) : std::nullopt;
  for (size_t i = 0; i < entries.value_or(0); ++i) {
    const size_t entry = size_t{*directory} + 2 + 12 * i;
    if (numbers.u16(entry) != orientation_tag || numbers.u16(entry + 2) != short_type) continue;
    const uint32_t value = numbers.u16(entry + 8).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace lacuna::codecs
