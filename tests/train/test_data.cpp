#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "tensor/file.h"
#include "tensor/image_resize.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/data.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

/// Routes the library's log into a string while one is alive.
class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

size_t occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A picture all of one grey, so that a sample tells which file it is of.
Image plain(uint16_t grey, int64_t height = 12, int64_t width = 10) {
  return {height, width, 1, 8, std::vector<uint16_t>(static_cast<size_t>(height * width), grey)};
}

/// Pictures of greys 0, 10, 20, ... in `folder`.
void write_greys(const fs::path& folder, int count) {
  for (int i = 0; i < count; ++i) {
    write_image(folder / (std::to_string(i) + ".png"), plain(static_cast<uint16_t>(10 * i)));
  }
}

/// The grey of each sample's first pixel.
std::vector<int> greys(const Tensor& batch) {
  std::vector<int> result;
  const int64_t stride = batch.numel() / batch.dim(0);
  for (int64_t i = 0; i < batch.dim(0); ++i) {
    result.push_back(static_cast<int>(std::lround((batch.data<float>()[i * stride] + 1) * 127.5)));
  }
  return result;
}

DataOptions small(const fs::path& folder) {
  DataOptions options;
  options.sources = {folder.string()};
  options.height = options.width = 8;
  return options;
}

}  // namespace

TEST_CASE("data: sources are folders, lists and pictures") {
  const test::TemporaryFolder folder;
  fs::create_directories(folder.path() / "below" / "deeper");
  for (const char* name : {"b.png", "a.JPG", "below/c.jpeg", "below/deeper/d.PNG", ".hidden.png", "notes.md"}) {
    write_file_atomically(folder.path() / name, std::string_view("x"));
  }
  write_file_atomically(folder.path() / "list.txt", std::string_view("below/c.jpeg\r\n\n/elsewhere/e.png\n"));
  const auto all = list_pictures({folder.path().string()});
  const std::vector<fs::path> expected{folder.path() / "a.JPG", folder.path() / "b.png", folder.path() / "below/c.jpeg",
                                       folder.path() / "below/deeper/d.PNG"};
  CHECK(all == expected);
  CHECK(list_pictures({(folder.path() / "list.txt").string()}) ==
        std::vector<fs::path>{folder.path() / "below/c.jpeg", "/elsewhere/e.png"});
  CHECK(list_pictures({(folder.path() / "b.png").string(), folder.path().string()}).size() == 5);

  // Links to folders are followed, but not round in circles.
  fs::create_directory_symlink(folder.path() / "below", folder.path() / "link");
  fs::create_directory_symlink(folder.path(), folder.path() / "below" / "up");
  CHECK(list_pictures({folder.path().string()}).size() == 4);
  CHECK(list_pictures({(folder.path() / "link").string()}).size() >= 2);
  fs::remove(folder.path() / "link");
  fs::remove(folder.path() / "below" / "up");

  const auto error = [&](const char* name) {
    return test::error_of([&] { list_pictures({(folder.path() / name).string()}); });
  };
  CHECK(error("nowhere").ends_with("nowhere: there is no such file or folder"));
  CHECK(error("notes.md").ends_with("notes.md: is neither a folder nor a picture nor a .txt list of pictures"));
  fs::create_directory(folder.path() / "empty");
  CHECK(error("empty").ends_with("empty: no .png, .jpg, .jpeg or .bmp file in this folder or below"));
  write_file_atomically(folder.path() / "empty.txt", std::string_view("\n"));
  CHECK(error("empty.txt").ends_with("empty.txt: the list is empty; it should hold one path a line"));
}

TEST_CASE("data: every epoch shows every picture once, in an order of its own") {
  const test::TemporaryFolder folder;
  write_greys(folder.path(), 12);
  DataLoader loader(small(folder.path()), 3);
  CHECK(loader.count() == 12);
  std::vector<std::vector<int>> epochs(2);
  for (auto& epoch : epochs) {
    for (int k = 0; k < 4; ++k) {
      const Tensor batch = loader.next();
      CHECK(batch.shape() == Shape{3, 8, 8, 3});
      for (const int grey : greys(batch)) epoch.push_back(grey);
    }
  }
  CHECK(epochs[0] != epochs[1]);
  for (auto epoch : epochs) {
    CHECK_FALSE(std::is_sorted(epoch.begin(), epoch.end()));
    std::sort(epoch.begin(), epoch.end());
    for (int i = 0; i < 12; ++i) CHECK(epoch[static_cast<size_t>(i)] == 10 * i);
  }
}

TEST_CASE("data: a batch depends on the seed and its number alone") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    Image image = plain(0, 20 + i, 17);
    for (size_t k = 0; k < image.samples.size(); ++k) image.samples[k] = static_cast<uint16_t>((k * 37 + k / 7) % 256);
    write_image(folder.path() / (std::to_string(i) + ".png"), image);
  }
  DataOptions options = small(folder.path());
  options.fit = DataOptions::Fit::random_crop;
  options.min_scale = 0.5;
  options.max_scale = 1.5;
  options.flip = true;
  options.seed = 42;
  options.threads = 1;
  std::vector<Tensor> expected;
  {
    DataLoader loader(options, 4);
    for (int k = 0; k < 8; ++k) expected.push_back(loader.next());
  }
  options.threads = 4;
  DataLoader threaded(options, 4), resumed(options, 4, 5);
  for (size_t k = 0; k < 8; ++k) CHECK(test::same_bits(threaded.next(), expected[k]));
  for (size_t k = 5; k < 8; ++k) CHECK(test::same_bits(resumed.next(), expected[k]));
  options.seed = 43;
  DataLoader other(options, 4);
  CHECK_FALSE(test::same_bits(other.next(), expected[0]));
}

