#include "tests/support/op_modes.h"

#include "autograd/grad.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna::test {
namespace {

/// The output and all first gradients for a cotangent of ones.
std::vector<Tensor> output_and_gradients(const OpCase& c, DType dtype) {
  Variables leaves;
  for (const Variable& x : c.values) leaves.push_back(Variable::leaf(x.value().clone().to(dtype)));
  const Variable y = c.function(leaves);
  std::vector<Tensor> tensors{y.value()};
  for (const Variable& g : grad(y, leaves)) tensors.push_back(g.value());
  return tensors;
}

bool all_same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bits);
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
  }
}

}  // namespace lacuna::test
