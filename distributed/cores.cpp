#include "distributed/cores.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace lacuna {
namespace {

/// What tells hosts, and containers with cores of their own, apart.
std::string host() {
  char name[256] = "";
  ::gethostname(name, sizeof(name) - 1);
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return boot + name;
}

struct Rank {
  char host[320] = "";
  cpu_set_t cores;
};

std::set<int> cores_of(const cpu_set_t& set) {
  std::set<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.insert(core);
  }
  return cores;
}

/// The cores that a process may run on; none if the system does not say.
cpu_set_t allowed_to(pid_t process) {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(process, sizeof(set), &set);
  return set;
}

}  // namespace

int share_of_cores(const std::vector<std::set<int>>& allowed, size_t mine) {
  double share = 0;
  for (const int core : allowed[mine]) {
    share += 1.0 / static_cast<double>(std::count_if(allowed.begin(), allowed.end(),
                                                     [&](const std::set<int>& other) { return other.contains(core); }));
  }
  return std::max(1, static_cast<int>(share + 1e-6));
}

CoreShare core_share(Communicator& communicator) {
  Rank here;
  host().copy(here.host, sizeof(here.host) - 1);
  here.cores = allowed_to(0);
  std::vector<std::set<int>> allowed;
  std::set<int> together;
  size_t mine = 0;
  int number = 0;
  for (const std::string& bytes : communicator.all_gather(std::string(reinterpret_cast<char*>(&here), sizeof(here)))) {
    Rank rank;
    std::memcpy(&rank, bytes.data(), sizeof(rank));
    if (std::strcmp(rank.host, here.host) == 0) {
      if (number == communicator.rank()) mine = allowed.size();
      allowed.push_back(cores_of(rank.cores));
      together.insert(allowed.back().begin(), allowed.back().end());
    }
    ++number;
  }
  CoreShare result;
  result.threads = share_of_cores(allowed, mine);
  result.ranks_here = static_cast<int>(allowed.size());
  result.cores_used = static_cast<int>(together.size());
  result.cores_at_hand = std::max(result.cores_used, static_cast<int>(cores_of(allowed_to(::getppid())).size()));
  return result;
}

}  // namespace lacuna
