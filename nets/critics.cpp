#include "nets/critics.h"

#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/matmul/matmul.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

const char* name_of(Critic::Kind kind) { return kind == Critic::Kind::local ? "local" : "global"; }

}  // namespace

Critic::Critic(Kind kind, int64_t height, int64_t width, int64_t cnum, DType dtype, uint64_t seed)
    : kind_(kind), height_(height), width_(width) {
  check(height >= 1 && width >= 1 && cnum >= 1, "[critic] needs a size and a width of at least 1, not ", height, "x",
        width, " and ", cnum);
  const int64_t widths[] = {3, cnum, 2 * cnum, 4 * cnum, kind == Kind::local ? 8 * cnum : 4 * cnum};
  for (int i = 1; i <= 4; ++i) {
    layers_.push_back(
        {.name = std::string("discriminator/discriminator_") + name_of(kind) + "/conv" + std::to_string(i),
         .kernel = 5,
         .in = widths[i - 1],
         .out = widths[i],
         .options = {.stride = 2},
         .activation = {.kind = Activation::Kind::leaky_relu, .slope = 0.2}});
    height = (height + 1) / 2;
    width = (width + 1) / 2;
  }
  add_params(params_, layers_, seed, dtype);
  dense_ = std::string("discriminator/dout_") + name_of(kind) + "_fc";
  params_.add(dense_ + "/kernel",
              glorot_uniform({height * width * widths[4], 1}, Philox{seed, params_.items().size()}, dtype));
  params_.add(dense_ + "/bias", Tensor::zeros({1}, dtype));
}

Variable Critic::operator()(const Variable& x) const {
  check(x.rank() == 4 && x.dim(1) == height_ && x.dim(2) == width_ && x.dim(3) == 3, "[critic] the ", name_of(kind_),
        " critic was built for (N,", height_, ",", width_, ",3), not ", x.shape());
  const TraceSpan span(kind_ == Kind::local ? "local critic" : "global critic");
  const Variable features = apply(layers_, params_, x);
  return matmul(reshape(features, {x.dim(0), -1}), params_.at(dense_ + "/kernel")) + params_.at(dense_ + "/bias");
}

}  // namespace lacuna
