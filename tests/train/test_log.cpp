#include <nlohmann/json.hpp>

#include "tensor/file.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/log.h"

namespace lacuna {

TEST_CASE("log: lines are appended; on going on, later and torn ones are dropped") {
  const test::TemporaryFolder folder;
  const auto file = folder / "metrics.jsonl";
  {
    MetricsLog log(file, 0);
    for (int step = 1; step <= 3; ++step) log.write({{"step", step}, {"l1", 0.5 * step}});
  }
  CHECK(read_file(file) == "{\"step\":1,\"l1\":0.5}\n{\"step\":2,\"l1\":1.0}\n{\"step\":3,\"l1\":1.5}\n");
  folder.file("metrics.jsonl", read_file(file) + "{\"step\":2,\"l");
  MetricsLog log(file, 2);
  log.write({{"step", 3}});
  CHECK(read_file(file) == "{\"step\":1,\"l1\":0.5}\n{\"step\":2,\"l1\":1.0}\n{\"step\":3}\n");
}

TEST_CASE("log: what cannot be written is an error") {
  CHECK(test::error_of([] { MetricsLog("/nowhere/metrics.jsonl", 0); }).starts_with("[log] /nowhere/metrics.jsonl: "));
}

}  // namespace lacuna
