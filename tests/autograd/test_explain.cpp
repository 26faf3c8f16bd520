#include "autograd/explain.h"
#include "autograd/grad.h"
#include "tests/autograd/tiny_ops.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

const Variable one = tiny::vector({1});

}  // namespace

TEST_CASE("explain: ops in the order of execution, inputs by number, sums of cotangents") {
  const Variable x = Variable::leaf(tiny::vector({2}));
  const Variable y = tiny::add(tiny::multiply(tiny::sine(x), x), one);
  tiny::sine(y);  // y does not depend on it
  CHECK(explain(y) ==
        "3 ops, 1 leaf\n"
        "#0 leaf  <- #2 #1\n"
        "#1 sine(#0)\n"
        "#2 multiply(#1, #0)\n"
        "#3 add(#2, constant)\n");
}

TEST_CASE("explain: columns line up, an op may use an input twice") {
  const Variable x = Variable::leaf(one.value()), w = Variable::leaf(one.value());
  const Variable product = tiny::multiply(w, x);
  CHECK(explain(tiny::add(tiny::multiply(product, product), x)) ==
        "3 ops, 2 leaves\n"
        "#0 leaf              <- #4 #2\n"
        "#1 leaf\n"
        "#2 multiply(#1, #0)  <- #3 #3\n"
        "#3 multiply(#2, #2)\n"
        "#4 add(#3, #0)\n");
}

TEST_CASE("explain: the recorded backward pass is a graph like any other") {
  const Variable x = Variable::leaf(one.value());
  const Variable g = grad(tiny::multiply(x, x), {x}, {.create_graph = true})[0];
  CHECK(explain(g) ==
        "3 ops, 1 leaf\n"
        "#0 leaf  <- #2 #1\n"
        "#1 multiply(constant, #0)\n"
        "#2 multiply(constant, #0)\n"
        "#3 sum_cotangents(#1, #2)\n");
}

TEST_CASE("explain: a leaf, a constant, a deep graph") {
  CHECK(explain(Variable::leaf(one.value())) == "0 ops, 1 leaf\n#0 leaf\n");
  CHECK(explain(one) == "a constant: nothing is recorded\n");
  Variable y = Variable::leaf(one.value());
  for (int i = 0; i < 100'000; ++i) y = tiny::scale(y, 1);
  CHECK(explain(y).starts_with("100000 ops, 1 leaf\n#0 leaf\n#1 scale(#0)\n"));
}

TEST_CASE("explain_dot: a Graphviz graph") {
  const Variable x = Variable::leaf(one.value());
  CHECK(explain_dot(tiny::add(tiny::multiply(x, x), one)) ==
        "digraph tape {\n"
        "  n0 [label=\"#0 leaf\", shape=box];\n"
        "  n1 [label=\"#1 multiply\"];\n"
        "  n0 -> n1;\n"
        "  n0 -> n1;\n"
        "  n2 [label=\"#2 add\"];\n"
        "  n1 -> n2;\n"
        "}\n");
  CHECK(explain_dot(one) == "digraph tape {\n}\n");
}

}  // namespace lacuna
