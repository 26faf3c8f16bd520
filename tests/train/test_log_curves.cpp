#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/log_curves.h"

namespace lacuna {

TEST_CASE("log curves: every number by kind and name, in order of steps") {
  const test::TemporaryFolder folder;
  folder.file("metrics.jsonl",
              "{\"step\":10,\"kind\":\"train\",\"lr\":0.1,\"l1\":2}\n"
              "not JSON\n"
              "{\"step\":20,\"kind\":\"train\",\"l1\":null,\"note\":\"text\"}\n"
              "{\"step\":20,\"kind\":\"validation\",\"l1\":9}\n"
              "{\"step\":15,\"l1\":1}\n"
              "{\"step\":30,\"kind\":\"tra");
  const auto curves = read_run_log(folder.path());
  REQUIRE(curves.size() == 3);
  CHECK(curves[0].name == "lr");
  CHECK(curves[1].kind == "train");
  CHECK(curves[1].name == "l1");
  CHECK(curves[1].points == std::vector<std::pair<double, double>>{{10, 2}, {15, 1}});
  CHECK(curves[2].kind == "validation");
  CHECK(curves[2].points == std::vector<std::pair<double, double>>{{20, 9}});
  CHECK(read_run_log(folder / "metrics.jsonl").size() == 3);
}

TEST_CASE("log curves: what is no run is one clear line") {
  const test::TemporaryFolder folder;
  CHECK(test::error_of([&] { read_run_log(folder.path()); }) == "[log] " + folder.path().string() +
                                                                    " holds no training run: there is no " +
                                                                    (folder / "metrics.jsonl").string());
  folder.file("metrics.jsonl", "\n");
  CHECK(test::error_of([&] { read_run_log(folder.path()); }).find("holds no figures") != std::string::npos);
}

}  // namespace lacuna
