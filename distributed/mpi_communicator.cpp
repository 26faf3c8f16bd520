#include "distributed/mpi_communicator.h"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "distributed/host_communicator.h"
#include "distributed/together.h"

namespace lacuna {
namespace {

using Clock = std::chrono::steady_clock;

void check_mpi(int status, const char* what) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  fail("[distributed] MPI: ", what, ": ", std::string_view(text, static_cast<size_t>(length)));
}

struct World {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 0;
};

World join(int expected) {
  int level = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
  check(level >= MPI_THREAD_FUNNELED,
        "[distributed] this MPI is not for programs with threads; another build of it is");
  World world;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &world.comm), "joining");
  MPI_Comm_set_errhandler(world.comm, MPI_ERRORS_RETURN);
  MPI_Comm_rank(world.comm, &world.rank);
  MPI_Comm_size(world.comm, &world.size);
  check(expected == 0 || world.size == expected, "[distributed] ", expected,
        " processes were started, but MPI knows of ", world.size,
        ": is the launcher of the same MPI as this program (Open MPI's mpirun, srun --mpi=pmix)?");
  return world;
}

/// All of MPI, its beginning and its end too, is called on the exchanges' thread.
class MpiCommunicator : public HostCommunicator {
 public:
  MpiCommunicator(const World& world, std::unique_ptr<Worker> worker)
      : HostCommunicator(world.rank, world.size, std::move(worker)), comm_(world.comm) {}
  ~MpiCommunicator() override {
    finish([&] {
      MPI_Comm_free(&comm_);
      MPI_Finalize();
    });
  }

 protected:
  void sum(void* values, int64_t count, DType dtype) override {
    const MPI_Datatype type = dtype == DType::f64 ? MPI_DOUBLE : MPI_FLOAT;
    in_parts(values, count, size_of(dtype), [&](void* part, int n, MPI_Request* request) {
      check_mpi(MPI_Iallreduce(MPI_IN_PLACE, part, n, type, MPI_SUM, comm_, request), "summing");
    });
  }

  void broadcast_bytes(void* bytes, int64_t count, int root) override {
    in_parts(bytes, count, 1, [&](void* part, int n, MPI_Request* request) {
      check_mpi(MPI_Ibcast(part, n, MPI_BYTE, root, comm_, request), "broadcasting");
    });
  }

  void tell_abort(const std::string&) override { MPI_Abort(MPI_COMM_WORLD, 1); }

 private:
  /// MPI counts in int.
  template <class Start>
  void in_parts(void* values, int64_t count, int64_t width, const Start& start) {
    constexpr int64_t most = int64_t{1} << 28;
    for (int64_t at = 0; at < count; at += most) {
      MPI_Request request = MPI_REQUEST_NULL;
      start(static_cast<char*>(values) + at * width, static_cast<int>(std::min(most, count - at)), &request);
      wait(request);
    }
  }

  /// Asks again and again, ever more rarely: MPI's own waiting would keep a core busy that computes.
  void wait(MPI_Request request) {
    const auto began = Clock::now();
    for (int done = 0;;) {
      check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "waiting for the other ranks");
      if (done) return;
      if (aborting()) tell_abort("");
      const auto waited = Clock::now() - began;
      if (waited < std::chrono::microseconds(50)) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(std::min<Clock::duration>(waited / 10, std::chrono::milliseconds(1)));
      }
    }
  }

  MPI_Comm comm_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(int expected) {
  auto worker = std::make_unique<Worker>();
  World world;
  worker->start([&] { world = join(expected); }).get();
  return std::make_unique<MpiCommunicator>(world, std::move(worker));
}

}  // namespace lacuna
