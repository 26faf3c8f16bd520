// The CUDA device's matrix products: their index arithmetic here, their results on a device, real or emulated.
#include <set>
#include <vector>

#include "ops/cases.h"
#include "ops/matmul/gemm.h"
#include "ops/matmul/gemm_pack.h"
#include "ops/matmul/matmul.h"
#include "tensor/memory.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"
#include "tests/support/reduced_bounds.h"
#include "tests/support/tensor_units.h"

namespace lacuna {
namespace {

namespace gemm = kernels::gemm;
using test::magnitudes;

const Device cuda{Device::Kind::cuda, 0};

struct Product {
  int64_t batch_a, batch_b, m, n, k;  // a batch of 0: no batch axis
};

void check_product(const Product& p, bool ta, bool tb) {
  CAPTURE(p.m);
  CAPTURE(p.n);
  CAPTURE(p.k);
  CAPTURE(ta);
  CAPTURE(tb);
  const auto shape = [](int64_t batch, int64_t rows, int64_t columns) {
    return batch == 0 ? Shape{rows, columns} : Shape{batch, rows, columns};
  };
  const MatmulOptions options{.transpose_a = ta, .transpose_b = tb};
  const Tensor a = case_values(ta ? shape(p.batch_a, p.k, p.m) : shape(p.batch_a, p.m, p.k), 1).to(DType::f32);
  const Tensor b = case_values(tb ? shape(p.batch_b, p.n, p.k) : shape(p.batch_b, p.k, p.n), 2).to(DType::f32);
  const Tensor a64 = a.to(DType::f64), b64 = b.to(DType::f64);
  const Tensor expected = matmul(a64, b64, options).value();
  const Tensor sizes = matmul(magnitudes(a64), magnitudes(b64), options).value();
  const auto on_device = [&](DType dtype) {
    const Variable y = matmul(a.to(dtype).to(cuda), b.to(dtype).to(cuda), options);
    return y.value().to(Device{});
  };
  const auto terms = static_cast<double>(p.k);
  test::check_within(on_device(DType::f64), expected, sizes, (terms + 16) * 0x1p-52);
  test::check_within(on_device(DType::f32), expected, sizes, (terms + 16) * 0x1p-23);
  for (const Precision precision : {Precision::high, Precision::medium}) {
    const WithPrecision at(precision);
    test::with_either_instructions([&] {
      const Tensor y = on_device(DType::f32);
      test::check_within(y, expected, sizes, test::reduced_bound(precision, p.k));
      CHECK(test::same_bits(on_device(DType::f32), y));
    });
  }
}

}  // namespace

TEST_CASE("matmul_cuda: a divider divides") {
  for (const int64_t d : {1, 2, 3, 5, 7, 9, 31, 32, 33, 127, 128, 513, 65535, 65536, 1000003, 2147483647}) {
    const gemm::Divider divider(d);
    for (const int64_t around : {int64_t{0}, d, 2 * d, 17 * d, int64_t{1} << 30, (int64_t{1} << 31) - 1 - d}) {
      for (int64_t x = around - 3; x <= around + 3; ++x) {
        if (x < 0 || x >= int64_t{1} << 31) continue;
        const int32_t quotient = divider.quotient(static_cast<int32_t>(x));
        CHECK(quotient == x / d);
        CHECK(divider.remainder(static_cast<int32_t>(x), quotient) == x % d);
      }
    }
  }
}

TEST_CASE("matmul_cuda: positions beyond a border are where padding puts them") {
  for (const PadMode mode : {PadMode::zero, PadMode::reflect, PadMode::symmetric}) {
    for (int32_t n = 1; n <= 6; ++n) {
      for (int32_t i = -30; i <= 30; ++i) CHECK(gemm::source_of(i, n, mode) == padded_source(i, n, mode));
    }
  }
}

TEST_CASE("matmul_cuda: a sum's parts cover it once") {
  for (const int64_t depth : {0, 1, 255, 256, 257, 4096, 65536, 1000000}) {
    for (const int64_t tiles : {1, 3, 9, 1000}) {
      const gemm::Splits splits = gemm::splits_for(tiles, depth, 132);
      CHECK(splits.count >= 1);
      CHECK(splits.depth % 64 == 0);
      CHECK(int64_t{splits.count} * splits.depth >= depth);
      CHECK((splits.count == 1 || int64_t{splits.count - 1} * splits.depth < depth));
    }
  }
}

TEST_CASE("matmul_cuda: operands are packed into whole pieces, with zeros in between") {
  for (const int32_t width : {1, 4, 8, 12, 21}) {
    for (const int32_t group : {1, 3, 8, 9}) {
      const gemm::Lines lines{2 * group, width};
      const auto packing = group == 1 ? gemm::Packing::of_lines(lines) : gemm::Packing::of_groups(lines, group);
      CHECK(packing.width() % gemm::piece == 0);
      CHECK((group == 1 || packing.packed_group % gemm::piece == 0));
      std::vector<float> x(static_cast<size_t>(lines.count * width));
      for (size_t i = 0; i < x.size(); ++i) x[i] = 1.0f + static_cast<float>(i) / 1024;
      const auto elements = static_cast<size_t>(packing.elements());
      std::vector<bf16> y(2 * elements, bf16(NAN));
      const gemm::PackPieces pack(packing, x.data(), y.data(), 2);
      for (size_t i = 0; i < elements / gemm::piece; ++i) pack(static_cast<int32_t>(i));
      size_t filled = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const auto line = static_cast<int64_t>(i) / width, first = line / group * group * width;
        const auto at = static_cast<size_t>(packing.place(first) + line % group * packing.width() + i % width);
        CHECK(static_cast<float>(y[at]) == static_cast<float>(bf16(x[i])));
        CHECK(static_cast<float>(y[at]) + static_cast<float>(y[elements + at]) == x[i]);  // 16 bits are enough
        filled += y[at].bits != 0;
      }
      for (size_t i = 0; i < elements; ++i) filled -= y[i].bits != 0;
      CHECK(filled == 0);  // nothing else is
    }
  }
}

