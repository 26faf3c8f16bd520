#include <cmath>

#include "ops/launch.h"
#include "ops/pointwise/functors.h"
#include "ops/pointwise/kernels.h"

namespace lacuna::kernels {
namespace {

template <class F>
void unary(const CpuStream& stream, const char* op, const Tensor& x, Tensor& y, F f) {
  visit_float(x.dtype(), op, [&]<class T>(T) {
    for_each(stream, x.numel(), [f, x = x.data<T>(), y = y.data<T>()](int64_t i) { y[i] = f(x[i]); });
  });
}

}  // namespace

void exp(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "exp", x, y, [](auto v) { return functors::exp(v); });
}

void log(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "log", x, y, [](auto v) { return std::log(v); });
}

void sqrt(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "sqrt", x, y, [](auto v) { return std::sqrt(v); });
}

void rsqrt(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "rsqrt", x, y, [](auto v) { return functors::rsqrt(v); });
}

void square(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "square", x, y, [](auto v) { return v * v; });
}

void abs(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "abs", x, y, [](auto v) { return std::abs(v); });
}

void sign(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "sign", x, y, [](auto v) { return functors::sign(v); });
}

void sigmoid(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "sigmoid", x, y, [](auto v) { return functors::sigmoid(v); });
}

void softplus(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "softplus", x, y, [](auto v) { return functors::softplus(v); });
}

void tanh(const CpuStream& stream, const Tensor& x, Tensor& y) {
  unary(stream, "tanh", x, y, [](auto v) { return functors::tanh(v); });
}

}  // namespace lacuna::kernels
