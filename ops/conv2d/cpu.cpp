#include "ops/conv2d/direct.h"
#include "ops/conv2d/kernels.h"
#include "ops/conv2d/path.h"
#include "ops/conv2d/winograd.h"

namespace lacuna::kernels {
namespace {

Conv2dPath forced_path = Conv2dPath::automatic;

/// Whether the convolution of x (N,H,W,Ci) with w (kh,kw,Ci,Co) goes by Winograd's filtering.
bool by_winograd(const Shape& x, const Shape& w, const Conv2dOptions& options, DType dtype) {
  if (forced_path == Conv2dPath::winograd) return winograd::possible(w[0], w[1], options);
  return forced_path == Conv2dPath::automatic && dtype == DType::f32 && winograd::faster(x, w, options);
}

}  // namespace

Conv2dPath conv2d_path() { return forced_path; }
ForceConv2dPath::ForceConv2dPath(Conv2dPath path) : before_(forced_path) { forced_path = path; }
ForceConv2dPath::~ForceConv2dPath() { forced_path = before_; }

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  if (by_winograd(x.shape(), w.shape(), options, x.dtype())) {
    return winograd::conv2d(stream, x, w, b, options, activation, y);
  }
  direct::conv2d(stream, x, w, b, options, activation, y);
}

void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  if (by_winograd(dx.shape(), w.shape(), options, g.dtype())) {
    return winograd::conv2d_input(stream, g, w, options, dx);
  }
  direct::conv2d_input(stream, g, w, options, dx);
}

void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  if (by_winograd(x.shape(), dw.shape(), options, x.dtype())) {
    return winograd::conv2d_weight(stream, x, g, options, dw);
  }
  direct::conv2d_weight(stream, x, g, options, dw);
}

}  // namespace lacuna::kernels
