#include <csetjmp>
#include <cstdio>
#include <cstdlib>

// jpeglib.h needs size_t and FILE from the headers above.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>

#include "tensor/codecs.h"

// libjpeg reports errors through a handler that must not return, here by longjmp, which runs no destructors: what has
// one lives in the caller of the functions that call setjmp.

namespace lacuna::codecs {
namespace {

struct Errors {
  jpeg_error_mgr manager{};
  std::jmp_buf jump{};
  std::string message;

  Errors() {
    jpeg_std_error(&manager);
    manager.error_exit = [](j_common_ptr jpeg) { of(jpeg).leave(jpeg); };
    manager.emit_message = [](j_common_ptr jpeg, int level) {
      if (level < 0 && of(jpeg).is_damage()) of(jpeg).leave(jpeg);
    };
    manager.output_message = [](j_common_ptr) {};
  }

  /// Reader and Writer install the manager and, beside it, the address of its Errors.
  static Errors& of(j_common_ptr jpeg) { return *static_cast<Errors*>(jpeg->client_data); }

  /// Whether a warning means lost pixels. (Others concern oddities that cameras write and every viewer accepts.)
  bool is_damage() const {
    const int codes[] = {JWRN_JPEG_EOF, JWRN_HIT_MARKER, JWRN_HUFF_BAD_CODE, JWRN_MUST_RESYNC};
    return std::count(std::begin(codes), std::end(codes), manager.msg_code) > 0;
  }

  [[noreturn]] void leave(j_common_ptr jpeg) {
    char text[JMSG_LENGTH_MAX];
    manager.format_message(jpeg, text);
    message = manager.msg_code == JWRN_JPEG_EOF || manager.msg_code == JERR_INPUT_EOF ? "the file is truncated" : text;
    std::longjmp(jump, 1);
  }
};

struct Reader {
  Errors errors;
  jpeg_decompress_struct jpeg{};

