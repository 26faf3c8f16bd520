#include <vector>

#include "ops/attention/attention.h"
#include "ops/cases.h"
#include "tensor/memory.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"

namespace lacuna {
namespace {

const Device cuda{Device::Kind::cuda, 0};

struct Setting {
  int64_t n, h, w, channels, pasted;
  StreamOptions options;
  bool shared_mask = false;
};

/// Odd and even grids, rates, reaches, several samples, and rows gone through in blocks.
const std::vector<Setting> settings{
    {1, 5, 4, 3, 2, {}},
    {2, 6, 7, 5, 3, {}},
    {2, 6, 7, 5, 3, {.block_rows = 1}},
    {3, 9, 5, 4, 1, {.block_rows = 4}, true},
    {1, 12, 3, 4, 2, {.fuse_k = 1, .block_rows = 3}},
    {1, 4, 5, 4, 2, {.ksize = 1, .rate = 1, .softmax_scale = 3}},
    {1, 7, 6, 4, 2, {.ksize = 5, .fuse_k = 5, .rate = 3, .block_rows = 2}},
    {1, 13, 2, 3, 2, {.fuse_k = 7, .block_rows = 2}},
};

AttentionOperands operands_of(const Setting& s, DType dtype) {
  const Tensor f = case_values({s.n, s.h, s.w, s.channels}, 1), b = case_values({s.n, s.h, s.w, s.channels}, 2);
  const Tensor picture = case_values({s.n, s.h * s.options.rate, s.w * s.options.rate, s.pasted}, 3);
  Tensor available = Tensor::full({s.shared_mask ? 1 : s.n, s.h * s.w}, 1, DType::f64);
  for (int64_t i = 0; i < available.numel(); ++i) available.data<double>()[i] = i % 5 != 1 && i % 7 != 3;
  return {f.to(dtype), b.to(dtype), picture.to(dtype), available.to(dtype)};
}

AttentionOperands on_cuda(const AttentionOperands& x) {
  return {x.f.to(cuda), x.b.to(cuda), x.picture.to(cuda), x.available.to(cuda)};
}

}  // namespace

TEST_CASE("attend on CUDA: value and gradients are the CPU's, in blocks of rows or not") {
  if (!test::has_device_or_skips()) return;
  const MemoryCheck memory;
  for (const Setting& s : settings) {
    CAPTURE(s.h);
    CAPTURE(s.w);
    CAPTURE(s.options.block_rows);
    for (const DType dtype : {DType::f64, DType::f32}) {
      const double tolerance = dtype == DType::f64 ? 1e-12 : 1e-4;
      const AttentionOperands x = operands_of(s, dtype), there = on_cuda(x);
      const Attended expected = attend(x, s.options), y = attend(there, s.options);
      CHECK_CLOSE(y.y, expected.y, tolerance);
      if (dtype == DType::f64) CHECK(test::same_bits(y.offsets, expected.offsets));
      const Tensor g = case_values(x.picture.shape(), 4).to(dtype);
      const AttentionCotangents c = attend_backward(g, x, s.options), d = attend_backward(g.to(cuda), there, s.options);
      CHECK_CLOSE(d.f, c.f, tolerance);
      CHECK_CLOSE(d.b, c.b, tolerance);
      CHECK_CLOSE(d.picture, c.picture, tolerance);
    }
  }
  CHECK(memory.violations() == 0);
}

TEST_CASE("attend on CUDA: the same bits whatever the blocks") {
  if (!test::has_device_or_skips()) return;
  const AttentionOperands x = on_cuda(operands_of({2, 8, 6, 5, 3, {}}, DType::f32));
  const Attended whole = attend(x, {});
  for (const int64_t rows : {1, 2, 5}) {
    CAPTURE(rows);
    const Attended blocks = attend(x, {.block_rows = rows});
    CHECK(test::same_bits(blocks.y, whole.y));
    CHECK(test::same_bits(blocks.offsets, whole.offsets));
  }
}

}  // namespace lacuna
