#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lacuna {

struct PictureSize {
  int64_t height, width;
};

/// "WIDTHxHEIGHT", or "N" for NxN, of sides from `smallest` to `largest`; nothing if it is something else.
std::optional<PictureSize> parse_picture_size(std::string_view text, int64_t smallest, int64_t largest);

}  // namespace lacuna