TEST_CASE("matmul_cuda: the tile suits the result") {
  const auto tile = [](int64_t rows, int64_t columns) {
    return gemm::best_tile(gemm::mma_tiles, rows, columns, 1, 132);
  };
  CHECK(tile(262144, 128) == 0);
  CHECK(tile(262144, 64) == 1);
  CHECK(tile(4096, 128) == 2);
  CHECK(tile(262144, 32) == 3);
  CHECK(tile(262144, 3) == 3);
}

TEST_CASE("matmul_cuda: within the bounds over odd sizes, transposes and batches, in fenced memory") {
  if (!test::has_device_or_skips()) return;
  const MemoryCheck memory;
  const Product products[] = {
      {0, 0, 1, 1, 1},      {0, 0, 3, 5, 7},      {0, 0, 17, 33, 31},   {0, 0, 64, 64, 64},    {0, 0, 65, 68, 36},
      {0, 0, 130, 132, 68}, {0, 0, 300, 20, 40},  {0, 0, 1, 70, 67},    {0, 0, 70, 1, 67},     {0, 0, 5, 1, 1500},
      {0, 0, 1, 5, 1500},   {3, 3, 20, 24, 12},   {0, 2, 9, 20, 13},    {2, 0, 9, 20, 13},     {2, 2, 7, 1, 33},
      {2, 0, 1, 7, 33},     {0, 0, 520, 128, 32}, {0, 0, 1000, 64, 20}, {0, 0, 1030, 28, 100}, {0, 0, 4, 8, 1},
  };
  for (const Product& p : products) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) check_product(p, ta, tb);
    }
  }
  CHECK(memory.violations() == 0);
}

TEST_CASE("matmul_cuda: within the bounds in each of the larger tiles, which fill the device") {
  if (!test::has_device_or_skips()) return;
  const MemoryCheck memory;
  const int multiprocessors = cuda_traits(0).multiprocessors;
  const int64_t unit = 128 * int64_t{multiprocessors};
  std::set<size_t> tiles;
  for (const Product& p : {Product{0, 0, unit, 128, 36}, {0, 0, 2 * unit, 64, 36}, {0, 0, 3 * unit, 32, 36}}) {
    tiles.insert(gemm::best_tile(gemm::mma_tiles, p.m, p.n, 1, multiprocessors));
    CHECK(tiles.count(gemm::best_tile(gemm::wgmma_tiles, p.m, p.n, 1, multiprocessors)) == 1);
    for (const bool ta : {false, true}) check_product(p, ta, false);
  }
  CHECK(tiles == std::set<size_t>{0, 1, 3});
  check_product({0, 0, 3 * unit, 32, 33}, false, false);  // not by vectors
  CHECK(memory.violations() == 0);
}

}  // namespace lacuna
