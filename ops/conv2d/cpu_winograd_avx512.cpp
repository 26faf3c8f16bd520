#define LACUNA_VECTOR_BYTES 64
#include "ops/conv2d/cpu_winograd.inc"

namespace lacuna::kernels::winograd {

const Transforms<float> avx512_f32 = level<float>();
const Transforms<double> avx512_f64 = level<double>();

}  // namespace lacuna::kernels::winograd
