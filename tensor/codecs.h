#pragma once

#include "tensor/image.h"

/// The picture formats behind read_image and write_image. Decoders take a whole file's bytes and the name that errors
/// show; encoders take a valid Image.
namespace lacuna::codecs {

Image decode_png(std::string_view bytes, const std::string& name);
std::string encode_png(const Image& image, const std::string& name);

/// Baseline and progressive; as stored, not turned upright.
Image decode_jpeg(std::string_view bytes, const std::string& name);
/// 8 bits, grey or RGB.
std::string encode_jpeg(const Image& image, const std::string& name, int quality);

Image decode_bmp(std::string_view bytes, const std::string& name);

/// What the marker segments of a JPEG file tell.
struct JpegLayout {
  int orientation = 1;    // EXIF tag 0x0112, 1 to 8 (CIPA DC-008, 4.6.4); 1 if there is none or it makes no sense
  bool complete = false;  // whether the end-of-image marker is there
};
JpegLayout jpeg_layout(std::string_view bytes);

/// Throws unless the extents are positive and within largest_image_pixels.
void check_extents(int64_t height, int64_t width, const std::string& name);

}  // namespace lacuna::codecs
