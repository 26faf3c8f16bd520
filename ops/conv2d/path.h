#pragma once

#include <cstdint>

namespace lacuna::kernels {

/// The ways in which the CPU computes a convolution. automatic: whatever is fastest at the stream's precision.
/// direct: sum by sum, as it is defined. winograd, reduced: that way wherever it can compute the convolution at all,
/// whether or not it would be faster; the direct way elsewhere.
enum class Conv2dPath : uint8_t { automatic, direct, winograd, reduced };

/// The path in force in this process.
Conv2dPath conv2d_path();

/// Forces a path while it lives: for holding the fast paths against the plain one.
class ForceConv2dPath {
 public:
  explicit ForceConv2dPath(Conv2dPath path);
  ~ForceConv2dPath();
  ForceConv2dPath(const ForceConv2dPath&) = delete;
  ForceConv2dPath& operator=(const ForceConv2dPath&) = delete;

 private:
  Conv2dPath before_;
};

}  // namespace lacuna::kernels
