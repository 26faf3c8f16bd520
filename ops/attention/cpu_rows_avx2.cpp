#define LACUNA_VECTOR_BYTES 32
#include "ops/attention/cpu_rows.inc"

namespace lacuna::kernels::attention {

const RowLoops<float> row_loops_avx2_f32 = row_loops_here<float>;
const RowLoops<double> row_loops_avx2_f64 = row_loops_here<double>;

}  // namespace lacuna::kernels::attention
