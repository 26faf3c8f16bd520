#include <cmath>
#include <cstdlib>

#include "tensor/file.h"
#include "tensor/image.h"
#include "tensor/image_resize.h"
#include "tensor/philox.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"

namespace lacuna {

using test::error_of;

namespace {

/// A picture of random samples.
Image noise(int64_t height, int64_t width, int64_t channels, int bits) {
  Image image{height, width, channels, bits, {}};
  const Philox random{.seed = 5, .draw = static_cast<uint64_t>(channels + bits)};
  for (int64_t i = 0; i < height * width * channels; ++i) {
    image.samples.push_back(static_cast<uint16_t>(random.below(static_cast<uint64_t>(i), uint64_t{1} << bits)));
  }
  return image;
}

/// A picture that JPEG stores almost unchanged.
Image smooth(int64_t height, int64_t width, int64_t channels, int bits = 8) {
  Image image{height, width, channels, bits, {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const double value = 0.5 + 0.2 * std::sin(0.05 * static_cast<double>(y + c)) +
                             0.2 * std::cos(0.04 * static_cast<double>(x - 2 * c));
        image.samples.push_back(static_cast<uint16_t>(value * image.maximum()));
      }
    }
  }
  return image;
}

bool same_picture(const Image& a, const Image& b) {
  return a.height == b.height && a.width == b.width && a.channels == b.channels && a.bits == b.bits &&
         a.samples == b.samples;
}

int largest_difference(const Image& a, const Image& b) {
  REQUIRE(a.samples.size() == b.samples.size());
  int largest = 0;
  for (size_t i = 0; i < a.samples.size(); ++i) largest = std::max(largest, std::abs(a.samples[i] - b.samples[i]));
  return largest;
}

std::vector<uint16_t> repeated(const std::vector<uint16_t>& pixel, int64_t times) {
  std::vector<uint16_t> samples;
  for (int64_t i = 0; i < times; ++i) samples.insert(samples.end(), pixel.begin(), pixel.end());
  return samples;
}

/// The number's bytes, in the order that TIFF's II (little-endian) or MM (big-endian) means.
std::string number(uint32_t value, int size, bool big_endian) {
  std::string bytes;
  for (int i = 0; i < size; ++i) {
    const int place = big_endian ? size - 1 - i : i;
    bytes += static_cast<char>(value >> 8 * place & 0xff);
  }
  return bytes;
}

/// An APP1 segment with an orientation tag behind another tag.
std::string exif_segment(uint32_t orientation, bool big_endian) {
  const auto n = [&](uint32_t value, int size) { return number(value, size, big_endian); };
  const std::string make = n(0x010f, 2) + n(2, 2) + n(4, 4) + "abc" + '\0';
  const std::string tag = n(0x0112, 2) + n(3, 2) + n(1, 4) + n(orientation, 2) + n(0, 2);
  const std::string tiff = (big_endian ? "MM" : "II") + n(42, 2) + n(8, 4) + n(2, 2) + make + tag + n(0, 4);
  const std::string payload = std::string("Exif\0\0", 6) + tiff;
  return "\xff\xe1" + number(static_cast<uint32_t>(payload.size() + 2), 2, true) + payload;
}

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

/// A 24-bit BMP, stored bottom row first.
std::string bmp(const Image& image) {
  const auto n = [](int64_t value, int size) { return number(static_cast<uint32_t>(value), size, false); };
  const int64_t stride = (image.width * 3 + 3) / 4 * 4;
  std::string bytes = "BM" + n(54 + stride * image.height, 4) + n(0, 4) + n(54, 4) + n(40, 4) + n(image.width, 4) +
                      n(image.height, 4) + n(1, 2) + n(24, 2) + std::string(24, '\0');
  for (int64_t y = image.height - 1; y >= 0; --y) {
    std::string row;
    for (int64_t x = 0; x < image.width; ++x) {
      for (int64_t c = 2; c >= 0; --c) {
        row += static_cast<char>(image.samples[static_cast<size_t>((y * image.width + x) * 3 + c)]);
      }
    }
    row.resize(static_cast<size_t>(stride));
    bytes += row;
  }
  return bytes;
}

}  // namespace

