#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#include <stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "tensor/codecs.h"

namespace lacuna::codecs {
namespace {

Image decode(std::string_view bytes, const std::string& name, const char* format) {
  check(bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()), "[image] ", name,
        ": a file of 2 GiB or more is not read");
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  const auto require = [&](bool good) {
    if (!good) fail("[image] ", name, ": corrupt or unsupported ", format, ": ", stbi_failure_reason());
  };
  require(stbi_info_from_memory(data, size, &width, &height, &channels));
  check_extents(height, width, name);
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 0), stbi_image_free);
  require(pixels != nullptr);
  const int64_t count = int64_t{height} * width * channels;
  return {height, width, channels, 8, std::vector<uint16_t>(pixels.get(), pixels.get() + count)};
}

/// The little-endian number at `at`, which lies inside.
template <class T>
T number_at(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
  return static_cast<T>(value);
}

/// stb takes missing bytes for zeros; whether all rows are there follows from the header.
void check_bmp_is_complete(std::string_view bytes, const std::string& name) {
  constexpr size_t header_bytes = 54, os2_header = 12;
  check(bytes.size() >= header_bytes, "[image] ", name, ": truncated BMP");
  const uint32_t data_begin = number_at<uint32_t>(bytes, 10);
  const bool os2 = number_at<uint32_t>(bytes, 14) == os2_header;
  const int64_t width = os2 ? number_at<uint16_t>(bytes, 18) : number_at<int32_t>(bytes, 18);
  const int64_t height = os2 ? number_at<uint16_t>(bytes, 20) : number_at<int32_t>(bytes, 22);
  const int64_t bits = number_at<uint16_t>(bytes, os2 ? 24 : 28);
  const int64_t rows = height < 0 ? -height : height;
  check_extents(rows, width, name);
  const int64_t row_bytes = (width * bits + 31) / 32 * 4;
  check(data_begin + row_bytes * rows <= static_cast<int64_t>(bytes.size()), "[image] ", name, ": truncated BMP");
}

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& name) {
  // stb would fill what is missing with grey.
  check(jpeg_layout(bytes).complete, "[image] ", name, ": truncated JPEG");
  return decode(bytes, name, "JPEG");
}

Image decode_bmp(std::string_view bytes, const std::string& name) {
  check_bmp_is_complete(bytes, name);
  return decode(bytes, name, "BMP");
}

std::string encode_jpeg(const Image& image, const std::string& name, int quality) {
  constexpr int64_t largest_side = 65535;
  check(image.height <= largest_side && image.width <= largest_side, "[image] ", name,
        ": a JPEG has at most 65535 pixels a side, not ", image.height, " x ", image.width, "; write a PNG");
  const std::vector<stbi_uc> data(image.samples.begin(), image.samples.end());
  std::string bytes;
  const auto append = [](void* to, void* from, int size) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(from), static_cast<size_t>(size));
  };
  check(stbi_write_jpg_to_func(append, &bytes, static_cast<int>(image.width), static_cast<int>(image.height),
                               static_cast<int>(image.channels), data.data(), quality),
        "[image] ", name, ": cannot encode as JPEG");
  return bytes;
}

}  // namespace lacuna::codecs
