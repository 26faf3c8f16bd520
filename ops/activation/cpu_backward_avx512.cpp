#include "ops/activation/cpu_backward.inc"

namespace lacuna::kernels {

const BackwardLoops<float> backward_avx512_f32{elu<float>, gate<float>};
const BackwardLoops<double> backward_avx512_f64{elu<double>, gate<double>};

}  // namespace lacuna::kernels
