#include "ops/activation/cpu_backward.inc"

namespace lacuna::kernels {

const BackwardLoops<float> backward_portable_f32{elu<float>, gate<float>};
const BackwardLoops<double> backward_portable_f64{elu<double>, gate<double>};

}  // namespace lacuna::kernels
