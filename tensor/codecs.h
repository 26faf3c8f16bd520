#pragma once

#include "tensor/image.h"

/// The picture formats behind read_image and write_image. Decoders take a whole file's bytes and the name that errors
/// show; encoders take a valid Image.
namespace lacuna::codecs {

Image decode_png(std::string_view bytes, const std::string& name);
std::string encode_png(const Image& image, const std::string& name);

/// As stored, with the way to turn it: exif_orientation of the file.
struct Photograph {
  Image image;
  int orientation = 1;
};
/// Baseline and progressive; grey as grey, everything else (CMYK too) as RGB.
Photograph decode_jpeg(std::string_view bytes, const std::string& name);
/// 8 bits, grey or RGB; colour at full resolution from quality 90 on, else at half.
std::string encode_jpeg(const Image& image, const std::string& name, int quality);

/// Uncompressed, of 1 to 32 bits a pixel.
Image decode_bmp(std::string_view bytes, const std::string& name);

/// Tag 0x0112 of the EXIF data in the content of a JPEG's APP1 segment, 1 to 8 (CIPA DC-008, 4.6.4): where the first
/// row and column belong. 1, upright, if there is none or it makes no sense.
int exif_orientation(std::string_view app1);

/// Throws unless the extents are positive and within largest_image_pixels.
void check_extents(int64_t height, int64_t width, const std::string& name);

}  // namespace lacuna::codecs
