#define LACUNA_VECTOR_BYTES 32
#include "ops/conv2d/cpu_winograd.inc"

namespace lacuna::kernels::winograd {

const Transforms<float> avx2_f32 = level<float>();
const Transforms<double> avx2_f64 = level<double>();

}  // namespace lacuna::kernels::winograd
