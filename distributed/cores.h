#pragma once

#include <set>
#include <vector>

#include "distributed/communicator.h"

namespace lacuna {

/// The threads that rank `mine` of those on one host should use, of the cores that each may run on: every core is
/// shared evenly by the ranks that may run on it. At least 1.
int share_of_cores(const std::vector<std::set<int>>& allowed, size_t mine);

struct CoreShare {
  int threads = 1;        ///< for this rank
  int ranks_here = 1;     ///< on this host
  int cores_used = 1;     ///< that the ranks on this host may run on, together
  int cores_at_hand = 1;  ///< that the process that started this one may run on
};

/// Asks all ranks on which host and which cores they are. Every rank must call it.
CoreShare core_share(Communicator& communicator);

}  // namespace lacuna
