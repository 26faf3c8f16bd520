#include "distributed/launch.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "distributed/tcp_communicator.h"
#ifdef LACUNA_MPI
#include "distributed/mpi_communicator.h"
#endif
#ifdef LACUNA_NCCL
#include "distributed/cuda_communicator.h"
#endif

namespace lacuna {
namespace {

/// The variables of one kind of launcher.
struct Names {
  const char *rank, *size, *local_rank;
  bool by_mpi;
};

constexpr Names launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", true},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", true},
    {"PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", true},
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", false},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", false},
};

std::optional<int> number(const Environment& variable, const char* name) {
  const char* text = variable(name);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto read = std::from_chars(text, end, value);
  check(read.ec == std::errc() && read.ptr == end && value >= 0, "[distributed] the environment variable ", name,
        " must be a whole number, not '", text, "'");
  return value;
}

std::unique_ptr<Communicator> by_tcp(const Launch& launch) {
  TcpOptions options;
  options.rank = launch.rank;
  options.size = launch.size;
  options.address = launch.address;
  options.port = launch.port;
  options.speaks = launch.local_rank == 0;
  return make_tcp_communicator(options);
}

/// Over the host's memory.
std::unique_ptr<Communicator> join(const Launch& launch) {
#ifdef LACUNA_MPI
  if (launch.by_mpi) return make_mpi_communicator(launch.size);
#endif
  const bool has_place = !launch.address.empty() && launch.port > 0;
  if (launch.by_mpi) {
    check(
        has_place && launch.size > 0, "[distributed] this is rank ", launch.rank,
        " of several that an MPI launcher started, but this program was built without MPI: install libopenmpi-dev and "
        "build again, or set MASTER_ADDR and MASTER_PORT for TCP");
  }
  check(has_place, "[distributed] this is rank ", launch.rank, " of ", launch.size,
        ", but MASTER_ADDR and MASTER_PORT, which say where rank 0 is, are not set");
  return by_tcp(launch);
}

}  // namespace

Launch read_launch(const Environment& variable) {
  Launch launch;
  for (const Names& names : launchers) {
    const auto rank = number(variable, names.rank);
    const auto size = number(variable, names.size);
    // Slurm says how many tasks a step has to programs that it did not start as one of them, too.
    const bool of_slurm = std::strncmp(names.size, "SLURM", 5) == 0;
    if (!rank && (!size || of_slurm)) continue;
    check(rank && (size || names.by_mpi || of_slurm), "[distributed] of the environment variables ", names.rank,
          " and ", names.size, " only one is set");
    if (!size && of_slurm && !names.by_mpi) continue;
    launch.by_mpi = names.by_mpi;
    launch.rank = *rank;
    launch.size = size.value_or(0);
    // Slurm sets MPICH's variables except that one.
    const auto local_rank = number(variable, names.local_rank);
    launch.local_rank = local_rank ? *local_rank : number(variable, "SLURM_LOCALID").value_or(0);
    check(!size || *rank < *size, "[distributed] ", names.rank, " is ", *rank, ", but ", names.size, " is ", *size);
    break;
  }
  if (launch.size == 1) return launch;
  if (const char* address = variable("MASTER_ADDR")) launch.address = address;
  launch.port = number(variable, "MASTER_PORT").value_or(0);
  const char* occupied = variable("TORCHELASTIC_USE_AGENT_STORE");
  if (launch.port > 0 && occupied != nullptr && std::strcmp(occupied, "True") == 0) ++launch.port;
  check(launch.port < 65536, "[distributed] MASTER_PORT ", launch.port, " is no port");
  return launch;
}

std::unique_ptr<Communicator> make_communicator(Device device) {
  const Launch launch = read_launch([](const char* name) { return static_cast<const char*>(std::getenv(name)); });
  if (launch.size == 1) return make_single_process();
  std::unique_ptr<Communicator> host = join(launch);
  if (device.kind == Device::Kind::cpu || host->size() == 1) return host;
#ifdef LACUNA_NCCL
  return make_cuda_communicator(std::move(host), device);
#else
  fail(
      "[distributed] this program was built without NCCL, by which several GPUs train together: install it beside the "
      "CUDA Toolkit and build again");
#endif
}

}  // namespace lacuna
