#pragma once

#include <cstdint>
#include <string>

namespace lacuna {

/// Where a tensor's memory lies.
struct Device {
  enum class Kind : uint8_t { cpu, cuda };

  Kind kind = Kind::cpu;
  int index = 0;

  /// "cpu" or "cuda:0"
  std::string str() const { return kind == Kind::cpu ? "cpu" : "cuda:" + std::to_string(index); }

  friend bool operator==(const Device&, const Device&) = default;
};

namespace detail {
/// Where the elements that this thread may touch lie: on() sets it around a kernel.
inline thread_local Device kernel_device;
/// What CUDA said when it was asked for devices.
std::string cuda_status();
}  // namespace detail

/// Whether this is a build that can use CUDA devices.
bool built_with_cuda();

/// How many CUDA devices this build and this machine have; 0 without LACUNA_CUDA, driver or GPU.
int cuda_device_count();

/// What kernels are chosen by on a CUDA device.
struct CudaTraits {
  int multiprocessors = 0;
  int capability = 0;  ///< the device's, 10 x major + minor: 90 is 9.0
  int architecture =
      0;  ///< likewise, the one that the kernels which it runs were compiled for; 0: there are none for it
};
/// Throws Error where there is no such device.
CudaTraits cuda_traits(int index);

/// Why this program cannot compute on cuda:INDEX; empty if it can.
std::string cuda_obstacle(int index);

/// The device of that name: "cpu"; "cuda" or "cuda:1"; "auto", a CUDA device if there is one, else the CPU. Throws
/// Error where it is not at hand, and says why.
Device find_device(const std::string& name);

}  // namespace lacuna