TEST_CASE("image: PNG keeps every sample, channel and depth") {
  const test::TemporaryFolder folder;
  for (int bits : {8, 16}) {
    for (int64_t channels = 1; channels <= 4; ++channels) {
      CAPTURE(bits);
      CAPTURE(channels);
      const Image image = noise(13, 7, channels, bits);
      write_image(folder / "p.PNG", image);
      CHECK(same_picture(read_image(folder / "p.PNG"), image));
    }
  }
  CHECK(folder.entries() == 1);
  const Image dot = noise(1, 1, 3, 8);
  CHECK(same_picture(decode_image(encode_image(dot, "dot.png"), "dot"), dot));
}

TEST_CASE("image: a colour profile goes with the samples, from and to either format") {
  // A header of 128 bytes and one tag of 200 bytes that mean nothing (ICC.1:2010, 7.2).
  std::string profile(344, '\0');
  const auto put = [&](size_t at, std::string_view bytes) { profile.replace(at, bytes.size(), bytes); };
  put(2, "\x01\x58");
  put(8, "\x02\x10");
  put(12, "mntrRGB XYZ ");
  put(36, "acsp");
  put(68, std::string_view("\x00\x00\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d", 12));
  put(131, "\x01");
  put(132, std::string_view("desc\x00\x00\x00\x90\x00\x00\x00\xc8", 12));
  for (size_t i = 144; i < profile.size(); ++i) profile[i] = static_cast<char>(i * i * 37 >> 3);
  for (const int64_t channels : {3, 4}) {
    Image image = noise(9, 14, channels, 8);
    image.icc = profile;
    CHECK(decode_image(encode_image(image, "p.png"), "p").icc == profile);
    CHECK(decode_image(encode_image(image, "p.jpg"), "p").icc == profile);
    const Image turned = decode_image(encode_image(image, "p.jpg"), "p");
    CHECK(decode_image(encode_image(turned, "q.png"), "q").icc == profile);
    CHECK(resize_image(image, 4, 5).icc == profile);
    CHECK(crop_image(image, 1, 1, 4, 5).icc == profile);
  }
  // One that is damaged is left out, and the picture written all the same.
  Image damaged = noise(3, 3, 3, 8);
  damaged.icc = "no profile";
  CHECK(decode_image(encode_image(damaged, "d.png"), "d").samples == damaged.samples);
  CHECK(decode_image(encode_image(noise(3, 3, 3, 8), "n.png"), "n").icc.empty());
}

TEST_CASE("image: palette, transparency and one bit a sample are unfolded") {
  // 2 x 2, a palette of red (half transparent), green and blue with 2 bits a sample: 0 1 / 2 0.
  const std::string palette = from_hex(
      "89504e470d0a1a0a0000000d49484452000000020000000202030000000fd8e5b700000009504c5445ff000000ff000000ff2d4acd8a0000"
      "00"
      "0174524e5380ad5e5b460000000f494441547801010400fbff0010008000b40091862082680000000049454e44ae426082");
  const std::vector<uint16_t> pixels{255, 0, 0, 128, 0, 255, 0, 255, 0, 0, 255, 255, 255, 0, 0, 128};
  CHECK(same_picture(decode_image(palette, "palette"), {2, 2, 4, 8, pixels}));
  // 1 x 3, grey with one bit a sample: 1 0 1.
  const std::string bits = from_hex(
      "89504e470d0a1a0a0000000d4948445200000003000000010100000000339b29190000000d494441547801010200fdff00a000a200a1018c"
      "6c"
      "cc0000000049454e44ae426082");
  CHECK(same_picture(decode_image(bits, "bits"), {1, 3, 1, 8, {255, 0, 255}}));
}

