// The tensor units' instructions against their definitions, with the fragments laid out as the PTX ISA says.
#include "ops/matmul/mma.cuh"
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

}  // namespace

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
