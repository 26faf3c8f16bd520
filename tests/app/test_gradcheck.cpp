#include <doctest/doctest.h>

#include "ops/cases.h"
#include "tests/app/run_program.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;

}  // namespace

TEST_CASE("gradcheck: one family") {
  const ProgramRun all_pass = run_program({"gradcheck", "--family", "activation"});
  CHECK(all_pass.status == 0);
  CHECK(all_pass.err.empty());
  CHECK(contains(all_pass.out, "elu_grad"));
  CHECK(contains(all_pass.out, "cotangent"));
  CHECK(contains(all_pass.out, " passed, 0 failed\n"));
  CHECK(!contains(all_pass.out, "FAIL"));
}

TEST_CASE("gradcheck: a tolerance below rounding fails") {
  const ProgramRun failed = run_program({"gradcheck", "--family", "activation", "--tolerance", "1e-18"});
  CHECK(failed.status == 1);
  CHECK(contains(failed.out, "FAIL"));
  CHECK(contains(failed.err, "lacuna: error: [gradcheck] "));
}

TEST_CASE("gradcheck: --list names every op of every family") {
  const ProgramRun list = run_program({"gradcheck", "--list"});
  CHECK(list.status == 0);
  for (const OpCase& c : all_op_cases()) CHECK(contains(list.out, c.op));
  const ProgramRun one = run_program({"gradcheck", "--list", "--family", "pad"});
  CHECK(contains(one.out, "pad "));
  CHECK(!contains(one.out, "softmax"));
}

TEST_CASE("gradcheck: an unknown family names those there are") {
  const ProgramRun wrong = run_program({"gradcheck", "--family", "conv"});
  CHECK(wrong.status == 2);
  CHECK(contains(wrong.err, "there is no family 'conv'; did you mean 'conv2d'? (families: "));
  CHECK(contains(wrong.err, "softmax"));
}

}  // namespace lacuna
