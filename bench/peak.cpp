#include "bench/peak.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>
#include <string>

#include "bench/peak_kernels.h"
#include "tensor/cpu_level.h"
#include "tensor/memory.h"

namespace lacuna::bench {
namespace {

double best_flops(PeakKernel kernel, int threads, double seconds, const Effort& effort) {
  // Rounds that last long beside the start of threads, but not long enough for others to come in between.
  constexpr double long_enough = 0.002;
  int64_t rounds = 1 << 10;
  while (seconds_of([&] { kernel(rounds); }) < std::min(long_enough, seconds / 4)) rounds *= 2;
  const double flops = kernel(1) * static_cast<double>(rounds) * threads;
  const auto on_all_threads = [&] {
    parallel_for(CpuStream{threads}, threads, 1, [&](int64_t, int64_t) { kernel(rounds); });
  };
  return best_rate(flops, on_all_threads, seconds, effort);
}

/// All third-level caches of the machine, in bytes, by Linux's account; 0 where it gives none. (sysconf knows the
/// processor's, even where a virtual machine has a share of it.)
int64_t last_level_caches() {
  std::set<std::string> seen;
  int64_t bytes = 0;
  for (int cpu = 0;; ++cpu) {
    const std::string cache = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/";
    std::ifstream size(cache + "size"), sharers(cache + "shared_cpu_list");
    int64_t kib = 0;
    std::string cpus;
    if (!(size >> kib) || !(sharers >> cpus)) return bytes;
    if (seen.insert(cpus).second) bytes += kib << 10;
  }
}

/// Several times the caches, as far as an eighth of the memory allows.
int64_t copied_bytes() {
  const int64_t memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
  return std::min(memory / 8, std::clamp<int64_t>(4 * last_level_caches(), int64_t{128} << 20, int64_t{1} << 30));
}

double best_copy(int threads, double seconds, const Effort& effort) {
  const int64_t bytes = copied_bytes();
  const auto from = allocate(bytes, {}), to = allocate(bytes, {});
  std::memset(from.get(), 1, static_cast<size_t>(bytes));
  std::memset(to.get(), 2, static_cast<size_t>(bytes));
  const auto copy = [&] {
    parallel_for(CpuStream{threads}, bytes, 1 << 22, [&](int64_t begin, int64_t end) {
      std::memcpy(static_cast<char*>(to.get()) + begin, static_cast<char*>(from.get()) + begin,
                  static_cast<size_t>(end - begin));
    });
  };
  return best_rate(2 * static_cast<double>(bytes), copy, seconds, effort);
}

}  // namespace

double Peak::rate(Precision precision) const {
  const double bf16 = std::max(bf16_pairs, bf16_tiles);
  switch (precision) {
    case Precision::highest:
      return f32;
    case Precision::high:
      return std::max(f32, bf16 / 3);
    case Precision::medium:
      break;
  }
  return std::max(f32, bf16);
}

Peak measure_peak(int threads, double seconds, const Effort& effort) {
  Peak peak{.threads = threads};
  PeakKernel f32 = peak_f32_portable;
#ifdef __x86_64__
  const CpuLevel level = cpu_level();
  if (level >= CpuLevel::avx2) f32 = peak_f32_avx2;
  if (level >= CpuLevel::avx512) f32 = peak_f32_avx512;
  if (level >= CpuLevel::avx512_bf16) peak.bf16_pairs = best_flops(peak_bf16_pairs, threads, seconds, effort);
  if (level >= CpuLevel::amx) peak.bf16_tiles = best_flops(peak_bf16_tiles, threads, seconds, effort);
#endif
  peak.f32 = best_flops(f32, threads, seconds, effort);
  peak.copy = best_copy(threads, seconds, effort);
  return peak;
}

Roofline roofline(double flops, double bytes, const Peak& peak, Precision precision) {
  const double computing = flops / peak.rate(precision), moving = bytes / peak.copy;
  return {std::max(computing, moving), moving > computing};
}

}  // namespace lacuna::bench
