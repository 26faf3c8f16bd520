#include "app/picture_size.h"

#include <charconv>

namespace lacuna {

std::optional<PictureSize> parse_picture_size(std::string_view text, int64_t smallest, int64_t largest) {
  const auto side = [&](std::string_view digits) -> std::optional<int64_t> {
    int64_t n = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (error != std::errc() || end != digits.data() + digits.size() || n < smallest || n > largest) return {};
    return n;
  };
  const size_t x = text.find('x');
  const std::optional<int64_t> width = side(text.substr(0, x));
  const std::optional<int64_t> height = x == text.npos ? width : side(text.substr(x + 1));
  if (!width || !height) return {};
  return PictureSize{*height, *width};
}

}  // namespace lacuna
