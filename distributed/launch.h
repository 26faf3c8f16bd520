#pragma once

#include <functional>
#include <memory>
#include <string>

#include "distributed/communicator.h"

namespace lacuna {

/// How this process was started as one of several, as its environment tells.
struct Launch {
  bool by_mpi = false;  ///< by a launcher that MPI can ask for the others
  int rank = 0;
  int size = 1;         ///< 0: not told, MPI knows
  int local_rank = 0;   ///< among the ranks on this host
  std::string address;  ///< of rank 0's host, for TCP; may be empty
  int port = 0;
};

/// The value of an environment variable; null where it is not set.
using Environment = std::function<const char*(const char* name)>;

/// The first of these that is there says rank, size and local rank:
///   OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK (Open MPI's mpirun), PMI_RANK, PMI_SIZE, MPI_LOCALRANKID (MPICH, Intel),
///   PMIX_RANK, SLURM_STEP_NUM_TASKS, SLURM_LOCALID (srun --mpi=pmix), RANK, WORLD_SIZE, LOCAL_RANK (torchrun),
///   SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID (srun).
/// MASTER_ADDR and MASTER_PORT say where rank 0 listens; torchrun listens at that port itself, the ranks then use the
/// one above it. Throws Error for values that are no numbers or contradict each other.
Launch read_launch(const Environment& variable);

/// The communicator of the ranks that this process was started with: by MPI, or by TCP where no MPI launcher started it
/// or this program was built without MPI; by NCCL besides for tensors on `device`, if that is a CUDA device. One of
/// size 1 where the process is alone. Once in a process. Throws Error in one line where the others cannot be joined.
std::unique_ptr<Communicator> make_communicator(Device device = {});

}  // namespace lacuna
