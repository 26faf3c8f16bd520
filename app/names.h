#pragma once

#include <map>
#include <string>

namespace lacuna {

/// A value's name among named ones, "" if it has none.
template <class T>
std::string name_among(const std::map<std::string, T>& names, T value) {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  return "";
}

}  // namespace lacuna
