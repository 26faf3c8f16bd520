#include <algorithm>

#include "nets/generator.h"
#include "nets/strips.h"
#include "tensor/stream.h"

namespace lacuna {
namespace {

/// What kernels hold beside their operands: transformed parameters and each thread's scratch.
constexpr int64_t kernel_bytes = int64_t{24} << 20;

/// The attention's room (AttentionOptions::max_bytes) on the grid below a picture.
struct AttentionRoom {
  int64_t packed;  // what it matches with and pastes
  int64_t least;   // with areas one column wide
  int64_t most;    // with areas of whole rows

  AttentionRoom(int64_t height, int64_t width, int64_t channels, int64_t element_size) {
    const int64_t h = height / Generator::size_unit, w = width / Generator::size_unit, threads = num_threads();
    const int64_t row = h * w * element_size;  // of the matrix between positions
    packed = ((channels + 32) * h * w + 4 * channels * ((h + 1) * (w + 1) + 32)) * element_size;
    least = packed + threads * row * (64 + h / (8 * threads));
    most = packed + threads * row * (8 * w + 256);
  }
};

}  // namespace

MemoryOptions Generator::resolved(MemoryOptions memory, int64_t height, int64_t width) const {
  if (memory.strips == 0) {
    constexpr int64_t pixels = 1 << 21;
    memory.strips = (height * width + pixels - 1) / pixels;
  }
  if (memory.attention_bytes == 0 && !options_.one_stage) {
    constexpr int64_t bytes = int64_t{1} << 30;
    const AttentionRoom room(height, width, attended_.back().out, size_of(options_.dtype));
    memory.attention_bytes = std::max(room.least, std::min(room.most, bytes));
  }
  return memory;
}

int64_t Generator::bytes_of_layers(int64_t height, int64_t width, int64_t strips) const {
  const int64_t pixels = height * width, deep = pixels / 16;  // at the lowest resolution
  const auto stage = [&](const ConvLayers& layers, int64_t kept) {
    const Parts parts = parts_of(layers);
    const bool encodes = !parts.encoder.empty();
    const int64_t h = encodes ? height : height / 4, w = encodes ? width : width / 4;
    // `kept` beside all but the first layers, which count it as their input.
    return std::max({elements_in_strips(parts.encoder, h, w, strips),
                     kept + elements_in_strips(parts.middle, height / 4, width / 4, 1),
                     kept + elements_in_strips(parts.decoder, height / 4, width / 4, strips)});
  };
  const int64_t continued = 4 * pixels;  // the picture and the mask
  int64_t most = stage(coarse_, 0);
  if (!options_.one_stage) {
    const int64_t coarse = 3 * pixels, dilated = deep * dilated_.back().out, attended = deep * attended_.back().out;
    most = std::max({most, coarse + stage(dilated_, 5 * pixels), coarse + dilated + stage(attended_, 0),
                     coarse + dilated + stage(after_attention_, 0), coarse + 2 * (dilated + attended),
                     coarse + stage(decoder_, 0)});
  }
  return (continued + most) * size_of(options_.dtype) + kernel_bytes;
}

int64_t Generator::bytes_around_attention(int64_t height, int64_t width) const {
  const int64_t pixels = height * width, deep = pixels / 16;
  const int64_t features = deep * attended_.back().out, small = 2 * features / 4;  // to match at half the resolution
  return (7 * pixels + deep * dilated_.back().out + 2 * features + small) * size_of(options_.dtype) + kernel_bytes;
}

int64_t Generator::bytes_needed(int64_t height, int64_t width, const MemoryOptions& options) const {
  height = padded(height), width = padded(width);
  const MemoryOptions memory = resolved(options, height, width);
  const int64_t layers = bytes_of_layers(height, width, memory.strips);
  if (!attends()) return layers;
  const AttentionRoom room(height, width, attended_.back().out, size_of(options_.dtype));
  return std::max(layers,
                  bytes_around_attention(height, width) + std::clamp(memory.attention_bytes, room.least, room.most));
}

MemoryOptions Generator::within(int64_t bytes, int64_t height, int64_t width) const {
  height = padded(height), width = padded(width);
  MemoryOptions memory = resolved({}, height, width);
  const int64_t most_strips = height / 16;
  while (memory.strips < most_strips && bytes_of_layers(height, width, memory.strips) > bytes) {
    memory.strips = std::min(most_strips, 2 * memory.strips);
  }
  if (attends()) {
    const AttentionRoom room(height, width, attended_.back().out, size_of(options_.dtype));
    const int64_t left = bytes - bytes_around_attention(height, width);
    memory.attention_bytes = std::clamp(left, room.least, memory.attention_bytes);
  }
  return memory;
}

}  // namespace lacuna
