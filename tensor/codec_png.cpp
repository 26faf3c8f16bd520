#include <png.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstring>

#include "tensor/codecs.h"

// libpng reports errors by longjmp, which runs no destructors: what has one lives in the caller of the functions that
// call setjmp, and those hold plain values only.

namespace lacuna::codecs {
namespace {

struct Source {
  std::string_view rest;
  std::string error;
};

struct Sink {
  std::string bytes;
  std::string error;
};

template <class State>
void on_error(png_structp png, png_const_charp message) {
  static_cast<State*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, size_t bytes) {
  auto& rest = static_cast<Source*>(png_get_io_ptr(png))->rest;
  if (bytes > rest.size()) png_error(png, "the file is truncated");
  std::memcpy(to, rest.data(), bytes);
  rest.remove_prefix(bytes);
}

void on_write(png_structp png, png_bytep from, size_t bytes) {
  static_cast<Sink*>(png_get_io_ptr(png))->bytes.append(reinterpret_cast<const char*>(from), bytes);
}

void on_flush(png_structp) {}

struct Reader {
  Source source;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit Reader(std::string_view bytes) : source{bytes, {}} {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error<Source>, on_warning);
    info = png ? png_create_info_struct(png) : nullptr;
    check(info, "[image] out of memory for the PNG decoder");
    png_set_read_fn(png, &source, on_read);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

/// Reads up to the pixels and asks for whole bytes, no palette and no transparent colour; false on an error.
bool read_header(Reader& r) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_info(r.png, r.info);
  png_set_expand(r.png);
  if (std::endian::native == std::endian::little) png_set_swap(r.png);
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  return true;
}

/// The colour profile, if there is one.
std::string profile_of(const Reader& r) {
  png_charp name = nullptr;
  png_bytep profile = nullptr;
  png_uint_32 bytes = 0;
  int compression = 0;
  if (png_get_iCCP(r.png, r.info, &name, &compression, &profile, &bytes) == 0) return {};
  return {reinterpret_cast<const char*>(profile), bytes};
}

bool read_pixels(Reader& r, png_bytepp rows) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_image(r.png, rows);
  png_read_end(r.png, nullptr);
  return true;
}

struct Writer {
  Sink sink;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, on_error<Sink>, on_warning);
    info = png ? png_create_info_struct(png) : nullptr;
    check(info, "[image] out of memory for the PNG encoder");
    png_set_write_fn(png, &sink, on_write, on_flush);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

bool write_pixels(Writer& w, const Image& image, int color_type, png_bytepp rows) {
  if (setjmp(png_jmpbuf(w.png))) return false;
  png_set_benign_errors(w.png, 1);  // a profile that libpng does not like is left out
  png_set_IHDR(w.png, w.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), image.bits,
               color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!image.icc.empty()) {
    png_set_iCCP(w.png, w.info, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
                 reinterpret_cast<png_const_bytep>(image.icc.data()), static_cast<png_uint_32>(image.icc.size()));
  }
  png_write_info(w.png, w.info);
  if (image.bits == 16 && std::endian::native == std::endian::little) png_set_swap(w.png);
  png_write_image(w.png, rows);
  png_write_end(w.png, nullptr);
  return true;
}

std::vector<png_bytep> row_pointers(std::vector<unsigned char>& bytes, int64_t height, int64_t stride) {
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  for (int64_t y = 0; y < height; ++y) rows[static_cast<size_t>(y)] = bytes.data() + y * stride;
  return rows;
}

}  // namespace

Image decode_png(std::string_view bytes, const std::string& name) {
  Reader reader(bytes);
  check(read_header(reader), "[image] ", name, ": corrupt PNG: ", reader.source.error);
  Image image{.height = png_get_image_height(reader.png, reader.info),
              .width = png_get_image_width(reader.png, reader.info),
              .channels = png_get_channels(reader.png, reader.info),
              .bits = png_get_bit_depth(reader.png, reader.info),
              .samples = {},
              .icc = profile_of(reader)};
  check_extents(image.height, image.width, name);

  const int64_t stride = static_cast<int64_t>(png_get_rowbytes(reader.png, reader.info));
  std::vector<unsigned char> data(static_cast<size_t>(image.height * stride));
  std::vector<png_bytep> rows = row_pointers(data, image.height, stride);
  check(read_pixels(reader, rows.data()), "[image] ", name, ": corrupt PNG: ", reader.source.error);

  image.samples.resize(static_cast<size_t>(image.height * image.width * image.channels));
  if (image.bits == 16) {
    std::memcpy(image.samples.data(), data.data(), data.size());
  } else {
    std::copy(data.begin(), data.end(), image.samples.begin());
  }
  return image;
}

std::string encode_png(const Image& image, const std::string& name) {
  constexpr int color_types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
  const int64_t stride = image.width * image.channels * image.bits / 8;
  std::vector<unsigned char> data(static_cast<size_t>(image.height * stride));
  if (image.bits == 16) {
    std::memcpy(data.data(), image.samples.data(), data.size());
  } else {
    std::transform(image.samples.begin(), image.samples.end(), data.begin(),
                   [](uint16_t v) { return static_cast<unsigned char>(v); });
  }
  std::vector<png_bytep> rows = row_pointers(data, image.height, stride);
  Writer writer;
  check(write_pixels(writer, image, color_types[image.channels - 1], rows.data()), "[image] ", name,
        ": cannot encode as PNG: ", writer.sink.error);
  return std::move(writer.sink.bytes);
}

}  // namespace lacuna::codecs
