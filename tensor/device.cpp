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

Device find_device(const std::string& name) {
  if (name == "cpu") return {};
  const int devices = cuda_device_count();
  if (name == "auto") return devices > 0 ? Device{Device::Kind::cuda, 0} : Device{};
  int index = 0;
  if (name != "cuda") {
    const bool numbered = name.starts_with("cuda:");
    const char* end = name.data() + name.size();
    const auto number = numbered ? std::from_chars(name.data() + 5, end, index) : std::from_chars_result{};
    check(numbered && number.ec == std::errc() && number.ptr == end, "[device] unknown device '", name,
          "'; known are cpu, cuda, cuda:N and auto");
  }
  check(devices > 0 || !built_with_cuda(),
        "[device] no CUDA device was found (is the driver installed?); --device cpu works everywhere");
  check(devices > 0, "[device] this program was built without CUDA (cmake -DLACUNA_CUDA=ON); --device cpu works");
  check(index >= 0 && index < devices, "[device] there is no cuda:", index, "; CUDA devices here: ", devices);
  return {Device::Kind::cuda, index};
}

}  // namespace lacuna
