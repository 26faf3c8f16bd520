#include "tensor/device.h"

#include <charconv>

#include "tensor/check.h"

namespace lacuna {

bool built_with_cuda() {
#ifdef LACUNA_CUDA
  return true;
#else
  return false;
#endif
}

std::string cuda_obstacle(int index) {
  if (!built_with_cuda()) return "this program was built without CUDA (cmake -DLACUNA_CUDA=ON)";
  const int devices = cuda_device_count();
  if (devices == 0) return "no CUDA device was found (is a driver installed? CUDA says: " + detail::cuda_status() + ")";
  if (index < 0 || index >= devices) {
    return "there is no cuda:" + std::to_string(index) + "; CUDA devices here: " + std::to_string(devices);
  }
  const CudaTraits traits = cuda_traits(index);
  if (traits.architecture > 0) return "";
  const std::string capability = std::to_string(traits.capability);
  return "this program has no code for cuda:" + std::to_string(index) + ", whose compute capability is " +
         capability.substr(0, capability.size() - 1) + "." + capability.back() +
         " (cmake -DCMAKE_CUDA_ARCHITECTURES=" + capability + ")";
}

Device find_device(const std::string& name) {
  if (name == "cpu") return {};
  if (name == "auto") return cuda_obstacle(0).empty() ? Device{Device::Kind::cuda, 0} : Device{};
  int index = 0;
  if (name != "cuda") {
    const bool numbered = name.starts_with("cuda:");
    const char* end = name.data() + name.size();
    const auto number = numbered ? std::from_chars(name.data() + 5, end, index) : std::from_chars_result{};
    check(numbered && number.ec == std::errc() && number.ptr == end, "[device] unknown device '", name,
          "'; known are cpu, cuda, cuda:N and auto");
  }
  const std::string obstacle = cuda_obstacle(index);
  check(obstacle.empty(), "[device] ", obstacle, "; --device cpu works everywhere");
  return {Device::Kind::cuda, index};
}

}  // namespace lacuna