TEST_CASE("image: JPEG is close, drops alpha and rounds 16 bits to 8") {
  const test::TemporaryFolder folder;
  for (int64_t channels = 1; channels <= 4; ++channels) {
    CAPTURE(channels);
    const Image image = smooth(50, 67, channels);
    write_image(folder / "p.jpg", image);
    const Image read = read_image(folder / "p.jpg");
    CHECK(read.height == 50);
    CHECK(read.width == 67);
    CHECK(read.bits == 8);
    const Tensor difference = to_tensor(read), expected = to_tensor(image);
    CHECK_CLOSE(difference, expected, 8 / 127.5);
  }
  Image deep = smooth(40, 40, 3, 16);
  write_image(folder / "deep.jpeg", deep, 100);
  const Image read = read_image(folder / "deep.jpeg");
  for (uint16_t& v : deep.samples) v = static_cast<uint16_t>(std::lround(v / 257.0));
  deep.bits = 8;
  CHECK(largest_difference(read, deep) <= 4);
  CHECK(encode_image(deep, "a.jpg", 30).size() < encode_image(deep, "a.jpg", 95).size());
}

TEST_CASE("image: a JPEG in four inks comes as RGB") {
  // 8 x 8, written by libjpeg as Adobe does: every pixel 200, 100, 50 of 255 left by the inks and 128 by black.
  const std::string inks = from_hex(
      "ffd8ffee000e41646f626500640000000000ffdb0043000101010101010101010101010101010101010101010101010101010101010101"
      "0101010101010101010101010101010101010101010101010101010101010101ffc000140800080008044311004d11005911004b1100ff"
      "c4001600010101000000000000000000000000000a0008ffc40014100100000000000000000000000000000000ffda000e0443004d0059"
      "004b00003f00480c3e31e9ffd9");
  const Image image = decode_image(inks, "inks");
  CHECK(image.channels == 3);
  CHECK(largest_difference(image, {8, 8, 3, 8, repeated({100, 50, 25}, 64)}) <= 1);
}

TEST_CASE("image: JPEGs are turned upright by their EXIF orientation") {
  // Where the EXIF standard puts the stored first row's begin and end: 0 top left, 1 top right, 2 bottom left, 3 bottom
  // right.
  const int begin_at[] = {0, 1, 3, 2, 0, 1, 3, 2}, end_at[] = {1, 0, 2, 3, 2, 3, 1, 0};
  Image stored{16, 32, 3, 8, std::vector<uint16_t>(16 * 32 * 3, 20)};
  for (size_t y = 0; y < 8; ++y) {
    for (size_t x = 0; x < 8; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        stored.samples[(y * 32 + x) * 3 + c] = 120;
        stored.samples[(y * 32 + 24 + x) * 3 + c] = 220;
      }
    }
  }
  const std::string plain = encode_image(stored, "p.jpg", 100);
  for (uint32_t orientation = 1; orientation <= 8; ++orientation) {
    for (bool big_endian : {false, true}) {
      CAPTURE(orientation);
      const std::string file = plain.substr(0, 2) + exif_segment(orientation, big_endian) + plain.substr(2);
      const Image image = decode_image(file, "p");
      CHECK(image.height == (orientation > 4 ? 32 : 16));
      CHECK(image.width == (orientation > 4 ? 16 : 32));
      for (int corner = 0; corner < 4; ++corner) {
        const int64_t y = corner / 2 * (image.height - 1), x = corner % 2 * (image.width - 1);
        const int value = image.samples[static_cast<size_t>((y * image.width + x) * 3)];
        const int expected = corner == begin_at[orientation - 1] ? 120 : corner == end_at[orientation - 1] ? 220 : 20;
        CHECK(std::abs(value - expected) <= 4);
      }
    }
  }
  // Orientations that make no sense, and damaged EXIF data, leave the picture as stored.
  const std::string exif = exif_segment(6, false);
  std::string far_directory = exif, short_segment = "\xff\xe1" + number(14, 2, true) + exif.substr(4, 12);
  far_directory.replace(14, 4, "\xff\xff\xff\xff");
  for (const std::string& segment : {exif_segment(0, false), exif_segment(9, true), far_directory, short_segment}) {
    CHECK(decode_image(plain.substr(0, 2) + segment + plain.substr(2), "p").height == 16);
  }
}

