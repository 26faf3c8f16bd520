#include "ops/conv2d/direct.h"
#include "ops/conv2d/kernels.h"
#include "ops/conv2d/path.h"

namespace lacuna::kernels {
namespace {

Conv2dPath forced_path = Conv2dPath::automatic;

}  // namespace

Conv2dPath conv2d_path() { return forced_path; }
ForceConv2dPath::ForceConv2dPath(Conv2dPath path) : before_(forced_path) { forced_path = path; }
ForceConv2dPath::~ForceConv2dPath() { forced_path = before_; }

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  direct::conv2d(stream, x, w, b, options, activation, y);
}

void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  direct::conv2d_input(stream, g, w, options, dx);
}

void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  direct::conv2d_weight(stream, x, g, options, dw);
}

}  // namespace lacuna::kernels
