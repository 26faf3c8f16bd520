#include "optim/cpu_adam.inc"

namespace lacuna {

const AdamUpdate<float> adam_update_avx2_f32 = adam_update<float>;
const AdamUpdate<double> adam_update_avx2_f64 = adam_update<double>;

}  // namespace lacuna
