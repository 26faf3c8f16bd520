#include "ops/pool/pool.h"

#include <cstdint>

#include "autograd/tape.h"
#include "ops/pool/kernels.h"

namespace lacuna {
namespace {

// The shape of what comes out of pooling x.
Shape pooled_shape(const char* op, const Shape& x, const PoolOptions& options) {
  check(x.rank() == 4, "[", op, "] needs a picture (N,H,W,C), not ", x);
  check(options.kernel >= 1 && options.stride >= 1, "[", op, "] kernel and stride are at least 1, not ", options.kernel,
        " and ", options.stride);
  check(x[1] >= options.kernel && x[2] >= options.kernel, "[", op, "] no window of ", options.kernel, " x ",
        options.kernel, " fits into ", x);
  const auto windows = [&](int64_t n) { return (n - options.kernel) / options.stride + 1; };
  return {x[0], windows(x[1]), windows(x[2]), x[3]};
}

// max_pool once it is known which pixel every window takes, and its adjoint: a pair of linear maps, each other's VJP.
Variable pick(const Variable& x, const Tensor& index, const PoolOptions& options);

Variable place(const Variable& g, const Tensor& index, int64_t height, int64_t width, const PoolOptions& options) {
  Tensor x({g.dim(0), height, width, g.dim(3)}, g.dtype(), g.device());
  on(g.device(), [&](auto& stream) { kernels::max_pool_adjoint(stream, g.value(), index, options, x); });
  return record("max_pool_adjoint", {g}, x,
                [index, options](const Vjp& v) { return Variables{pick(v.cotangent(), index, options)}; });
}

Variable pick(const Variable& x, const Tensor& index, const PoolOptions& options) {
  Tensor y(index.shape(), x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::max_pool(stream, x.value(), index, options, y); });
  return record("max_pool", {x}, y, [index, options, height = x.dim(1), width = x.dim(2)](const Vjp& v) {
    return Variables{place(v.cotangent(), index, height, width, options)};
  });
}

}  // namespace

Variable max_pool(const Variable& x, const PoolOptions& options) {
  Tensor index(pooled_shape("max_pool", x.shape(), options), DType::i32, x.device());
  check(x.dim(1) * x.dim(2) <= INT32_MAX, "[max_pool] a picture of ", x.shape(), " has more pixels than an i32 counts");
  on(x.device(), [&](auto& stream) { kernels::max_pool_index(stream, x.value(), options, index); });
  return pick(x, index, options);
}

Variable avg_pool(const Variable& x, const PoolOptions& options) {
  Tensor y(pooled_shape("avg_pool", x.shape(), options), x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::avg_pool(stream, x.value(), options, y); });
  return record("avg_pool", {x}, y, [options, height = x.dim(1), width = x.dim(2)](const Vjp& v) {
    return Variables{avg_pool_adjoint(v.cotangent(), height, width, options)};
  });
}

Variable avg_pool_adjoint(const Variable& g, int64_t height, int64_t width, const PoolOptions& options) {
  check(g.rank() == 4, "[avg_pool_adjoint] needs a pooled picture (N,h,w,C), not ", g.shape());
  Tensor x({g.dim(0), height, width, g.dim(3)}, g.dtype(), g.device());
  const Shape pooled = pooled_shape("avg_pool_adjoint", x.shape(), options);
  check(g.shape() == pooled, "[avg_pool_adjoint] pooling ", x.shape(), " gives ", pooled, ", but g is ", g.shape());
  on(g.device(), [&](auto& stream) { kernels::avg_pool_adjoint(stream, g.value(), options, x); });
  return record("avg_pool_adjoint", {g}, x,
                [options](const Vjp& v) { return Variables{avg_pool(v.cotangent(), options)}; });
}

}  // namespace lacuna
