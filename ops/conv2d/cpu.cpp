#include "ops/conv2d/direct.h"
#include "ops/conv2d/kernels.h"
#include "ops/conv2d/path.h"
#include "ops/conv2d/reduced.h"
#include "ops/conv2d/winograd.h"

namespace lacuna::kernels {
namespace {

Conv2dPath forced_path = Conv2dPath::automatic;

/// The way for the convolution of x (N,H,W,Ci) with w (kh,kw,Ci,Co).
Conv2dPath path_for(const CpuStream& stream, const Shape& x, const Shape& w, const Conv2dOptions& options,
                    DType dtype) {
  switch (forced_path) {
    case Conv2dPath::winograd:
      return winograd::possible(w[0], w[1], options) ? Conv2dPath::winograd : Conv2dPath::direct;
    case Conv2dPath::reduced:
      return reduced::possible(stream, dtype) ? Conv2dPath::reduced : Conv2dPath::direct;
    case Conv2dPath::direct:
      return Conv2dPath::direct;
    case Conv2dPath::automatic:
      break;
  }
  if (dtype != DType::f32) return Conv2dPath::direct;
  if (winograd::faster(x, w, options, reduced::cost(stream, dtype))) return Conv2dPath::winograd;
  return reduced::suits(stream, dtype) ? Conv2dPath::reduced : Conv2dPath::direct;
}

}  // namespace

Conv2dPath conv2d_path() { return forced_path; }
ForceConv2dPath::ForceConv2dPath(Conv2dPath path) : before_(forced_path) { forced_path = path; }
ForceConv2dPath::~ForceConv2dPath() { forced_path = before_; }

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  switch (path_for(stream, x.shape(), w.shape(), options, x.dtype())) {
    case Conv2dPath::winograd:
      return winograd::conv2d(stream, x, w, b, options, activation, y);
    case Conv2dPath::reduced:
      return reduced::conv2d(stream, x, w, b, options, activation, y);
    default:
      return direct::conv2d(stream, x, w, b, options, activation, y);
  }
}

void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  switch (path_for(stream, dx.shape(), w.shape(), options, g.dtype())) {
    case Conv2dPath::winograd:
      return winograd::conv2d_input(stream, g, w, options, dx);
    case Conv2dPath::reduced:
      return reduced::conv2d_input(stream, g, w, options, dx);
    default:
      return direct::conv2d_input(stream, g, w, options, dx);
  }
}

void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  switch (path_for(stream, x.shape(), dw.shape(), options, x.dtype())) {
    case Conv2dPath::winograd:
      return winograd::conv2d_weight(stream, x, g, options, dw);
    case Conv2dPath::reduced:
      return reduced::conv2d_weight(stream, x, g, options, dw);
    default:
      return direct::conv2d_weight(stream, x, g, options, dw);
  }
}

void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y) {
  switch (path_for(stream, y.shape(), w.shape(), {}, x.dtype())) {
    case Conv2dPath::winograd:
      return winograd::conv2d_upsampled(stream, x, w, b, padding, activation, y);
    case Conv2dPath::reduced:
      return reduced::conv2d_upsampled(stream, x, w, b, padding, activation, y);
    default:
      return direct::conv2d_upsampled(stream, x, w, b, padding, activation, y);
  }
}

}  // namespace lacuna::kernels
