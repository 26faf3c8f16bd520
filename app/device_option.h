#pragma once

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <string>

#include "tensor/device.h"

namespace lacuna {

/// The option --device of commands that compute, with its text as default.
inline void add_device_option(CLI::App& command, std::string& device) {
  command
      .add_option("--device", device,
                  "Where to compute: cpu, cuda, cuda:N, or auto: a CUDA device if there is one, else the CPU")
      ->capture_default_str()
      ->envname("LACUNA_DEVICE")
      ->type_name("DEVICE");
}

/// The device of that name, of which the user is told if it is not the CPU, or is although a GPU was hoped for.
inline Device chosen_device(const std::string& name) {
  const Device device = find_device(name);
  if (device.kind == Device::Kind::cuda) spdlog::info("computing on {}", device.str());
  if (name == "auto" && built_with_cuda() && device.kind == Device::Kind::cpu) {
    spdlog::info("{}; computing on the CPU", cuda_obstacle(0));
  }
  return device;
}

}  // namespace lacuna
