#include <algorithm>
#include <string>
#include <vector>

#include "ops/cases.h"
#include "ops/matmul/bf16.h"
#include "ops/matmul/matmul.h"
#include "tensor/memory.h"
#include "tests/support/any_threads.h"
#include "tests/support/compare.h"
#include "tests/support/emulated_tiles.h"
#include "tests/support/reduced_bounds.h"

namespace lacuna {
namespace {

using kernels::reduced::Unit;
using test::magnitudes;

Tensor single(const Shape& shape, uint64_t seed) { return case_values(shape, seed).to(DType::f32); }

/// a b by `unit`, of batches of matrices.
Tensor product(const Unit& unit, Precision precision, const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  Tensor y({std::max(a.dim(0), b.dim(0)), a.dim(options.transpose_a ? 2 : 1), b.dim(options.transpose_b ? 1 : 2)});
  kernels::reduced::matmul({num_threads(), precision}, unit, a, b, options, y);
  return y;
}

template <class F>
void for_each_setting(F f) {
  if (!kernels::reduced::unit_for({1, Precision::medium}, false)) {
    MESSAGE("skipped: no bf16 unit at level " << name_of(cpu_level()));
    return;
  }
  std::vector<const Unit*> units{&kernels::reduced::dot_unit, &test::emulated_tile_unit};
  if (cpu_level() == CpuLevel::amx) units.push_back(&kernels::reduced::tile_unit);
  for (const Unit* unit : units) {
    for (const Precision precision : {Precision::medium, Precision::high}) {
      CAPTURE(std::string(unit->name));
      CAPTURE((precision == Precision::high));
      f(*unit, precision);
    }
  }
}

void check_product(const Unit& unit, Precision precision, int64_t batch_a, int64_t batch_b, int64_t m, int64_t n,
                   int64_t k) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      CAPTURE(m);
      CAPTURE(n);
      CAPTURE(k);
      const MatmulOptions options{.transpose_a = ta, .transpose_b = tb};
      const Tensor a = single(ta ? Shape{batch_a, k, m} : Shape{batch_a, m, k}, 1);
      const Tensor b = single(tb ? Shape{batch_b, n, k} : Shape{batch_b, k, n}, 2);
      const auto exact = [&](const Tensor& left, const Tensor& right) {
        const Tensor l = batch_a == 1 ? left.reshaped({left.dim(1), left.dim(2)}) : left;
        const Tensor r = batch_b == 1 ? right.reshaped({right.dim(1), right.dim(2)}) : right;
        const Tensor y = matmul(l, r, options).value();
        return y.reshaped({std::max(batch_a, batch_b), m, n});
      };
      const Tensor a64 = a.to(DType::f64), b64 = b.to(DType::f64);
      test::check_within(product(unit, precision, a, b, options), exact(a64, b64),
                         exact(magnitudes(a64), magnitudes(b64)), test::reduced_bound(precision, k));
    }
  }
}

}  // namespace

TEST_CASE("matmul_reduced: within the bound over odd sizes and transposes, in fenced memory") {
  for_each_setting([](const Unit& unit, Precision precision) {
    const MemoryCheck memory;
    for (const int64_t m : {1, 15, 50}) {
      for (const int64_t n : {1, 16, 17, 33, 70}) {
        for (const int64_t k : {1, 2, 31, 67}) check_product(unit, precision, 1, 1, m, n, k);
      }
    }
    check_product(unit, precision, 1, 1, 17, 35, 2100);  // in several parts of the depth
    check_product(unit, precision, 1, 1, 300, 20, 40);
    check_product(unit, precision, 3, 3, 9, 20, 12);
    check_product(unit, precision, 1, 2, 9, 20, 12);
    check_product(unit, precision, 2, 1, 9, 20, 12);
    CHECK(memory.violations() == 0);
  });
}

TEST_CASE("matmul_reduced: the right operand in several groups of panels") {
  if (!kernels::reduced::unit_for({1, Precision::medium}, false)) return;
  check_product(kernels::reduced::dot_unit, Precision::high, 1, 1, 30, 400, 1500);
}

TEST_CASE("matmul_reduced: the same bits for any number of threads") {
  for_each_setting([](const Unit& unit, Precision precision) {
    const Tensor a = single({1, 300, 70}, 1), b = single({1, 70, 90}, 2);
    test::on_any_threads([&] { return product(unit, precision, a, b, {}); });
  });
}

TEST_CASE("matmul_reduced: matmul takes the unit at hand at the precision in force") {
  const Variable a = single({20, 30}, 1), b = single({30, 40}, 2);
  const Tensor highest = matmul(a, b).value();
  for (const Precision p : {Precision::medium, Precision::high}) {
    const Unit* unit = kernels::reduced::unit_for({1, p}, true);
    set_precision(p);
    const Tensor y = matmul(a, b).value();
    set_precision(Precision::highest);
    if (!unit) {
      CHECK(test::same_bits(y, highest));
      continue;
    }
    const Tensor expected = product(*unit, p, a.value().reshaped({1, 20, 30}), b.value().reshaped({1, 30, 40}), {});
    CHECK(test::same_bits(y, expected.reshaped({20, 40})));
  }
}

}  // namespace lacuna
