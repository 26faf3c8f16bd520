// The functors that read whole pictures, each called with the same arguments on the CPU and on the device; their sums
// run in one order and are not contracted, so that the results must have the same bits.
#include "ops/pool/functors.h"
#include "ops/sample/functors.h"
#include "tensor/philox.h"
#include "tests/cuda/same_on_device.cuh"

namespace lacuna::test {

/// n numbers in [low, high).
template <class T>
std::vector<T> uniform(int64_t n, uint64_t draw, double low = -1, double high = 1) {
  const Philox random{.seed = 2, .draw = draw};
  std::vector<T> x(static_cast<size_t>(n));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(low + (high - low) * random.uniform(i));
  return x;
}

template <class T>
void check_pool(functors::PoolShape s) {
  constexpr int64_t pictures = 2;
  const int64_t n = pictures * s.height * s.width * s.channels;
  const int64_t n_out = pictures * s.out_height * s.out_width * s.channels;
  Inputs<T> inputs{.a = uniform<T>(n, 0), .b = uniform<T>(n_out, 1)};
  inputs.a[5] = std::numeric_limits<T>::quiet_NaN();
  inputs.index.resize(static_cast<size_t>(n_out));
  const functors::MaxPoolIndex<T> largest{inputs.a.data(), s, inputs.index.data()};
  for (int64_t i = 0; i < n_out; ++i) largest(i);

  check_same_on_device<int32_t>("max_pool_index", inputs, n_out, n_out,
                                [s] LACUNA_HD(int64_t i, InputView<T> in, int32_t * y) {
                                  functors::MaxPoolIndex<T>{in.a, s, y}(i);
                                });
  check_same_on_device<T>("max_pool", inputs, n_out, n_out, [s] LACUNA_HD(int64_t i, InputView<T> in, T * y) {
    functors::MaxPool<T>{in.a, in.index, s, y}(i);
  });
  check_same_on_device<T>("max_pool_adjoint", inputs, n, n, [s] LACUNA_HD(int64_t i, InputView<T> in, T * x) {
    functors::MaxPoolAdjoint<T>{in.b, in.index, s, x}(i);
  });
  check_same_on_device<T>("avg_pool", inputs, n_out, n_out, [s] LACUNA_HD(int64_t i, InputView<T> in, T * y) {
    functors::AvgPool<T>{in.a, s, y}(i);
  });
  check_same_on_device<T>("avg_pool_adjoint", inputs, n, n, [s] LACUNA_HD(int64_t i, InputView<T> in, T * x) {
    functors::AvgPoolAdjoint<T>{in.b, s, x}(i);
  });
}

TEST_CASE("cuda: pool") {
  if (!has_device_or_skips()) return;
  const functors::PoolShape overlapping{
      .height = 15, .width = 23, .channels = 5, .out_height = 7, .out_width = 11, .kernel = 3, .stride = 2};
  const functors::PoolShape apart{
      .height = 14, .width = 20, .channels = 3, .out_height = 4, .out_width = 6, .kernel = 2, .stride = 3};
  check_pool<float>(overlapping);
  check_pool<double>(overlapping);
  check_pool<float>(apart);
  check_pool<double>(apart);
}

template <class T>
void check_gather() {
  constexpr int64_t rows = 40, row = 37, count = 90, width = 8, blocks = (row + width - 1) / width;
  Inputs<T> inputs{.a = uniform<T>(rows * row, 0), .b = uniform<T>(count * row, 1)};
  const Philox random{.seed = 3, .draw = 0};
  for (int64_t k = 0; k < count; ++k) inputs.index.push_back(static_cast<int32_t>(random.below(k, rows)));

  check_same_on_device<T>("gather", inputs, count * row, count * row, [] LACUNA_HD(int64_t i, InputView<T> in, T * y) {
    functors::Gather<T>{in.a, in.index, rows, row, y}(i);
  });
  check_same_on_device<T>("scatter_add", inputs, blocks, rows * row, [] LACUNA_HD(int64_t i, InputView<T> in, T * y) {
    functors::ScatterAdd<T>{in.b, in.index, count, row, width, y}(i);
  });
}

TEST_CASE("cuda: gather and scatter_add") {
  if (!has_device_or_skips()) return;
  check_gather<float>();
  check_gather<double>();
}

/// A grid inside and outside of the picture, with positions on pixels and one that is not a number.
template <class T>
std::vector<T> grid_over(int64_t pictures, const functors::SampleShape& s) {
  std::vector<T> grid = uniform<T>(2 * pictures * s.positions, 4, -2, static_cast<double>(s.height) + 1);
  for (size_t i = 0; i < grid.size(); i += 7) grid[i] = std::floor(grid[i]);
  grid[9] = std::numeric_limits<T>::quiet_NaN();
  return grid;
}

template <class T>
void check_sample(SampleDerivative order) {
  constexpr int64_t pictures = 2, block = 4;
  const functors::SampleShape s{.height = 9, .width = 13, .channels = 6, .positions = 150};
  const int64_t n = pictures * s.height * s.width * s.channels, n_out = pictures * s.positions * s.channels;
  const int64_t blocks = (s.channels + block - 1) / block;
  const std::vector<T> grid = grid_over<T>(pictures, s);

  check_same_on_device<T>("sample_taps", Inputs<T>{.a = grid}, 2 * s.positions, 10 * s.positions,
                          [s, order] LACUNA_HD(int64_t i, InputView<T> in, T * y) {
                            const functors::SampleTaps<T> taps = functors::sample_taps(in.a[i], s.height, order.row);
                            y[5 * i] = static_cast<T>(taps.first);
                            y[5 * i + 1] = static_cast<T>(taps.begin);
                            y[5 * i + 2] = static_cast<T>(taps.end);
                            y[5 * i + 3] = taps.weight[0];
                            y[5 * i + 4] = taps.weight[1];
                          });
  check_same_on_device<T>("grid_sample", Inputs<T>{.a = uniform<T>(n, 0), .b = grid}, n_out, n_out,
                          [s, order] LACUNA_HD(int64_t i, InputView<T> in, T * y) {
                            functors::GridSample<T>{in.a, in.b, s, order, y}(i);
                          });
  check_same_on_device<T>("grid_sample_adjoint", Inputs<T>{.a = uniform<T>(n_out, 1), .b = grid}, pictures * blocks, n,
                          [s, order, blocks] LACUNA_HD(int64_t i, InputView<T> in, T * x) {
                            functors::GridSampleAdjoint<T>{in.a, in.b, s, order, block, blocks, x}(i);
                          });
}

TEST_CASE("cuda: grid_sample") {
  if (!has_device_or_skips()) return;
  for (const SampleDerivative order : {SampleDerivative{0, 0}, SampleDerivative{1, 0}, SampleDerivative{0, 1}}) {
    check_sample<float>(order);
    check_sample<double>(order);
  }
}

}  // namespace lacuna::test
