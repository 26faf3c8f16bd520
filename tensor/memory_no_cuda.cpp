#ifndef LACUNA_CUDA

#include "tensor/memory_cuda.h"
#include "tensor/plan.h"
#include "tensor/stream.h"

namespace lacuna {
namespace {

[[noreturn]] void fail_without_cuda() { fail("[cuda] this program was built without CUDA (cmake -DLACUNA_CUDA=ON)"); }

}  // namespace

int cuda_device_count() { return 0; }
CudaTraits cuda_traits(int) { fail_without_cuda(); }
std::string detail::cuda_status() { fail_without_cuda(); }
CudaStream cuda_stream(Device, const char*) { fail_without_cuda(); }
void synchronize(Device device) {
  if (device.kind == Device::Kind::cuda) fail_without_cuda();
}

namespace cuda {
std::shared_ptr<void> allocate(int64_t, int, bool) { fail_without_cuda(); }
void copy(void*, Device, const void*, Device, int64_t) { fail_without_cuda(); }
void zero(void*, Device, int64_t) { fail_without_cuda(); }
MemoryStats memory_stats(int) { fail_without_cuda(); }
void reset_peak_memory(int) { fail_without_cuda(); }
void release_cached_memory() {}
}  // namespace cuda

struct Plan::Recorded {};
PlanMemory::PlanMemory(Device) { fail_without_cuda(); }
Plan::Plan(const Function&, const std::vector<Tensor>&, const std::shared_ptr<PlanMemory>&) { fail_without_cuda(); }
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
bool Plan::fits(const std::vector<Tensor>&) const { fail_without_cuda(); }
const std::vector<Tensor>& Plan::operator()(const std::vector<Tensor>&) { fail_without_cuda(); }

}  // namespace lacuna

#endif
