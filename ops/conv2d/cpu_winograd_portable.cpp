#define LACUNA_VECTOR_BYTES 16
#include "ops/conv2d/cpu_winograd.inc"

namespace lacuna::kernels::winograd {

const Transforms<float> portable_f32 = level<float>();
const Transforms<double> portable_f64 = level<double>();

}  // namespace lacuna::kernels::winograd
