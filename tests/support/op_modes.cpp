#include "tests/support/op_modes.h"

#include <algorithm>

#include "autograd/grad.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna::test {
namespace {

/// The output and all first gradients for a cotangent of ones.
std::vector<Tensor> output_and_gradients(const OpCase& c, DType dtype, Device device = {}) {
  Variables leaves;
  for (const Variable& x : c.values) leaves.push_back(Variable::leaf(x.value().clone().to(dtype).to(device)));
  const Variable y = c.function(leaves);
  std::vector<Tensor> tensors{y.value()};
  for (const Variable& g : grad(y, leaves)) tensors.push_back(g.value());
  return tensors;
}

bool all_same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bits);
}

void check_on_cuda(const OpCase& c, const std::vector<Tensor>& expected) {
  const Device cuda{Device::Kind::cuda, 0};
  Variables there;
  for (const Variable& x : c.values) there.push_back(Variable(x.value().to(cuda)));
  CHECK(gradcheck(c.function, there).max_error() <= 1e-6);
  CHECK(gradgradcheck(c.function, there).max_error() <= 1e-6);
  const MemoryCheck memory;
  const std::vector<Tensor> f64 = output_and_gradients(c, DType::f64, cuda);
  const std::vector<Tensor> f32 = output_and_gradients(c, DType::f32, cuda);
  CHECK(all_same_bits(output_and_gradients(c, DType::f32, cuda), f32));
  REQUIRE(f64.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(f64[i].device() == cuda);
    CHECK_CLOSE(f64[i], expected[i], 1e-12);
    CHECK_CLOSE(f32[i], expected[i], 1e-4);
  }
  CHECK(memory.violations() == 0);
}

}  // namespace

void run_modes(const OpCases& cases) {
  CHECK(!cases.empty());
  for (const OpCase& c : cases) {
    CAPTURE(c.op);
    CHECK(gradcheck(c.function, c.values).max_error() <= 1e-6);
    CHECK(gradgradcheck(c.function, c.values).max_error() <= 1e-6);

    const std::vector<Tensor> expected = output_and_gradients(c, DType::f64);
    {
      const MemoryCheck memory;
      CHECK(all_same_bits(output_and_gradients(c, DType::f64), expected));
      CHECK(memory.violations() == 0);
    }

    const int threads = num_threads();
    set_num_threads(1);
    const std::vector<Tensor> one_thread = output_and_gradients(c, DType::f64);
    set_num_threads(4);
    CHECK(all_same_bits(output_and_gradients(c, DType::f64), one_thread));
    set_num_threads(threads);

    const std::vector<Tensor> single = output_and_gradients(c, DType::f32);
    REQUIRE(single.size() == expected.size());
    for (size_t i = 0; i < single.size(); ++i) {
      CHECK(single[i].dtype() == DType::f32);
      CHECK_CLOSE(single[i], expected[i], 1e-4);
    }
    if (cuda_device_count() > 0) check_on_cuda(c, expected);
  }
}

}  // namespace lacuna::test