  Reader() {
    jpeg.err = &errors.manager;
    jpeg.client_data = &errors;
  }
  ~Reader() { jpeg_destroy_decompress(&jpeg); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

/// Reads up to the pixels; false on an error.
bool read_header(Reader& r, std::string_view bytes) {
  if (setjmp(r.errors.jump)) return false;
  jpeg_create_decompress(&r.jpeg);
  jpeg_mem_src(&r.jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&r.jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_save_markers(&r.jpeg, JPEG_APP0 + 2, 0xffff);
  jpeg_read_header(&r.jpeg, TRUE);
  const J_COLOR_SPACE stored = r.jpeg.jpeg_color_space;
  const bool four_inks = stored == JCS_CMYK || stored == JCS_YCCK;
  r.jpeg.out_color_space = stored == JCS_GRAYSCALE ? JCS_GRAYSCALE : four_inks ? JCS_CMYK : JCS_RGB;
  r.jpeg.dct_method = JDCT_ISLOW;
  return true;
}

/// Reads the colour profile, if there is one, to be given back by free(); false on an error.
bool read_profile(Reader& r, unsigned char** profile, unsigned* bytes) {
  if (setjmp(r.errors.jump)) return false;
  if (!jpeg_read_icc_profile(&r.jpeg, profile, bytes)) *profile = nullptr;
  return true;
}

/// Reads the pixels, a row at a time; `row` has room for one and `samples` for all.
bool read_pixels(Reader& r, unsigned char* row, uint16_t* samples) {
  if (setjmp(r.errors.jump)) return false;
  jpeg_start_decompress(&r.jpeg);
  const int64_t stride = int64_t{r.jpeg.output_width} * r.jpeg.output_components;
  while (r.jpeg.output_scanline < r.jpeg.output_height) {
    const int64_t y = r.jpeg.output_scanline;
    jpeg_read_scanlines(&r.jpeg, &row, 1);
    std::copy_n(row, stride, samples + y * stride);
  }
  jpeg_finish_decompress(&r.jpeg);
  return true;
}

/// Cyan, magenta, yellow and black to RGB. Adobe's files, which all but a few are, store the inks inverted.
Image from_inks(const Image& inks, bool inverted) {
  Image image{inks.height, inks.width, 3, 8, {}};
  image.samples.reserve(inks.samples.size() / 4 * 3);
  const auto light = [&](size_t at) { return inverted ? inks.samples[at] : 255 - inks.samples[at]; };
  for (size_t pixel = 0; pixel < inks.samples.size(); pixel += 4) {
    for (size_t c = 0; c < 3; ++c) {
      image.samples.push_back(static_cast<uint16_t>((light(pixel + c) * light(pixel + 3) + 127) / 255));
    }
  }
  return image;
}

struct Writer {
  Errors errors;
  jpeg_compress_struct jpeg{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;

  Writer() {
    jpeg.err = &errors.manager;
    jpeg.client_data = &errors;
  }
  ~Writer() {
    jpeg_destroy_compress(&jpeg);
    std::free(bytes);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

bool write_pixels(Writer& w, const Image& image, int quality, unsigned char* row) {
  constexpr int full_colour_quality = 90;
  if (setjmp(w.errors.jump)) return false;
  jpeg_create_compress(&w.jpeg);
  jpeg_mem_dest(&w.jpeg, &w.bytes, &w.size);
  w.jpeg.image_height = static_cast<JDIMENSION>(image.height);
  w.jpeg.image_width = static_cast<JDIMENSION>(image.width);
  w.jpeg.input_components = static_cast<int>(image.channels);
  w.jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&w.jpeg);
  jpeg_set_quality(&w.jpeg, quality, TRUE);
  w.jpeg.optimize_coding = TRUE;
  if (quality >= full_colour_quality) w.jpeg.comp_info[0].h_samp_factor = w.jpeg.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&w.jpeg, TRUE);
  if (!image.icc.empty()) {
    jpeg_write_icc_profile(&w.jpeg, reinterpret_cast<const JOCTET*>(image.icc.data()),
                           static_cast<unsigned>(image.icc.size()));
  }
  const int64_t stride = image.width * image.channels;
  for (int64_t y = 0; y < image.height; ++y) {
    const uint16_t* samples = image.samples.data() + y * stride;
    std::transform(samples, samples + stride, row, [](uint16_t v) { return static_cast<unsigned char>(v); });
    jpeg_write_scanlines(&w.jpeg, &row, 1);
  }
  jpeg_finish_compress(&w.jpeg);
  return true;
}

}  // namespace

Photograph decode_jpeg(std::string_view bytes, const std::string& name) {
  Reader reader;
  const auto require = [&](bool good) { check(good, "[image] ", name, ": corrupt JPEG: ", reader.errors.message); };
  require(read_header(reader, bytes));
  const jpeg_decompress_struct& jpeg = reader.jpeg;
  check_extents(jpeg.image_height, jpeg.image_width, name);
  const int64_t channels = jpeg.out_color_space == JCS_GRAYSCALE ? 1 : jpeg.out_color_space == JCS_CMYK ? 4 : 3;

  Photograph photograph{{jpeg.image_height, jpeg.image_width, channels, 8, {}}};
  Image& image = photograph.image;
  for (jpeg_saved_marker_ptr marker = jpeg.marker_list; marker && photograph.orientation == 1; marker = marker->next) {
    photograph.orientation = exif_orientation({reinterpret_cast<const char*>(marker->data), marker->data_length});
  }
  if (channels != 4) {
    unsigned char* profile = nullptr;
    unsigned bytes = 0;
    require(read_profile(reader, &profile, &bytes));
    if (profile) image.icc.assign(reinterpret_cast<const char*>(profile), bytes);
    std::free(profile);
  }
  image.samples.resize(static_cast<size_t>(image.height * image.width * channels));
  std::vector<unsigned char> row(static_cast<size_t>(image.width * channels));
  require(read_pixels(reader, row.data(), image.samples.data()));
  if (channels == 4) image = from_inks(image, jpeg.saw_Adobe_marker);
  return photograph;
}

std::string encode_jpeg(const Image& image, const std::string& name, int quality) {
  check(image.height <= JPEG_MAX_DIMENSION && image.width <= JPEG_MAX_DIMENSION, "[image] ", name,
        ": a JPEG has at most ", JPEG_MAX_DIMENSION, " pixels a side, not ", image.height, " x ", image.width,
        "; write a PNG");
  Writer writer;
  std::vector<unsigned char> row(static_cast<size_t>(image.width * image.channels));
  check(write_pixels(writer, image, quality, row.data()), "[image] ", name,
        ": cannot encode as JPEG: ", writer.errors.message);
  return {reinterpret_cast<const char*>(writer.bytes), writer.size};
}

}  // namespace lacuna::codecs
