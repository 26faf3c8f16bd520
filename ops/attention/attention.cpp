#include "ops/attention/attention.h"

#include "ops/attention/kernels.h"

namespace lacuna {
namespace {

void check_operands(const char* op, const AttentionOperands& x, const StreamOptions& o) {
  check(x.f.rank() == 4 && x.f.shape() == x.b.shape() && x.f.numel() > 0, op, "f ", x.f.shape(), " and b ", x.b.shape(),
        " must have the same shape (N,h,w,C)");
  const int64_t n = x.f.dim(0), h = x.f.dim(1), w = x.f.dim(2);
  check(o.rate >= 1 && x.picture.rank() == 4 && x.picture.dim(0) == n && x.picture.dim(1) == h * o.rate &&
            x.picture.dim(2) == w * o.rate,
        op, "the picture for f ", x.f.shape(), " at rate ", o.rate, " must be (N,h*rate,w*rate,P), not ",
        x.picture.shape());
  check(x.available.rank() == 2 && (x.available.dim(0) == n || x.available.dim(0) == 1) && x.available.dim(1) == h * w,
        op, "available must be (N or 1,h*w) for f ", x.f.shape(), ", not ", x.available.shape());
  check(x.f.dtype() == x.b.dtype() && x.f.dtype() == x.picture.dtype() && x.f.dtype() == x.available.dtype(), op,
        "the operands differ in type: f ", name_of(x.f.dtype()), ", b ", name_of(x.b.dtype()), ", picture ",
        name_of(x.picture.dtype()), ", available ", name_of(x.available.dtype()));
  check(o.ksize >= 1 && o.ksize % 2 == 1 && o.fuse_k >= 1 && o.fuse_k % 2 == 1, op,
        "ksize and fuse_k must be odd, not ", o.ksize, " and ", o.fuse_k);
}

}  // namespace

Attended attend(const AttentionOperands& operands, const StreamOptions& options) {
  check_operands("[attend] ", operands, options);
  const Tensor& f = operands.f;
  Attended result{empty_like(operands.picture), Tensor({f.dim(0), f.dim(1), f.dim(2), 2}, DType::i32, f.device())};
  on(f.device(), [&](auto& stream) { kernels::attend(stream, operands, options, result); });
  return result;
}

int64_t attend_bytes(const Shape& f, int64_t picture_channels, DType dtype, const StreamOptions& options) {
  int64_t bytes = 0;
  on(Device{}, [&](auto& stream) { bytes = kernels::attend_bytes(stream, f, picture_channels, dtype, options); });
  return bytes;
}

AttentionCotangents attend_backward(const Tensor& g, const AttentionOperands& operands, const StreamOptions& options,
                                    const AttentionNeeds& needs) {
  const char* op = "[attend_backward] ";
  check_operands(op, operands, options);
  check(g.shape() == operands.picture.shape() && g.dtype() == operands.picture.dtype(), op, "the cotangent is ",
        g.shape(), " ", name_of(g.dtype()), ", the picture ", operands.picture.shape(), " ",
        name_of(operands.picture.dtype()));
  const auto zeros = [](const Tensor& x) { return Tensor::zeros(x.shape(), x.dtype(), x.device()); };
  AttentionCotangents result;
  if (needs.f) result.f = zeros(operands.f);
  if (needs.b) result.b = zeros(operands.b);
  if (needs.picture) result.picture = zeros(operands.picture);
  on(g.device(), [&](auto& stream) { kernels::attend_backward(stream, g, operands, options, result); });
  return result;
}

}  // namespace lacuna
