// Compiled for AVX2 with FMA: nothing here may be included by or shared with other files.
#define LACUNA_VECTOR_BYTES 32
#define LACUNA_TILE_ROWS 6
#define LACUNA_REGISTERS 16
#include "ops/matmul/cpu_tile.inc"

namespace lacuna::kernels {

const constinit TileLevel<float> avx2_f32 = level_named<float>("avx2");
const constinit TileLevel<double> avx2_f64 = level_named<double>("avx2");

}  // namespace lacuna::kernels
