#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ops/cases.h"

namespace lacuna::test {

/// Parameters as torchvision's VGG16 has them, in f64 and of 2 to 4 channels.
inline std::vector<std::pair<std::string, Tensor>> tiny_vgg(uint64_t seed) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  int64_t in = 3;
  for (const int index : {0, 2, 5, 7, 10, 12, 14, 17, 19, 21}) {
    const int64_t out = 2 + index % 3 % 2 + (index == 2 ? 0 : index % 2);
    const std::string name = "features." + std::to_string(index);
    tensors.emplace_back(name + ".weight", case_values({out, in, 3, 3}, seed++, -0.5, 0.6));
    tensors.emplace_back(name + ".bias", case_values({out}, seed++, 0, 0.3));
    in = out;
  }
  return tensors;
}

}  // namespace lacuna::test
