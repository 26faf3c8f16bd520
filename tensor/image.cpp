#include "tensor/image.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tensor/codecs.h"
#include "tensor/file.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

using namespace std::literals;

/// Formats that people have on their disks but that are not read here, for a helpful error.
const char* foreign_format(std::string_view bytes) {
  const std::string_view brand = bytes.size() >= 12 ? bytes.substr(8, 4) : "";
  if (bytes.starts_with("GIF8")) return "a GIF";
  if (bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv)) return "a TIFF or camera raw";
  if (bytes.starts_with("RIFF") && brand == "WEBP") return "a WebP";
  if (bytes.substr(0, 8).ends_with("ftyp")) return brand.starts_with("avi") ? "an AVIF" : "a HEIC or film";
  if (bytes.starts_with("%PDF")) return "a PDF";
  return nullptr;
}

/// The picture as a viewer shows it: `orientation` is EXIF's, whose values above 4 exchange rows and columns.
Image upright(const Image& stored, int orientation) {
  if (orientation == 1) return stored;
  const bool transposed = orientation > 4;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image image = stored;
  if (transposed) std::swap(image.height, image.width);
  auto* to = image.samples.data();
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      int64_t row = transposed ? x : y, column = transposed ? y : x;
      if (from_bottom) row = stored.height - 1 - row;
      if (from_right) column = stored.width - 1 - column;
      to = std::copy_n(stored.samples.data() + (row * stored.width + column) * stored.channels, stored.channels, to);
    }
  }
  return image;
}

void check_image(const Image& image, const std::string& name) {
  const std::string where = "[image] " + name + ": ";
  check(image.channels >= 1 && image.channels <= 4, where, "a picture has 1 to 4 channels, not ", image.channels);
  check(image.bits == 8 || image.bits == 16, where, "a sample has 8 or 16 bits, not ", image.bits);
  codecs::check_extents(image.height, image.width, name);
  const int64_t expected = image.height * image.width * image.channels;
  check(static_cast<int64_t>(image.samples.size()) == expected, where, image.samples.size(), " samples given, ",
        expected, " needed for ", image.height, " x ", image.width, " x ", image.channels);
  check(*std::max_element(image.samples.begin(), image.samples.end()) <= image.maximum(), where, "a sample exceeds ",
        image.maximum());
}

/// Without alpha and in 8 bits, as JPEG needs it.
Image reduced(const Image& image) {
  const int64_t kept = image.channels <= 2 ? 1 : 3;
  Image result{image.height, image.width, kept, 8, {}, image.icc};
  result.samples.reserve(static_cast<size_t>(image.height * image.width * kept));
  const uint32_t maximum = static_cast<uint32_t>(image.maximum());
  for (size_t pixel = 0; pixel < image.samples.size(); pixel += static_cast<size_t>(image.channels)) {
    for (size_t c = 0; c < static_cast<size_t>(kept); ++c) {
      const uint32_t sample = image.samples[pixel + c];
      result.samples.push_back(static_cast<uint16_t>((sample * 255 + maximum / 2) / maximum));
    }
  }
  return result;
}

}  // namespace

void codecs::check_extents(int64_t height, int64_t width, const std::string& name) {
  check(height > 0 && width > 0, "[image] ", name, ": the picture is empty: ", height, " x ", width);
  check(height <= largest_image_pixels / width, "[image] ", name, ": the picture is too large: ", height, " x ", width,
        ", more than ", largest_image_pixels, " pixels");
}

Image read_image(const std::filesystem::path& path) {
  const TraceSpan span("read picture", [&] { return path.string(); });
  return decode_image(read_file(path, "image"), path.string());
}

Image decode_image(std::string_view bytes, const std::string& name) {
  check(!bytes.empty(), "[image] ", name, ": the file is empty");
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return codecs::decode_png(bytes, name);
  if (bytes.starts_with("\xff\xd8\xff"sv)) {
    const codecs::Photograph photograph = codecs::decode_jpeg(bytes, name);
    return upright(photograph.image, photograph.orientation);
  }
  if (bytes.starts_with("BM")) return codecs::decode_bmp(bytes, name);
  const char* foreign = foreign_format(bytes);
  check(!foreign, "[image] ", name, ": is ", foreign ? foreign : "",
        " file; PNG, JPEG and BMP are read: convert it first");
  fail("[image] ", name, ": is not a PNG, JPEG or BMP picture");
}

void write_image(const std::filesystem::path& path, const Image& image, int jpeg_quality) {
  const TraceSpan span("write picture", [&] { return path.string(); });
  write_file_atomically(path, encode_image(image, path, jpeg_quality), "image");
}

std::string encode_image(const Image& image, const std::filesystem::path& path, int jpeg_quality) {
  const std::string name = path.string(), extension = lower_extension(path);
  const bool png = extension == ".png", jpeg = extension == ".jpg" || extension == ".jpeg";
  check(png || jpeg, "[image] ", name, ": unknown extension '", extension, "'; known are .png, .jpg and .jpeg");
  check_image(image, name);
  if (png) return codecs::encode_png(image, name);
  check(jpeg_quality >= 1 && jpeg_quality <= 100, "[image] ", name, ": a JPEG's quality is 1 to 100, not ",
        jpeg_quality);
  return codecs::encode_jpeg(reduced(image), name, jpeg_quality);
}

Tensor to_tensor(const Image& image) {
  check_image(image, "to_tensor");
  Tensor x({1, image.height, image.width, 3});
  float* value = x.data<float>();
  const size_t channels = static_cast<size_t>(image.channels), last_colour = channels <= 2 ? 0 : 2;
  const double half = image.maximum() / 2.0;
  for (size_t pixel = 0; pixel < image.samples.size(); pixel += channels) {
    for (size_t c = 0; c < 3; ++c) {
      *value++ = static_cast<float>(image.samples[pixel + std::min(c, last_colour)] / half - 1);
    }
  }
  return x;
}

Image to_image(const Tensor& x, int bits) {
  check(x.rank() == 4 && x.dim(0) == 1 && (x.dim(3) == 1 || x.dim(3) == 3),
        "[to_image] expects (1,H,W,3) or (1,H,W,1), not ", x.shape());
  check(bits == 8 || bits == 16, "[to_image] a sample has 8 or 16 bits, not ", bits);
  Image image{x.dim(1), x.dim(2), x.dim(3), bits, std::vector<uint16_t>(static_cast<size_t>(x.numel()))};
  codecs::check_extents(image.height, image.width, "to_image");
  const double half = image.maximum() / 2.0;
  visit_float(x.dtype(), "to_image", [&]<class T>(T) {
    std::transform(x.data<T>(), x.data<T>() + x.numel(), image.samples.begin(), [&](T v) {
      check(!std::isnan(v), "[to_image] a value is NaN");
      return static_cast<uint16_t>(std::lround((std::clamp<double>(v, -1, 1) + 1) * half));
    });
  });
  return image;
}

}  // namespace lacuna
