#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// A picture as stored in a file: samples in row-major order, the channels of a pixel side by side.
struct Image {
  int64_t height = 0, width = 0;
  int64_t channels = 0;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
  int bits = 8;          // 8 or 16
  std::vector<uint16_t> samples;
  std::string icc = {};  // the samples' ICC colour profile; none: sRGB is meant

  /// The value of white: 255 or 65535.
  int maximum() const { return (1 << bits) - 1; }
};

/// Larger pictures are refused before their pixels are decoded (a 16,384 x 16,384 square).
inline constexpr int64_t largest_image_pixels = int64_t{1} << 28;

/// Reads a PNG (every colour type; 1 to 8 bits a sample come as 8, 16 as 16; a palette as RGB, transparency as alpha),
/// a JPEG (turned upright as its EXIF orientation says) or a BMP. Samples come as they are, without colour management,
/// with the colour profile of a PNG or of a JPEG that is not in inks.
/// Throws Error "[image] FILE: reason" for a file that is missing, a folder, no such picture, truncated, corrupt or
/// absurdly large.
Image read_image(const std::filesystem::path& path);
/// The same from bytes in memory; `name` stands for the file in errors.
Image decode_image(std::string_view bytes, const std::string& name);

/// Writes, atomically, what the extension names: .png keeps every channel and both depths; .jpg and .jpeg have neither
/// alpha nor 16 bits, so alpha is dropped (colours stay as they are) and samples are rounded to 8 bits. jpeg_quality is
/// 1 to 100. A colour profile is kept. Throws Error "[image] FILE: reason".
void write_image(const std::filesystem::path& path, const Image& image, int jpeg_quality = 95);
/// The bytes that write_image would write to a file named `name`.
std::string encode_image(const Image& image, const std::filesystem::path& name, int jpeg_quality = 95);

/// f32 (1,H,W,3), RGB, value / maximum * 2 - 1 in [-1, 1]; grey is replicated and alpha dropped.
Tensor to_tensor(const Image& image);
/// The picture of a (1,H,W,3) or (1,H,W,1) f32 or f64 tensor in [-1, 1], rounded to the nearest sample; values outside
/// are clamped and NaN is an error. to_image(to_tensor(image), image.bits) has the samples of an opaque image.
Image to_image(const Tensor& x, int bits = 8);

}  // namespace lacuna
