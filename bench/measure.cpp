#include "bench/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>

#include "tensor/check.h"
#include "tensor/memory.h"
#include "tensor/stream.h"

namespace lacuna::bench {
namespace {

bool resident_is_reset = false;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// VmHWM of /proc/self/status, which is in KiB.
int64_t peak_resident() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace

void Effort::check_stop() const {
  if (stop != nullptr && stop->load()) throw Stopped();
}

double Times::quantile(double q) const {
  check(!runs.empty(), "[bench] there was no run to take a quantile of");
  std::vector<double> sorted = runs;
  std::sort(sorted.begin(), sorted.end());
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

double Times::spread() const { return median() > 0 ? (quantile(0.75) - quantile(0.25)) / median() : 0; }

double seconds_of(const std::function<void()>& run) {
  const double start = now();
  run();
  return now() - start;
}

double best_rate(double amount, const std::function<void()>& run, double seconds, const Effort& effort) {
  double best = 0, spent = 0;
  while (spent < seconds) {
    effort.check_stop();
    const double time = seconds_of(run);
    spent += time;
    best = std::max(best, amount / time);
  }
  return best;
}

Times measure(const std::function<void()>& run, const Effort& effort) {
  const auto whole_run = [&] {
    run();
    synchronize(effort.device);
  };
  effort.check_stop();
  whole_run();
  Times times;
  const double start = now();
  const auto enough = [&] {
    const auto count = static_cast<int64_t>(times.runs.size());
    return effort.repeat > 0 ? count >= effort.repeat : count >= effort.least && now() - start >= effort.seconds;
  };
  do {
    effort.check_stop();
    times.runs.push_back(seconds_of(whole_run));
  } while (!enough());
  return times;
}

void reset_peaks(Device device) {
  release_cached_memory();
  reset_peak_memory(device);
  std::ofstream clear("/proc/self/clear_refs");
  constexpr int peak_of_resident_memory = 5;
  clear << peak_of_resident_memory << std::flush;
  resident_is_reset = clear.good();
}

Memory peaks(Device device) { return {memory_stats(device).peak, peak_resident(), resident_is_reset}; }

}  // namespace lacuna::bench