TEST_CASE("image: BMP is read") {
  const Image image = noise(5, 7, 3, 8);
  CHECK(same_picture(decode_image(bmp(image), "p"), image));
  const std::string bytes = bmp(image);
  CHECK(error_of([&] { decode_image(bytes.substr(0, bytes.size() - 1), "p.bmp"); }) == "[image] p.bmp: truncated BMP");
  CHECK(error_of([&] { decode_image(bytes.substr(0, 30), "p.bmp"); }) == "[image] p.bmp: truncated BMP");
}

TEST_CASE("image: a truncated file is refused wherever it ends") {
  const Image image = noise(40, 40, 3, 8);
  for (const char* name : {"p.png", "p.jpg"}) {
    const std::string bytes = encode_image(image, name);
    for (size_t size = 1; size < bytes.size(); size += size < 800 ? 1 : 97) {
      CAPTURE(size);
      const std::string error = error_of([&] { decode_image(std::string_view(bytes).substr(0, size), name); });
      CHECK(error.starts_with(std::string("[image] ") + name + ": "));
    }
  }
  const std::string png = encode_image(image, "p.png"), jpeg = encode_image(image, "p.jpg");
  CHECK(error_of([&] { decode_image(png.substr(0, png.size() / 2), "p.png"); }) ==
        "[image] p.png: corrupt PNG: the file is truncated");
  CHECK(error_of([&] { decode_image(jpeg.substr(0, jpeg.size() - 2), "p.jpg"); }) ==
        "[image] p.jpg: corrupt JPEG: the file is truncated");
}

TEST_CASE("image: damaged bytes never crash, and a PNG's checksums find them") {
  const Image image = noise(20, 20, 3, 8);
  const Philox random{.seed = 1};
  for (const char* name : {"p.png", "p.jpg", "p.bmp"}) {
    const std::string bytes = name == std::string("p.bmp") ? bmp(image) : encode_image(image, name);
    for (uint64_t i = 0; i < 400; ++i) {
      std::string damaged = bytes;
      damaged[random.below(i, damaged.size())] ^= static_cast<char>(1 + random.below(1000 + i, 255));
      const std::string error = error_of([&] { decode_image(damaged, name); });
      CHECK((error.empty() || error.starts_with(std::string("[image] ") + name + ": ")));
      if (name == std::string("p.png")) CHECK(!error.empty());
    }
  }
}

TEST_CASE("image: a picture too large for any use is refused before it is decoded") {
  std::string bytes = bmp(noise(2, 2, 3, 8));
  bytes.replace(18, 8, number(100'000, 4, false) + number(100'000, 4, false));
  CHECK(error_of([&] { decode_image(bytes, "p"); }) ==
        "[image] p: the picture is too large: 100000 x 100000, more than 268435456 pixels");
  std::string jpeg = encode_image(noise(8, 8, 3, 8), "p.jpg");
  const size_t frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  jpeg.replace(frame + 5, 4, number(65000, 2, true) + number(65000, 2, true));
  CHECK(error_of([&] { decode_image(jpeg, "p"); }) ==
        "[image] p: the picture is too large: 65000 x 65000, more than 268435456 pixels");
}

