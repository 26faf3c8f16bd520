#include <cmath>

#include "ops/launch.h"
#include "ops/random/functors.h"
#include "ops/random/kernels.h"

namespace lacuna::kernels {

void random_uniform(const CpuStream& stream, const Philox& random, double lo, double hi, Tensor& y) {
  visit_float(y.dtype(), "random_uniform", [&]<class T>(T) {
    const T rounded = static_cast<T>(hi);
    const T last = static_cast<double>(rounded) < hi ? rounded : std::nextafter(rounded, static_cast<T>(lo));
    for_each(stream, y.numel(), [=, y = y.data<T>()](int64_t i) {
      const T v = static_cast<T>(lo + (hi - lo) * random.uniform(static_cast<uint64_t>(i)));
      y[i] = v < last ? v : last;
    });
  });
}

void random_normal(const CpuStream& stream, const Philox& random, Tensor& y) {
  visit_float(y.dtype(), "random_normal", [&]<class T>(T) {
    for_each(stream, y.numel(), [=, y = y.data<T>()](int64_t i) {
      y[i] = static_cast<T>(functors::random_normal(random, static_cast<uint64_t>(i)));
    });
  });
}

}  // namespace lacuna::kernels
