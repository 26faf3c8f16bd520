#include <doctest/doctest.h>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "tensor/stream.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

/// 2 x, with a kernel of its own.
Variable doubled(const Variable& x) {
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto&) {
    for (int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = 2 * x.value().data<double>()[i];
  });
  return record("doubled", {x}, y, [](const Vjp& v) { return Variables{doubled(v.cotangent())}; });
}

}  // namespace

TEST_CASE("trace: every recorded op has its event, with the shapes, forwards and backwards") {
  const Variable x = Variable::leaf(Tensor::full({2, 3}, 1, DType::f64));
  start_trace();
  grad(doubled(x), {x});
  const NoGrad no_grad;
  doubled(x);
  stop_trace();
  const std::vector<TraceEvent> events = trace_events();
  REQUIRE(events.size() == 5);
  for (const size_t k : {0, 2, 4}) {
    CHECK(events[k].name == "doubled");
    CHECK(events[k].detail == "(2,3) -> (2,3)");
    CHECK(events[k].is_op);
  }
  CHECK(events[1].name == "Tensor::full");  // the cotangent of ones
  CHECK(events[1].is_op);
  CHECK(events[3].name == "grad");
  CHECK(!events[3].is_op);
}

}  // namespace lacuna
