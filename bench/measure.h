#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <vector>

#include "tensor/device.h"

/// Measurements of Lacuna's speed and memory on the machine at hand: what `lacuna bench` shows.
namespace lacuna::bench {

/// Thrown where a measurement finds that it has been asked to stop.
class Stopped : public std::exception {
 public:
  const char* what() const noexcept override { return "stopped"; }
};

/// How long and how often.
struct Effort {
  double seconds = 1;  ///< runs go on until this much time is over, but there are at least `least`
  int64_t least = 3;
  int64_t repeat = 0;                       ///< exactly so many runs instead; 0: by time
  const std::atomic<bool>* stop = nullptr;  ///< asked between runs
  Device device = {};                       ///< whose work is waited for before the clock is read

  /// Throws Stopped if so asked.
  void check_stop() const;
};

/// Wall times of the runs, in seconds, in the order in which they were made.
struct Times {
  std::vector<double> runs;

  /// The q-quantile (0: the shortest, 0.5: the median, 1: the longest), linear between neighbours.
  double quantile(double q) const;
  double median() const { return quantile(0.5); }
  double least() const { return quantile(0); }
  /// The distance of the quartiles relative to the median.
  double spread() const;
};

/// The wall time of one call.
double seconds_of(const std::function<void()>& run);
/// The best of `amount / time of a call` in calls that take `seconds` altogether.
double best_rate(double amount, const std::function<void()>& run, double seconds, const Effort& effort);
/// Calls `run` once unmeasured, then as often as said.
Times measure(const std::function<void()>& run, const Effort& effort);

/// The most memory that something took, in bytes.
struct Memory {
  int64_t blocks = 0;    ///< in tensors and kernels' work space, as tensor/memory.h counts
  int64_t resident = 0;  ///< of the whole process, by the system's count; 0 where it does not tell
  /// Whether `resident` is the peak since reset_peaks(); else it is the peak since the program's start.
  bool resident_since_reset = false;
};
/// What was cached is given back and the peaks begin anew.
void reset_peaks(Device device = {});
/// The blocks are the device's.
Memory peaks(Device device = {});

}  // namespace lacuna::bench
