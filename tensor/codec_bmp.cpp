#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#include <stb_image.h>

#include <limits>
#include <memory>

#include "tensor/codecs.h"

namespace lacuna::codecs {
namespace {

/// The little-endian number at `at`, which lies inside.
template <class T>
T number_at(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
  return static_cast<T>(value);
}

/// stb takes missing bytes for zeros; whether all rows are there follows from the header.
void check_complete(std::string_view bytes, const std::string& name) {
  constexpr size_t header_bytes = 54, os2_header = 12;
  check(bytes.size() >= header_bytes, "[image] ", name, ": truncated BMP");
  const int64_t data_begin = number_at<uint32_t>(bytes, 10);
  const bool os2 = number_at<uint32_t>(bytes, 14) == os2_header;
  const int64_t width = os2 ? number_at<uint16_t>(bytes, 18) : number_at<int32_t>(bytes, 18);
  const int64_t height = os2 ? number_at<uint16_t>(bytes, 20) : number_at<int32_t>(bytes, 22);
  const int64_t bits = number_at<uint16_t>(bytes, os2 ? 24 : 28);
  const int64_t rows = height < 0 ? -height : height;  // a negative height means top row first
  check_extents(rows, width, name);
  const int64_t row_bytes = (width * bits + 31) / 32 * 4;
  check(data_begin + row_bytes * rows <= static_cast<int64_t>(bytes.size()), "[image] ", name, ": truncated BMP");
}

}  // namespace

Image decode_bmp(std::string_view bytes, const std::string& name) {
  check(bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()), "[image] ", name,
        ": a BMP of 2 GiB or more is not read");
  check_complete(bytes, name);
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &width,
                            &height, &channels, 0),
      stbi_image_free);
  if (!pixels) fail("[image] ", name, ": corrupt or unsupported BMP: ", stbi_failure_reason());
  const int64_t count = int64_t{height} * width * channels;
  return {height, width, channels, 8, std::vector<uint16_t>(pixels.get(), pixels.get() + count)};
}

}  // namespace lacuna::codecs
