#include <cstdlib>
#include <iostream>

#include "tests/app/run_program.h"
#include "tests/app/several_processes.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using namespace test;

/// mpirun, as it must be told on a machine of few cores and by root; empty where there is none or the program does not
/// know MPI.
std::string mpirun(int ranks) {
  const bool usable = LACUNA_WITH_MPI && std::system("mpirun --version >/dev/null 2>&1") == 0;
  if (!usable) {
    std::cout << "SKIPPED: " << (LACUNA_WITH_MPI ? "there is no mpirun" : "the program was built without MPI")
              << ", so that training over MPI was not tested\n";
    return "";
  }
  return "ASAN_OPTIONS=detect_leaks=0 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe "
         "--bind-to none -n " +
         std::to_string(ranks) + " ";
}

}  // namespace

TEST_CASE("train over MPI: two processes train what one does, and any number goes on") {
  const std::string two = mpirun(2);
  if (two.empty()) return;
  const Workshop w;
  const Outcome one = shell(w.train("one"));
  REQUIRE_MESSAGE(one.status == 0, one.printed);
  const Outcome both = shell(two + w.train("two"));
  REQUIRE_MESSAGE(both.status == 0, both.printed);
  check_close(w.checkpoint("two", 3), w.checkpoint("one", 3));
  // One of them talks, logs and writes.
  CHECK(occurrences(both.printed, "done: 3 steps") == 1);
  CHECK(contains(both.printed, "2 processes, 2 on this host; each with 1 threads"));
  const std::string log = read_file(w.folder / "two/metrics.jsonl");
  CHECK(std::count(log.begin(), log.end(), '\n') == 3);

  // 2, then 1, then 2 again.
  REQUIRE(shell(two + w.train("parts", "--steps 1")).status == 0);
  REQUIRE(shell(w.train("parts", "--steps 2 --resume")).status == 0);
  const Outcome last = shell(two + w.train("parts", "--steps 3 --resume"));
  REQUIRE_MESSAGE(last.status == 0, last.printed);
  check_close(w.checkpoint("parts", 3), w.checkpoint("one", 3));
}

TEST_CASE("train over MPI: what cannot work is refused in one line") {
  const std::string two = mpirun(2);
  if (two.empty()) return;
  const Workshop w;
  const std::string odd = w.folder.file("odd.toml", "[training]\nbatch = 5\n").string();
  const Outcome refused = shell(two + LACUNA_PROGRAM + " train --config " + odd + " --data " + w.pictures + " --out " +
                                (w.folder / "b").string());
  CHECK(refused.status != 0);
  CHECK(occurrences(refused.printed, "lacuna: error:") == 1);
  CHECK(contains(refused.printed, "a batch of 5 pictures cannot be shared evenly by 2 processes"));
  CHECK_FALSE(fs::exists(w.folder / "b"));
  const Outcome missing = shell(two + LACUNA_PROGRAM + " train --resume --out " + (w.folder / "none").string());
  CHECK(occurrences(missing.printed, "lacuna: error:") == 1);
  CHECK(contains(missing.printed, "holds no run to go on with"));
}

TEST_CASE("train over MPI: SIGUSR1 saves once, a rank that dies ends the others") {
  const std::string two = mpirun(2);
  if (two.empty()) return;
  const Workshop w;
  // `then` is done after the first step; $m is mpirun's process.
  const auto while_training = [&](const std::string& run, const std::string& then) {
    return shell(two + w.train(run, "--steps 100000") + " & m=$!; " + once_there(w, run) + then + "; wait $m");
  };
  const Outcome stopped = while_training("stopped", "kill -USR1 $m");
  CHECK_MESSAGE(stopped.status == 0, stopped.printed);
  CHECK(occurrences(stopped.printed, "is saved. To go on:") == 1);
  CHECK(contains(stopped.printed, "lacuna train --out " + (w.folder / "stopped").string() + " --resume"));

  const Outcome died = while_training("died", "set -- $(cat /proc/$m/task/$m/children); kill -KILL $2");
  CHECK(died.status != 0);
  CHECK(contains(died.printed, "exited on signal 9"));
}

}  // namespace lacuna
