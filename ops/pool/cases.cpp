#include "ops/cases.h"

#include "ops/pool/pool.h"

namespace lacuna {

OpCases pool_cases() {
  const Variable x = case_values({2, 5, 6, 2}, 1);
  OpCases cases;
  for (const PoolOptions options :
       {PoolOptions{}, {.kernel = 3, .stride = 1}, {.kernel = 3, .stride = 2}, {.kernel = 1, .stride = 3}}) {
    const std::string setting = " " + std::to_string(options.kernel) + "x" + std::to_string(options.kernel) +
                                " stride " + std::to_string(options.stride);
    const Variable g = case_values(avg_pool(x, options).shape(), 2);
    cases.push_back(
        {"pool", "max_pool" + setting, {"x"}, {x}, [options](const Variables& v) { return max_pool(v[0], options); }});
    cases.push_back(
        {"pool", "avg_pool" + setting, {"x"}, {x}, [options](const Variables& v) { return avg_pool(v[0], options); }});
    cases.push_back({"pool", "avg_pool_adjoint" + setting, {"g"}, {g}, [options](const Variables& v) {
                       return avg_pool_adjoint(v[0], 5, 6, options);
                     }});
  }
  return cases;
}

}  // namespace lacuna
