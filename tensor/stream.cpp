#include "tensor/stream.h"

#include <omp.h>

#include <algorithm>
#include <exception>

namespace lacuna {
namespace {

int chosen_threads = 0;
Precision chosen_precision = Precision::highest;

}  // namespace

void set_num_threads(int threads) {
  check(threads >= 1, "[stream] at least one thread is needed, not ", threads);
  chosen_threads = threads;
}

int num_threads() { return chosen_threads > 0 ? chosen_threads : omp_get_max_threads(); }

void set_precision(Precision precision) { chosen_precision = precision; }

Precision precision() { return chosen_precision; }

void parallel_for(const CpuStream& stream, int64_t n, int64_t grain,
                  const std::function<void(int64_t, int64_t)>& body) {
  const int64_t blocks = (n + grain - 1) / grain;
  const auto run_block = [&](int64_t b) { body(b * grain, std::min(n, (b + 1) * grain)); };
  if (blocks <= 1 || stream.threads == 1 || omp_in_parallel()) {
    for (int64_t b = 0; b < blocks; ++b) run_block(b);
    return;
  }
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic) num_threads(stream.threads)
  for (int64_t b = 0; b < blocks; ++b) {
    try {
      run_block(b);
    } catch (...) {
#pragma omp critical(lacuna_parallel_for)
      error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace lacuna
