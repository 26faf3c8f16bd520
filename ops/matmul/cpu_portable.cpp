// 16-byte vectors: SSE2, NEON, or whatever the compiler makes of them elsewhere.
#define LACUNA_VECTOR_BYTES 16
#define LACUNA_TILE_ROWS 6
#define LACUNA_REGISTERS 16
#include "ops/matmul/cpu_tile.inc"

namespace lacuna::kernels {

const constinit TileLevel<float> portable_f32 = level_named<float>("portable");
const constinit TileLevel<double> portable_f64 = level_named<double>("portable");

}  // namespace lacuna::kernels
