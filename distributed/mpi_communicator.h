#pragma once

#include <memory>

#include "distributed/communicator.h"

namespace lacuna {

/// Joins the processes that mpirun (or another launcher of MPI) started; once in a process. `expected` is how many the
/// launcher speaks of, 0 if it does not say: Error if MPI knows of another number. There only where MPI was found when
/// the program was built (LACUNA_MPI).
std::unique_ptr<Communicator> make_mpi_communicator(int expected);

}  // namespace lacuna
