#include "tensor/cuda.h"
#include "tensor/memory.h"
#include "tensor/memory_cuda.h"
#include "tensor/plan.h"

namespace lacuna {
namespace {

/// Ends a recording that came to nothing.
class AbandonRecording {
 public:
  explicit AbandonRecording(cudaStream_t stream) : stream_(stream) {}
  ~AbandonRecording() {
    if (!stream_) return;
    cudaGraph_t graph = nullptr;
    if (cudaStreamEndCapture(stream_, &graph) == cudaSuccess && graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // that the recording was broken off is known
  }
  void finished() { stream_ = nullptr; }
  AbandonRecording(const AbandonRecording&) = delete;
  AbandonRecording& operator=(const AbandonRecording&) = delete;

 private:
  cudaStream_t stream_;
};

}  // namespace

PlanMemory::PlanMemory(Device device) : device_(device) {
  check(device.kind == Device::Kind::cuda, "[plan] plans are for CUDA devices, not for ", device);
  pool_ = cuda::make_pool(device.index);
}

struct Plan::Recorded {
  std::shared_ptr<PlanMemory> memory;
  std::vector<Tensor> inputs, outputs;
  cudaStream_t stream = nullptr;
  cudaGraphExec_t graph = nullptr;

  // Unchecked: after a kernel's fault every call fails.
  ~Recorded() {
    if (!graph) return;
    cudaStreamSynchronize(stream);
    cudaGraphExecDestroy(graph);
  }
};

Plan::Plan(const Function& function, const std::vector<Tensor>& inputs, const std::shared_ptr<PlanMemory>& memory)
    : recorded_(std::make_unique<Recorded>()) {
  const Device device = memory->device();
  const cudaStream_t stream = cuda_stream(device, "plan").handle;
  recorded_->memory = memory;
  recorded_->stream = stream;
  const cuda::UsePool use(memory->pool());
  for (const Tensor& input : inputs) {
    Tensor own(input.shape(), input.dtype(), device);
    copy_memory(own.raw(), device, input.raw(), input.device(), input.nbytes());
    recorded_->inputs.push_back(own);
  }
  function(recorded_->inputs);

  // Relaxed: the pool may ask the system for memory meanwhile.
  check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "plan");
  AbandonRecording guard(stream);
  cudaGraph_t graph = nullptr;
  {
    const cuda::Recording recording;
    recorded_->outputs = function(recorded_->inputs);
  }
  guard.finished();
  check_cuda(cudaStreamEndCapture(stream, &graph), "plan");
  const cudaError_t status = cudaGraphInstantiate(&recorded_->graph, graph, 0);
  cudaGraphDestroy(graph);
  check_cuda(status, "plan");
}

Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

bool Plan::fits(const std::vector<Tensor>& inputs) const {
  const std::vector<Tensor>& own = recorded_->inputs;
  bool fits = inputs.size() == own.size();
  for (size_t i = 0; fits && i < own.size(); ++i) {
    fits = inputs[i].shape() == own[i].shape() && inputs[i].dtype() == own[i].dtype();
  }
  return fits;
}

const std::vector<Tensor>& Plan::operator()(const std::vector<Tensor>& inputs) {
  check(fits(inputs), "[plan] it was recorded for inputs of other shapes or types");
  const Device device = recorded_->memory->device();
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor& own = recorded_->inputs[i];
    if (own.raw() == inputs[i].raw()) continue;
    copy_memory(own.raw(), device, inputs[i].raw(), inputs[i].device(), own.nbytes());
  }
  check_cuda(cudaGraphLaunch(recorded_->graph, cuda_stream(device, "plan").handle), "plan");
  return recorded_->outputs;
}

}  // namespace lacuna