TEST_CASE("data: a crop at full resolution is a part of the picture, mirrored half of the time") {
  const test::TemporaryFolder folder;
  Image image = plain(0, 16, 16);
  for (size_t k = 0; k < 256; ++k) image.samples[k] = static_cast<uint16_t>(k);  // value = 16 row + column
  write_image(folder.path() / "ramp.png", image);
  DataOptions options = small(folder.path());
  options.fit = DataOptions::Fit::random_crop;
  options.flip = true;
  DataLoader loader(options, 64);
  const Tensor batch = loader.next();
  int mirrored = 0;
  std::map<int, int> tops, lefts;
  for (int64_t i = 0; i < 64; ++i) {
    const auto value = [&](int64_t y, int64_t x) {
      return static_cast<int>(std::lround((batch.data<float>()[((i * 8 + y) * 8 + x) * 3] + 1) * 127.5));
    };
    const int step = value(0, 1) - value(0, 0);
    CHECK(std::abs(step) == 1);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) CHECK(value(y, x) == value(0, 0) + 16 * y + step * x);
    }
    mirrored += step < 0;
    ++tops[value(0, 0) / 16];
    ++lefts[std::min(value(0, 0), value(0, 7)) % 16];
  }
  CHECK(mirrored > 16);
  CHECK(mirrored < 48);
  CHECK(tops.size() >= 7);
  CHECK(lefts.size() >= 7);
  CHECK(tops.rbegin()->first <= 8);
}

TEST_CASE("data: the parts of a batch are the batch") {
  const test::TemporaryFolder folder;
  write_greys(folder.path(), 5);
  DataOptions options = small(folder.path());
  options.flip = true;
  DataLoader whole(options, 6, 3), first(options, 6, 3, {0, 2}), second(options, 6, 3, {1, 2});
  for (int k = 0; k < 3; ++k) {
    std::vector<double> parts = first.next().to_vector();
    CHECK(parts.size() == 3 * 8 * 8 * 3);
    for (const double value : second.next().to_vector()) parts.push_back(value);
    CHECK(parts == whole.next().to_vector());
  }
  CHECK(test::error_of([&] {
          DataLoader(options, 5, 0, {0, 2});
        }) == "[data] a batch of 5 has no part 0 of 2 equal ones");
}

TEST_CASE("data: pictures smaller than the crop are scaled up to fit") {
  const test::TemporaryFolder folder;
  write_image(folder.path() / "wide.png", plain(70, 3, 40));
  write_image(folder.path() / "tiny.png", plain(70, 1, 1));
  DataOptions options = small(folder.path());
  options.fit = DataOptions::Fit::random_crop;
  DataLoader loader(options, 2);
  const Tensor batch = loader.next();
  for (int64_t i = 0; i < batch.numel(); ++i) CHECK(batch.at(i) == doctest::Approx(70 / 127.5 - 1));
}

TEST_CASE("data: unreadable files are named once and replaced") {
  const test::TemporaryFolder folder;
  write_greys(folder.path(), 4);
  write_file_atomically(folder.path() / "broken.png", std::string_view("\x89PNG\r\n\x1a\n and then nothing"));
  write_file_atomically(folder.path() / "text.jpg", std::string_view("no picture"));
  DataOptions options = small(folder.path());
  std::vector<Tensor> expected;
  for (const int threads : {1, 3}) {
    options.threads = threads;
    const CapturedLog log;
    {
      DataLoader loader(options, 4);
      CHECK(loader.count() == 6);
      for (size_t k = 0; k < 6; ++k) {
        const Tensor batch = loader.next();
        for (const int grey : greys(batch)) CHECK(grey % 10 == 0);
        if (threads == 1) expected.push_back(batch);
        CHECK(test::same_bits(batch, expected[k]));
      }
    }
    CHECK(occurrences(log.text(), "broken.png") == 1);
    CHECK(occurrences(log.text(), "text.jpg") == 1);
  }
}

TEST_CASE("data: errors") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder.path() / "text.jpg", std::string_view("no picture"));
  const CapturedLog log;
  DataLoader loader(small(folder.path()), 2);
  for (int again = 0; again < 2; ++again) {
    CHECK(test::error_of([&] { loader.next(); }) == "[data] none of the 1 pictures can be read");
  }
  const auto error = [&](auto change) {
    DataOptions options = small(folder.path());
    change(options);
    return test::error_of([&] { DataLoader(options, 2); });
  };
  CHECK(error([](DataOptions& o) { o.sources.clear(); }) == "[data] no folder, picture or list of pictures is given");
  CHECK(error([](DataOptions& o) { o.height = 0; }) == "[data] pictures of 0 x 8 cannot be made");
  CHECK(error([](DataOptions& o) { o.threads = 0; }) == "[data] at least 1 thread is needed, not 0");
  CHECK(error([](DataOptions& o) { o.min_scale = 2; }) == "[data] the scale range [2, 1] is not 0 < min <= max");
  CHECK(test::error_of([&] { DataLoader(small(folder.path()), 0); }) ==
        "[data] a batch holds at least 1 picture, not 0");
}

}  // namespace lacuna
