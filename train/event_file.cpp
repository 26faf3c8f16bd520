#include "train/event_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>

#include "tensor/check.h"
#include "train/crc32c.h"
#include "train/protobuf_writer.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "events.out.tfevents.";

// Field numbers of tensorboard/compat/proto: event.proto, summary.proto, tensor.proto, types.proto.
namespace event {
constexpr int wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
namespace summary {
constexpr int value = 1;
}
namespace value {
constexpr int tag = 1, simple_value = 2, image = 4, tensor = 8, metadata = 9;
}
namespace image {
constexpr int height = 1, width = 2, colorspace = 3, encoded = 4;
}
constexpr int session_status = 1, session_start = 1;
constexpr int metadata_plugin = 1, plugin_name = 1;
constexpr int tensor_dtype = 1, tensor_shape = 2, tensor_string = 8, dtype_string = 7;
constexpr int shape_dim = 2, dim_size = 1;

/// Seconds since 1970 by which a new file sorts last: now, or later than every other file.
int64_t later_than_all(const fs::path& folder) {
  int64_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    int64_t other = 0;
    const char* const begin = name.data() + prefix.size();
    if (std::from_chars(begin, name.data() + name.size(), other).ec == std::errc()) {
      seconds = std::max(seconds, other + 1);
    }
  }
  return seconds;
}

std::string host() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

template <class T>
std::string little_endian(T number) {
  std::string bytes;
  for (unsigned i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(number >> (8 * i) & 255);
  return bytes;
}

}  // namespace

EventFile::EventFile(const fs::path& folder, int64_t first_step) {
  path_ = folder / (std::string(prefix) + std::to_string(later_than_all(folder)) + "." + host() + "." +
                    std::to_string(::getpid()));
  write(0, event::file_version, "brain.Event:2");
  ProtobufWriter start;
  start.integer(session_status, session_start);
  write(first_step, event::session_log, start.text());
}

void EventFile::scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  ProtobufWriter all;
  for (const auto& [tag, number] : values) {
    ProtobufWriter one;
    one.bytes(value::tag, tag);
    one.real(value::simple_value, static_cast<float>(number));
    all.message(summary::value, one);
  }
  write(step, event::summary, all.text());
}

void EventFile::image(int64_t step, const std::string& tag, const Image& picture) {
  ProtobufWriter content, one, all;
  content.integer(image::height, picture.height);
  content.integer(image::width, picture.width);
  content.integer(image::colorspace, picture.channels);  // 1 grey, 3 RGB, 4 RGBA, as there
  content.bytes(image::encoded, encode_image(picture, "picture.png"));
  one.bytes(value::tag, tag);
  one.message(value::image, content);
  all.message(summary::value, one);
  write(step, event::summary, all.text());
}

void EventFile::text(int64_t step, const std::string& tag, const std::string& markdown) {
  ProtobufWriter size, shape, tensor, plugin, metadata, one, all;
  size.integer(dim_size, 1);
  shape.message(shape_dim, size);
  tensor.integer(tensor_dtype, dtype_string);
  tensor.message(tensor_shape, shape);
  tensor.bytes(tensor_string, markdown);
  plugin.bytes(plugin_name, "text");
  metadata.message(metadata_plugin, plugin);
  one.bytes(value::tag, tag);
  one.message(value::tensor, tensor);
  one.message(value::metadata, metadata);
  all.message(summary::value, one);
  write(step, event::summary, all.text());
}

void EventFile::write(int64_t step, int field, std::string_view content) {
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  ProtobufWriter message;
  message.real(event::wall_time, now.count());
  message.integer(event::step, step);
  message.bytes(field, content);
  const std::string& data = message.text();
  const std::string length = little_endian(static_cast<uint64_t>(data.size()));
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << length + little_endian(masked_crc32c(length)) + data + little_endian(masked_crc32c(data)) << std::flush;
  check(out.good(), "[log] ", path_.string(), ": cannot append: ", std::strerror(errno));
}

}  // namespace lacuna
