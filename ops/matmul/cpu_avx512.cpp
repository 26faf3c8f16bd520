// Compiled for AVX-512: nothing here may be included by or shared with other files.
#define LACUNA_VECTOR_BYTES 64
#define LACUNA_TILE_ROWS 12
#define LACUNA_REGISTERS 32
#include "ops/matmul/cpu_tile.inc"

namespace lacuna::kernels {

const constinit TileLevel<float> avx512_f32 = level_named<float>("avx512");
const constinit TileLevel<double> avx512_f64 = level_named<double>("avx512");

}  // namespace lacuna::kernels