TEST_CASE("image: errors name the file and why") {
  const test::TemporaryFolder folder;
  const std::string prefix = "[image] " + folder.path().string();
  CHECK(error_of([&] { read_image(folder / "none.png"); }) == prefix + "/none.png: there is no such file");
  CHECK(error_of([&] { read_image(folder.path()); }) == prefix + ": is a folder, not a file");
  CHECK(error_of([&] { read_image(folder.file("e.png", "")); }) == prefix + "/e.png: the file is empty");
  CHECK(error_of([&] { read_image(folder.file("t.png", "hello")); }) ==
        prefix + "/t.png: is not a PNG, JPEG or BMP picture");
  CHECK(error_of([&] { read_image(folder.file("w.jpg", "RIFF1234WEBPVP8 ")); }) ==
        prefix + "/w.jpg: is a WebP file; PNG, JPEG and BMP are read: convert it first");

  const Image image = noise(4, 4, 3, 8);
  CHECK(error_of([&] { write_image(folder / "p.webp", image); }) ==
        prefix + "/p.webp: unknown extension '.webp'; known are .png, .jpg and .jpeg");
  CHECK(error_of([&] { write_image(folder / "p", image); }) ==
        prefix + "/p: unknown extension ''; known are .png, .jpg and .jpeg");
  CHECK(error_of([&] { write_image(folder / "none/p.png", image); }) ==
        prefix + "/none/p.png: cannot write: the folder does not exist");
  CHECK(error_of([&] { encode_image(image, "p.jpg", 0); }) == "[image] p.jpg: a JPEG's quality is 1 to 100, not 0");
  CHECK(error_of([&] {
          encode_image({4, 4, 5, 8, {}}, "p.png");
        }) == "[image] p.png: a picture has 1 to 4 channels, not 5");
  CHECK(error_of([&] {
          encode_image({4, 4, 3, 12, {}}, "p.png");
        }) == "[image] p.png: a sample has 8 or 16 bits, not 12");
  CHECK(error_of([&] {
          encode_image({4, 4, 3, 8, {1}}, "p.png");
        }) == "[image] p.png: 1 samples given, 48 needed for 4 x 4 x 3");
  CHECK(error_of([&] { encode_image({1, 1, 1, 8, {256}}, "p.png"); }) == "[image] p.png: a sample exceeds 255");
  CHECK(error_of([&] { encode_image({0, 4, 3, 8, {}}, "p.png"); }) == "[image] p.png: the picture is empty: 0 x 4");
}

TEST_CASE("image: tensors") {
  const Tensor x = to_tensor({1, 3, 1, 8, {0, 128, 255}});
  CHECK(x.shape() == Shape{1, 1, 3, 3});
  const float middle = static_cast<float>(128 / 127.5 - 1);
  CHECK(test::same_bits(x, Tensor::from<float>({1, 1, 3, 3}, {-1, -1, -1, middle, middle, middle, 1, 1, 1})));
  CHECK(test::same_bits(to_tensor({1, 1, 4, 8, {255, 0, 255, 9}}), Tensor::from<float>({1, 1, 1, 3}, {1, -1, 1})));
  CHECK(test::same_bits(to_tensor({1, 1, 2, 16, {65535, 9}}), Tensor::from<float>({1, 1, 1, 3}, {1, 1, 1})));

  for (int bits : {8, 16}) {
    Image all{256, bits == 8 ? 1 : 256, 1, bits, {}};
    for (int v = 0; v <= all.maximum(); ++v) all.samples.push_back(static_cast<uint16_t>(v));
    const Image back = to_image(to_tensor(all), bits);
    CHECK(back.channels == 3);
    for (size_t i = 0; i < all.samples.size(); ++i) CHECK_FALSE(back.samples[3 * i] != all.samples[i]);
    const Image colour = noise(9, 5, 3, bits);
    CHECK(same_picture(to_image(to_tensor(colour), bits), colour));
  }

  const Image clamped = to_image(Tensor::from<double>({1, 1, 4, 1}, {-3, 1e30, 0.49 / 127.5 - 1, 0.51 / 127.5 - 1}));
  CHECK(clamped.channels == 1);
  CHECK(clamped.samples == std::vector<uint16_t>{0, 255, 0, 1});

  CHECK(error_of([] {
          to_image(Tensor::zeros({2, 4, 4, 3}));
        }) == "[to_image] expects (1,H,W,3) or (1,H,W,1), not (2,4,4,3)");
  CHECK(error_of([] { to_image(Tensor::zeros({1, 4, 4, 3}), 12); }) == "[to_image] a sample has 8 or 16 bits, not 12");
  CHECK(error_of([] { to_image(Tensor::full({1, 4, 4, 3}, NAN)); }) == "[to_image] a value is NaN");
  CHECK(error_of([] {
          to_image(Tensor::zeros({1, 4, 4, 3}, DType::u8));
        }) == "[to_image] works on f32 and f64, not u8");
}

}  // namespace lacuna
