#include "ops/broadcast/cpu_row_sums.inc"

namespace lacuna::kernels {

const AddRows<float> add_rows_avx2_f32 = add_rows<float>;
const AddRows<double> add_rows_avx2_f64 = add_rows<double>;

}  // namespace lacuna::kernels
