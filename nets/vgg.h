#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"

namespace lacuna {

/// The first ten convolutions of VGG16 (Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
/// Recognition", 2015), whose features perceptual and style losses compare. Its parameters are constants.
class Vgg16 {
 public:
  /// Of tensors named and laid out as torchvision's: "features.0.weight" (out,in,3,3), "features.0.bias" (out), then
  /// features 2, 5, 7, 10, 12, 14, 17, 19 and 21; others are left alone. Layers may be of any width. Throws Error if
  /// one is missing or of a shape that does not fit.
  explicit Vgg16(const std::vector<std::pair<std::string, Tensor>>& tensors, DType dtype = DType::f32);

  /// The activations relu1_2, relu2_2, relu3_3 and relu4_3 of pictures (N,H,W,3), RGB in [-1,1], of at least 8 x 8
  /// pixels: (N,H,W,C1), (N,H/2,W/2,C2), ... Colours are brought to ImageNet's mean and deviation first.
  Variables operator()(const Variable& pictures) const;

  void move_to(Device device);

 private:
  struct Convolution {
    Tensor kernel, bias;
  };
  std::vector<Convolution> convolutions_;
  Tensor factor_, offset_;  // (3): x factor + offset are the colours that the network expects
};

}  // namespace lacuna
