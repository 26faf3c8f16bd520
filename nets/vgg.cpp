#include "nets/vgg.h"

#include <algorithm>

#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/conv2d.h"
#include "ops/pool/pool.h"

namespace lacuna {
namespace {

constexpr int indices[] = {0, 2, 5, 7, 10, 12, 14, 17, 19, 21};  // of convolutions among torchvision's layers
constexpr size_t last_of_blocks[] = {1, 3, 6, 9};                // among these convolutions
constexpr double means[] = {0.485, 0.456, 0.406}, deviations[] = {0.229, 0.224, 0.225};  // of ImageNet, in [0,1]

}  // namespace

Vgg16::Vgg16(const std::vector<std::pair<std::string, Tensor>>& tensors, DType dtype) {
  const auto at = [&](const std::string& name) -> const Tensor& {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
    check(found != tensors.end() && found->second.defined(), "[vgg16] there is no tensor ", name,
          "; torchvision's vgg16 has features.0.weight, features.0.bias, ...");
    return found->second;
  };
  int64_t in = 3;
  for (const int index : indices) {
    const std::string name = "features." + std::to_string(index);
    const Tensor &weight = at(name + ".weight"), &bias = at(name + ".bias");
    const bool fits = weight.rank() == 4 && weight.dim(1) == in && weight.dim(2) == 3 && weight.dim(3) == 3 &&
                      bias.shape() == Shape{weight.dim(0)};
    check(fits, "[vgg16] ", name, " has a kernel ", weight.shape(), " and a bias ", bias.shape(), ", not (n,", in,
          ",3,3) and (n)");
    in = weight.dim(0);
    convolutions_.push_back({permute(weight.to(dtype), {2, 3, 1, 0}).value().clone(), bias.to(dtype).clone()});
  }
  factor_ = Tensor({3}, DType::f64), offset_ = Tensor({3}, DType::f64);
  for (int c = 0; c < 3; ++c) {
    factor_.data<double>()[c] = 0.5 / deviations[c];
    offset_.data<double>()[c] = (0.5 - means[c]) / deviations[c];
  }
  factor_ = factor_.to(dtype), offset_ = offset_.to(dtype);
}

Variables Vgg16::operator()(const Variable& pictures) const {
  constexpr int64_t least = 8;
  check(pictures.rank() == 4 && pictures.dim(1) >= least && pictures.dim(2) >= least && pictures.dim(3) == 3,
        "[vgg16] pictures must be (N,H,W,3) of at least 8 x 8 pixels, not ", pictures.shape());
  Variables features;
  Variable x = pictures * Variable(factor_) + Variable(offset_);
  size_t block = 0;
  for (size_t k = 0; k < convolutions_.size(); ++k) {
    x = conv2d_bias_act(x, convolutions_[k].kernel, convolutions_[k].bias, {}, {.kind = Activation::Kind::relu});
    if (k != last_of_blocks[block]) continue;
    features.push_back(x);
    if (++block < std::size(last_of_blocks)) x = max_pool(x);
  }
  return features;
}

void Vgg16::move_to(Device device) {
  for (Convolution& c : convolutions_) c = {c.kernel.to(device), c.bias.to(device)};
  factor_ = factor_.to(device), offset_ = offset_.to(device);
}

}  // namespace lacuna
