#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>

#include "app/names.h"
#include "tensor/stream.h"

namespace lacuna {

inline const std::map<std::string, Precision>& precisions() {
  static const std::map<std::string, Precision> all{
      {"highest", Precision::highest}, {"high", Precision::high}, {"medium", Precision::medium}};
  return all;
}

inline std::string precision_name(Precision precision) { return name_among(precisions(), precision); }

/// The option --precision of commands that compute; without it `precision` stays as it is.
inline void add_precision_option(CLI::App& command, std::optional<Precision>& precision, const std::string& text) {
  command
      .add_option_function<std::string>(
          "--precision", [&precision](const std::string& name) { precision = precisions().at(name); }, text)
      ->type_name("NAME")
      ->check(CLI::IsMember({"highest", "high", "medium"}).description(""));
}

}  // namespace lacuna
