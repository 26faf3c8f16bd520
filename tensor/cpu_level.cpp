#include "tensor/cpu_level.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "tensor/check.h"

namespace lacuna {
namespace {

constexpr const char* names[] = {"portable", "avx2", "avx512", "avx512_bf16", "amx"};

#ifdef __x86_64__
/// Whether Linux lets this process use the tile registers: their state is large, so it has to be asked for.
bool tiles_permitted() {
  constexpr long request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool has_amx() {
  constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return (d & amx_bf16) && (d & amx_tile) && tiles_permitted();
}
#endif

CpuLevel supported_level() {
#ifdef __x86_64__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CpuLevel::portable;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl")) {
    return CpuLevel::avx2;
  }
  if (!__builtin_cpu_supports("avx512bf16")) return CpuLevel::avx512;
  return has_amx() ? CpuLevel::amx : CpuLevel::avx512_bf16;
#else
  return CpuLevel::portable;
#endif
}

CpuLevel chosen_level() {
  const CpuLevel best = supported_level();
  const char* cap = std::getenv("LACUNA_CPU");
  if (!cap || !*cap) return best;
  const auto* found = std::find(std::begin(names), std::end(names), std::string_view(cap));
  check(found != std::end(names), "[cpu] LACUNA_CPU is one of portable, avx2, avx512, avx512_bf16, amx, not ", cap);
  const CpuLevel wanted = static_cast<CpuLevel>(found - names);
  check(wanted <= best, "[cpu] LACUNA_CPU=", cap, " asks for instructions that this CPU lacks");
  return wanted;
}

}  // namespace

const char* name_of(CpuLevel level) { return names[static_cast<int>(level)]; }

CpuLevel cpu_level() {
  static const CpuLevel level = chosen_level();
  return level;
}

}  // namespace lacuna
