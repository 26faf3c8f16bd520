#include <thread>
#include <utility>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "tests/autograd/tiny_ops.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using tiny::vector;

// x with a VJP that owns `witness`.
Variable witnessed(const Variable& x, std::shared_ptr<int> witness) {
  return record("witnessed", {x}, x.value().clone(),
                [witness = std::move(witness)](const Vjp& v) { return Variables{v.cotangent()}; });
}

}  // namespace

TEST_CASE("record: a node knows its name and inputs, constants have none") {
  const Variable x = Variable::leaf(vector({1, 2})), constant = vector({3, 4});
  const Variable y = tiny::multiply(x, constant);
  REQUIRE(y.requires_grad());
  CHECK(y.node()->name == "multiply");
  REQUIRE(y.node()->inputs.size() == 2);
  CHECK(y.node()->inputs[0] == x.node());
  CHECK(y.node()->inputs[1] == nullptr);
  CHECK(y.node()->order > x.node()->order);
  CHECK(!tiny::multiply(constant, constant).requires_grad());
  CHECK(!y.detach().requires_grad());
  CHECK(y.detach().value().raw() == y.value().raw());
}

TEST_CASE("record: what a VJP needs is what requires a gradient") {
  const Variable x = Variable::leaf(vector({1})), constant = vector({2});
  std::vector<bool> needs;
  const Variable y = record("probe", {x, constant}, vector({0}), [&needs](const Vjp& v) {
    needs = {v.needs(0), v.needs(1)};
    return Variables{v.cotangent(), {}};
  });
  grad(y, {x});
  CHECK(needs == std::vector<bool>{true, false});
}

TEST_CASE("NoGrad: nothing is recorded while one is alive, on its thread only") {
  const Variable x = Variable::leaf(vector({1}));
  CHECK(recording());
  {
    const NoGrad outer;
    {
      const NoGrad inner;
      CHECK(!recording());
    }
    CHECK(!recording());
    CHECK(!tiny::sine(x).requires_grad());
    bool recorded_elsewhere = false;
    std::thread([&] { recorded_elsewhere = tiny::sine(x).requires_grad(); }).join();
    CHECK(recorded_elsewhere);
  }
  CHECK(recording());
  CHECK(test::error_of([] {
          const NoGrad no_grad;
          fail("stop");
        }) == "stop");
  CHECK(recording());
  CHECK(tiny::sine(x).requires_grad());
}

TEST_CASE("memory: what a VJP captured is dropped at once where nothing is recorded") {
  auto witness = std::make_shared<int>();
  const Variable from_constant = witnessed(vector({1}), witness);
  CHECK(witness.use_count() == 1);
  const NoGrad no_grad;
  const Variable unrecorded = witnessed(Variable::leaf(vector({1})), witness);
  CHECK(witness.use_count() == 1);
}

TEST_CASE("memory: what a VJP captured lives as long as something depends on it") {
  const auto witness = std::make_shared<int>();
  const Variable x = Variable::leaf(vector({1, 2}));
  Variable y = tiny::exponential(tiny::sine(witnessed(x, witness)));
  CHECK(witness.use_count() == 2);

  Variable plain = grad(y, {x})[0];
  CHECK(witness.use_count() == 2);
  Variable differentiable = grad(y, {x}, {.create_graph = true})[0];
  y = {};
  CHECK(witness.use_count() == 2);  // the gradient is a function of the graph
  differentiable = {};
  CHECK(witness.use_count() == 1);
  CHECK(plain.defined());
}

TEST_CASE("memory: an op whose VJP uses its own output is no cycle") {
  const auto witness = std::make_shared<int>();
  {
    const Variable x = Variable::leaf(vector({1, 2}));
    const Variable y = tiny::exponential(tiny::exponential(witnessed(x, witness)));
    const Variable g = grad(y, {x}, {.create_graph = true})[0];
    grad(g, {x}, {.create_graph = true});
    CHECK(witness.use_count() == 2);
  }
  CHECK(witness.use_count() == 1);
}

TEST_CASE("memory: long graphs are destroyed without recursion") {
  constexpr int length = 200'000;
  const Variable x = Variable::leaf(vector({1}));
  const Variable half = vector({0.5});

  Variable chain = x;
  for (int i = 0; i < length; ++i) chain = tiny::multiply(chain, half);  // the VJP captures the chain below, too
  Variable gradient = grad(chain, {x}, {.create_graph = true})[0];
  CHECK(gradient.value().item() == 0);  // 2^-200000
  chain = {};
  gradient = {};

  Variable ladder = x;  // both inputs of each node are the one below
  for (int i = 0; i < length; ++i) ladder = tiny::add(ladder, ladder);
  ladder = {};

  Variable older = x, newer = tiny::scale(x, 1);  // each node is shared by the next two
  for (int i = 0; i < length; ++i) older = std::exchange(newer, tiny::multiply(older, newer));
  older = {};
  newer = {};
  CHECK(x.node().use_count() == 1);
}

}  // namespace lacuna
