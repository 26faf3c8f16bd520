#pragma once

#include <string>

namespace lacuna {

/// A word as a POSIX shell takes it: in quotes if it holds more than letters, digits and a few marks.
std::string shell_word(const std::string& word);

}  // namespace lacuna
