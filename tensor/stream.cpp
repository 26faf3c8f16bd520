#include "tensor/stream.h"

#include <omp.h>

#include <algorithm>
#include <exception>

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

namespace lacuna {
namespace {

int chosen_threads = 0;
Precision chosen_precision = Precision::highest;

// The bits that make zeros of subnormal results and, where there is a bit for that, operands.
#if defined(__SSE2__)
constexpr uint64_t flush_bits = 0x8040;
uint64_t control_register() { return _mm_getcsr(); }
void set_control_register(uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
constexpr uint64_t flush_bits = uint64_t{1} << 24;
uint64_t control_register() {
  uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control_register(uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value)); }
#else
constexpr uint64_t flush_bits = 0;
uint64_t control_register() { return 0; }
void set_control_register(uint64_t) {}
#endif

}  // namespace

namespace detail {

FlushSubnormals::FlushSubnormals() : outer_(control_register()) { set_control_register(outer_ | flush_bits); }

FlushSubnormals::~FlushSubnormals() { set_control_register(outer_); }

}  // namespace detail

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
  const detail::FlushSubnormals here;
  const auto run_block = [&](int64_t b) { body(b * grain, std::min(n, (b + 1) * grain)); };
  if (blocks <= 1 || stream.threads == 1 || omp_in_parallel()) {
    for (int64_t b = 0; b < blocks; ++b) run_block(b);
    return;
  }
  std::exception_ptr error;
#pragma omp parallel num_threads(stream.threads)
  {
    const detail::FlushSubnormals in_each_thread;
#pragma omp for schedule(dynamic)
    for (int64_t b = 0; b < blocks; ++b) {
      try {
        run_block(b);
      } catch (...) {
#pragma omp critical(lacuna_parallel_for)
        error = std::current_exception();
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace lacuna
