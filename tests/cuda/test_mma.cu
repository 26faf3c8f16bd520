// The tensor units' instructions against their definitions, with the fragments laid out as the PTX ISA says.
#include "ops/matmul/gemm_wgmma.cuh"
#include "tests/cuda/same_on_device.cuh"

namespace lacuna::test {
namespace {

/// Whether there is a device that has these instructions.
bool has_tensor_units() { return has_device_or_skips() && cuda_traits(0).architecture >= 80; }

/// a (16 x 16), b (16 x 8) and c (16 x 8) row by row; c += a b. Element i of a fragment as in the PTX ISA's section
/// "Matrix Fragments for mma.m16n8k16 with floating point type".
__global__ void multiply(const float* a, const float* b, float* c) {
  const int lane = static_cast<int>(threadIdx.x), group = lane >> 2, in_group = lane % 4;
  float left[8], right[4], sums[4];
  for (int i = 0; i < 8; ++i) {
    const int row = (0 <= i && i < 2) || (4 <= i && i < 6) ? group : group + 8;
    const int column = i < 4 ? in_group * 2 + (i & 1) : in_group * 2 + (i & 1) + 8;
    left[i] = a[row * 16 + column];
  }
  for (int i = 0; i < 4; ++i) {
    const int row = i < 2 ? in_group * 2 + (i & 1) : in_group * 2 + (i & 1) + 8;
    right[i] = b[row * 8 + group];
  }
  for (int i = 0; i < 4; ++i) sums[i] = c[(i < 2 ? group : group + 8) * 8 + in_group * 2 + (i & 1)];
  uint32_t left_pairs[4], right_pairs[2];
  for (int i = 0; i < 4; ++i) left_pairs[i] = warp::pack_bf16(left[2 * i], left[2 * i + 1]);
  for (int i = 0; i < 2; ++i) right_pairs[i] = warp::pack_bf16(right[2 * i], right[2 * i + 1]);
  warp::mma_bf16(sums, left_pairs, right_pairs);
  for (int i = 0; i < 4; ++i) c[(i < 2 ? group : group + 8) * 8 + in_group * 2 + (i & 1)] = sums[i];
}

/// Four 8 x 8 matrices, one after the other, each lane's pair of each to y[(matrix * 32 + lane) * 2].
template <bool transposed>
__global__ void load(const uint16_t* x, uint16_t* y) {
  constexpr int pitch = 24;  // lines need not lie side by side
  __shared__ __align__(16) uint16_t lines[32 * pitch];
  const int lane = static_cast<int>(threadIdx.x);
  for (int e = 0; e < 8; ++e) lines[lane * pitch + e] = x[lane * 8 + e];
  __syncthreads();
  uint32_t r[4];
  warp::load_matrices<transposed>(r, lines + lane * pitch);
  for (int m = 0; m < 4; ++m) {
    y[(m * 32 + lane) * 2] = static_cast<uint16_t>(r[m]);
    y[(m * 32 + lane) * 2 + 1] = static_cast<uint16_t>(r[m] >> 16);
  }
}

__global__ void pack(const float* x, uint32_t* y, int count) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) y[i] = warp::pack_bf16(x[2 * i], x[2 * i + 1]);
}

/// c (128 x columns) = a (128 x depth) b (depth x columns), all row by row, by two warpgroups from tiles that are
/// written element by element. Below sm_90a the kernel is empty.
template <int columns, int depth, bool a_by_depth, bool b_by_depth>
__global__ void __launch_bounds__(256) multiply_tiles(const float* a, const float* b, float* c) {
  namespace gemm = kernels::gemm;
  using Block = gemm::WgmmaBlock<gemm::Block<128, columns, depth, 256, a_by_depth, b_by_depth>, 1, 2>;
  using A = typename Block::A;
  using W = typename Block::W;
  LACUNA_DYNAMIC_SHARED(shared);
  const int thread = static_cast<int>(threadIdx.x);
  const auto put = [&](unsigned char* tile, int offset, int element, float x) {
    reinterpret_cast<bf16*>(tile + offset)[element % gemm::piece] = bf16(x);
  };
  for (int i = thread; i < 128 * depth; i += 256) {
    const int row = i / depth, k = i % depth;
    put(shared, a_by_depth ? A::offset(row, k) : A::offset(k, row), a_by_depth ? k : row, a[i]);
  }
  for (int i = thread; i < depth * columns; i += 256) {
    const int k = i / columns, column = i % columns;
    put(shared + A::bytes, b_by_depth ? W::offset(column, k) : W::offset(k, column), b_by_depth ? k : column, b[i]);
  }
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
  warpgroup::publish();
  __syncthreads();
  typename Block::Sums sums{};
  Block::multiply_tile(sums, shared, thread / 128 * 64);
  warpgroup::wait(sums);
  const int lane = thread % 32;
  for (int j = 0; j < columns / 8; ++j) {
    for (int e = 0; e < 4; ++e) {
      const int row = thread / 32 * 16 + lane / 4 + e / 2 * 8, column = j * 8 + lane % 4 * 2 + e % 2;
      c[row * columns + column] = sums[0][j][e];
    }
  }
#endif
}

