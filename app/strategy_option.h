#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "train/hole_parts.h"

namespace lacuna {

/// The option --strategy of commands that fill; without it `strategy` stays as it is.
inline void add_strategy_option(CLI::App& command, Strategy& strategy, const std::string& text) {
  command
      .add_option_function<std::string>(
          "--strategy", [&strategy](const std::string& name) { strategy = strategies().at(name); }, text)
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "original", "crop", "resize"}).description(""));
}

}  // namespace lacuna
