#include "distributed/socket.h"
#include "tests/app/run_program.h"
#include "tests/app/several_processes.h"

namespace lacuna {
namespace {

using namespace test;

/// The line that starts rank `rank` of `size` with torchrun's variables.
std::string by_environment(int rank, int size, int port) {
  return "RANK=" + std::to_string(rank) + " LOCAL_RANK=" + std::to_string(rank) +
         " WORLD_SIZE=" + std::to_string(size) + " MASTER_ADDR=localhost MASTER_PORT=" + std::to_string(port) + " ";
}

}  // namespace

TEST_CASE("train over TCP: torchrun's variables") {
  const Workshop w;
  const int port = Socket::listen(0).port();
  REQUIRE(shell(w.train("alone")).status == 0);
  const Outcome both = shell(by_environment(1, 2, port) + w.train("two") + " & " + by_environment(0, 2, port) +
                             w.train("two") + "; r=$?; wait $! && exit $r");
  REQUIRE_MESSAGE(both.status == 0, both.printed);
  CHECK(occurrences(both.printed, "done: 3 steps") == 1);
  check_close(w.checkpoint("two", 3), w.checkpoint("alone", 3));

  const Outcome lone = shell("RANK=0 WORLD_SIZE=2 " + w.train("lone"));
  CHECK(lone.status == 1);
  CHECK(lone.printed ==
        "lacuna: error: [distributed] this is rank 0 of 2, but MASTER_ADDR and MASTER_PORT, which say where rank 0 is, "
        "are not set\n");
}

TEST_CASE("train over TCP: a rank that dies ends the others, who name it") {
  const Workshop w;
  const int port = Socket::listen(0).port();
  const Outcome outcome = shell(by_environment(1, 2, port) + w.train("run", "--steps 100000") +
                                " >/dev/null & other=$!; (" + once_there(w, "run") + "kill -KILL $other) & " +
                                by_environment(0, 2, port) + w.train("run", "--steps 100000"));
  CHECK(outcome.status == 1);
  CHECK(occurrences(outcome.printed, "lacuna: error:") == 1);
  CHECK(contains(outcome.printed, "lacuna: error: rank 0: [distributed] rank 1 of 2 is gone"));
}

}  // namespace lacuna