/// Whether there is a device that has the instructions of a warpgroup, and they are in this program.
bool has_warpgroups() {
#ifdef LACUNA_SM90A
  return has_device_or_skips() && cuda_traits(0).capability == 90;
#else
  return false;
#endif
}

template <int columns, int depth, bool a_by_depth, bool b_by_depth>
void check_tiles() {
  CAPTURE(columns);
  CAPTURE(depth);
  CAPTURE(a_by_depth);
  CAPTURE(b_by_depth);
  std::vector<float> a(128 * depth), b(depth * columns), c(128 * columns);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50);
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(static_cast<int>(i * 53 % 89) - 44);
  DeviceArray<float> on_a(a), on_b(b), on_c(c);
  launch(CudaStream{.op = "wgmma"}, {1, 256, 2 * depth * (128 + columns)},
         multiply_tiles<columns, depth, a_by_depth, b_by_depth>, on_a.data(), on_b.data(), on_c.data());
  const std::vector<float> y = on_c.to_host("wgmma");
  size_t wrong = 0;
  for (size_t row = 0; row < 128; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      float expected = 0;
      for (size_t k = 0; k < depth; ++k) expected += a[row * depth + k] * b[k * columns + column];
      wrong += y[row * columns + column] != expected;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("cuda: a warpgroup multiplies tiles of either orientation and swizzle") {
  if (!has_warpgroups()) return;
  check_tiles<128, 64, true, true>();
  check_tiles<128, 64, true, false>();
  check_tiles<128, 64, false, true>();
  check_tiles<128, 64, false, false>();
  check_tiles<64, 32, true, true>();
  check_tiles<64, 32, true, false>();
  check_tiles<64, 32, false, true>();
  check_tiles<32, 64, true, false>();
  check_tiles<32, 32, false, false>();
}

TEST_CASE("cuda: mma_bf16 multiplies whole fragments") {
  if (!has_tensor_units()) return;
  std::vector<float> a(256), b(128), c(128);
  // Small whole numbers: every product and sum is exact, and no two places hold the same row and column of numbers.
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50);
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(static_cast<int>(i * 53 % 89) - 44);
  for (size_t i = 0; i < c.size(); ++i) c[i] = static_cast<float>(i);
  DeviceArray<float> on_a(a), on_b(b);
  DeviceArray<float> on_c(c);
  launch(CudaStream{.op = "mma"}, {1, 32}, multiply, on_a.data(), on_b.data(), on_c.data());
  const std::vector<float> y = on_c.to_host("mma");
  for (size_t row = 0; row < 16; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      float expected = c[row * 8 + column];
      for (size_t k = 0; k < 16; ++k) expected += a[row * 16 + k] * b[k * 8 + column];
      CHECK(y[row * 8 + column] == expected);
    }
  }
}

TEST_CASE("cuda: load_matrices gives every lane its pairs") {
  if (!has_tensor_units()) return;
  std::vector<uint16_t> x(256);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(i + 1);
  DeviceArray<uint16_t> on_x(x);
  for (const bool transposed : {false, true}) {
    DeviceArray<uint16_t> on_y(std::vector<uint16_t>(256));
    launch(CudaStream{.op = "load"}, {1, 32}, transposed ? load<true> : load<false>, on_x.data(), on_y.data());
    const std::vector<uint16_t> y = on_y.to_host("load");
    for (size_t m = 0; m < 4; ++m) {
      for (size_t lane = 0; lane < 32; ++lane) {
        for (size_t e = 0; e < 2; ++e) {
          const size_t row = lane / 4, column = lane % 4 * 2 + e;
          const size_t element = transposed ? column * 8 + row : row * 8 + column;
          CHECK(y[(m * 32 + lane) * 2 + e] == x[m * 64 + element]);
        }
      }
    }
  }
}

TEST_CASE("cuda: pack_bf16 rounds to the nearest, ties to even") {
  if (!has_tensor_units()) return;
  const std::vector<float> x{1.0f,      -2.5f,      1.00390625f, 1.01171875f, 1.0039063f, 3.3895314e38f,
                             0x1p-133f, -0x1p-134f, 0.0f,        -0.0f,       1e-3f,      123456.0f};
  DeviceArray<float> on_x(x);
  DeviceArray<uint32_t> on_y(std::vector<uint32_t>(x.size() / 2));
  launch(CudaStream{.op = "pack"}, {1, 32}, pack, on_x.data(), on_y.data(), static_cast<int>(x.size() / 2));
  const std::vector<uint32_t> y = on_y.to_host("pack");
  for (size_t i = 0; i < x.size(); ++i) CHECK((y[i / 2] >> 16 * (i % 2) & 0xffff) == bf16(x[i]).bits);
}

}  // namespace lacuna::test
