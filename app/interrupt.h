#pragma once

#include <atomic>

namespace lacuna {

/// While one is alive, Ctrl-C (SIGINT), SIGTERM and SIGUSR1 (which mpirun passes on, and batch systems can send before
/// a job's time is over) ask for an end after the work at hand instead of ending the program; a second one ends it at
/// once. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const std::atomic<bool>& requested() const;
};

}  // namespace lacuna
