#include <map>
#include <set>

#include "distributed/cores.h"
#include "distributed/launch.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

Launch launch(const std::map<std::string, std::string>& environment) {
  return read_launch([&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

void check_launch(const Launch& launch, bool by_mpi, int rank, int size, int local_rank) {
  CHECK(launch.by_mpi == by_mpi);
  CHECK(launch.rank == rank);
  CHECK(launch.size == size);
  CHECK(launch.local_rank == local_rank);
}

}  // namespace

TEST_CASE("launch: what the launchers say") {
  check_launch(launch({}), false, 0, 1, 0);
  const std::map<std::string, std::string> open_mpi{
      {"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"RANK", "0"}};
  check_launch(launch(open_mpi), true, 3, 4, 1);
  check_launch(launch({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), true, 1, 2, 0);
  check_launch(launch({{"PMIX_RANK", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_LOCALID", "1"}}), true, 1, 2, 1);
  check_launch(launch({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"SLURM_LOCALID", "1"}}), true, 1, 2, 1);
  check_launch(launch({{"PMIX_RANK", "1"}}), true, 1, 0, 0);

  const Launch torchrun = launch({{"RANK", "1"},
                                  {"WORLD_SIZE", "2"},
                                  {"LOCAL_RANK", "1"},
                                  {"MASTER_ADDR", "host"},
                                  {"MASTER_PORT", "29500"},
                                  {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  check_launch(torchrun, false, 1, 2, 1);
  CHECK(torchrun.address == "host");
  CHECK(torchrun.port == 29501);
  CHECK(launch({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "29500"}}).port == 29500);

  const Launch srun =
      launch({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "0"}, {"MASTER_ADDR", "n1"}});
  check_launch(srun, false, 1, 4, 0);
  // A batch script is no task of several.
  check_launch(launch({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}), false, 0, 1, 0);
  check_launch(launch({{"SLURM_STEP_NUM_TASKS", "4"}}), false, 0, 1, 0);
}

TEST_CASE("launch: contradictions are refused") {
  const auto refused = [](const std::map<std::string, std::string>& environment) {
    return test::error_of([&] { launch(environment); });
  };
  CHECK(refused({{"WORLD_SIZE", "2"}}) ==
        "[distributed] of the environment variables RANK and WORLD_SIZE only one is set");
  CHECK(refused({{"RANK", "1"}}) == "[distributed] of the environment variables RANK and WORLD_SIZE only one is set");
  CHECK(refused({{"RANK", "2"}, {"WORLD_SIZE", "2"}}) == "[distributed] RANK is 2, but WORLD_SIZE is 2");
  CHECK(refused({{"RANK", "one"}, {"WORLD_SIZE", "2"}}) ==
        "[distributed] the environment variable RANK must be a whole number, not 'one'");
  CHECK(refused({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}) ==
        "[distributed] MASTER_PORT 70000 is no port");
}

TEST_CASE("launch: cores are shared by those who may use them") {
  const std::set<int> all{0, 1, 2, 3, 4, 5, 6, 7}, low{0, 1, 2, 3}, high{4, 5, 6, 7};
  CHECK(share_of_cores({all}, 0) == 8);
  CHECK(share_of_cores({all, all}, 1) == 4);
  CHECK(share_of_cores({all, all, all}, 1) == 2);
  CHECK(share_of_cores({low, high}, 1) == 4);
  CHECK(share_of_cores({low, high, low, high}, 3) == 2);
  CHECK(share_of_cores({{0}, {1}}, 0) == 1);
  CHECK(share_of_cores({{0}, {0}, {0}}, 2) == 1);  // never none
  CHECK(share_of_cores({all, {0}}, 0) == 7);
  const CoreShare alone = core_share(single_process());
  CHECK(alone.ranks_here == 1);
  CHECK(alone.threads == alone.cores_used);
}

}  // namespace lacuna
