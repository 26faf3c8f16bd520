#include "distributed/cuda_communicator.h"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "tensor/stream.h"

namespace lacuna {
namespace {

// Longer than any rank keeps the others waiting, for the first one's validation or checkpoint.
constexpr std::chrono::minutes longest_exchange{10};

void check_nccl(ncclResult_t status, const char* what) {
  check(status == ncclSuccess, "[distributed] NCCL: ", what, ": ", ncclGetErrorString(status));
}

void check_cuda(cudaError_t status) {
  check(status == cudaSuccess, "[distributed] CUDA: ", cudaGetErrorString(status));
}

ncclDataType_t type_of(DType dtype) {
  visit_float(dtype, "distributed", [](auto) {});
  return dtype == DType::f64 ? ncclFloat64 : ncclFloat32;
}

/// What is put on `later` from now on runs after all that is on `earlier`.
void follow(cudaStream_t later, cudaStream_t earlier) {
  cudaEvent_t event{};
  check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  check_cuda(cudaEventRecord(event, earlier));
  check_cuda(cudaStreamWaitEvent(later, event, 0));
  check_cuda(cudaEventDestroy(event));
}

/// NCCL works on a stream of its own: it waits for the device's kernels as they are when an exchange is started, and
/// the kernels that come after the wait for the exchange wait for it in turn.
class CudaCommunicator : public Communicator {
 public:
  CudaCommunicator(std::unique_ptr<Communicator> host, Device device)
      : Communicator(host->rank(), host->size()),
        host_(std::move(host)),
        device_(device),
        kernels_(cuda_stream(device, "distributed").handle) {
    ncclUniqueId id{};
    if (is_first()) check_nccl(ncclGetUniqueId(&id), "choosing a meeting place");
    const std::string known = host_->broadcast(std::string(id.internal, sizeof(id.internal)));
    std::memcpy(id.internal, known.data(), sizeof(id.internal));
    check_cuda(cudaSetDevice(device.index));
    check_nccl(ncclCommInitRank(&comm_, size(), id, rank()), "joining the other GPUs");
    check_cuda(cudaStreamCreateWithFlags(&exchanges_, cudaStreamNonBlocking));
  }
  // Without checks: nobody is left to hear of an error.
  ~CudaCommunicator() override {
    if (comm_ != nullptr) ncclCommDestroy(comm_);
    cudaStreamDestroy(exchanges_);
  }

  using Communicator::broadcast;
  bool speaks() const override { return host_->speaks(); }

  Pending start_all_reduce(std::vector<Tensor> from, std::vector<Tensor> to, Reduction reduction) override {
    if (from.empty() || from[0].device() != device_) {
      return host_->start_all_reduce(std::move(from), std::move(to), reduction);
    }
    check(from.size() == to.size(), "[distributed] an exchange needs as many results as operands, not ", to.size(),
          " for ", from.size());
    follow(exchanges_, kernels_);
    check_nccl(ncclGroupStart(), "summing");
    for (size_t i = 0; i < from.size(); ++i) {
      check(from[i].shape() == to[i].shape() && from[i].dtype() == to[i].dtype() && from[i].device() == device_ &&
                to[i].device() == device_,
            "[distributed] an exchange from ", from[i].shape(), " on ", from[i].device(), " to ", to[i].shape(), " on ",
            to[i].device());
      check_nccl(
          ncclAllReduce(from[i].raw(), to[i].raw(), static_cast<size_t>(from[i].numel()), type_of(from[i].dtype()),
                        reduction == Reduction::mean ? ncclAvg : ncclSum, comm_, exchanges_),
          "summing");
    }
    check_nccl(ncclGroupEnd(), "summing");
    // The operands are held until later kernels have been made to wait: only then may their memory serve others.
    return Pending([this, from, to] { finish(); });
  }

  void broadcast(Tensor values, int root) override {
    if (values.device() != device_) return host_->broadcast(values, root);
    follow(exchanges_, kernels_);
    check_nccl(ncclBroadcast(values.raw(), values.raw(), static_cast<size_t>(values.nbytes()), ncclUint8, root, comm_,
                             exchanges_),
               "broadcasting");
    finish();
  }

  void abort(const std::string& reason) override {
    if (comm_ != nullptr) ncclCommAbort(comm_);
    comm_ = nullptr;
    host_->abort(reason);
  }

 private:
  /// Waits here rather than on the device, which would wait for ever for a rank that is gone.
  void finish() {
    const auto end = std::chrono::steady_clock::now() + longest_exchange;
    cudaError_t status = cudaStreamQuery(exchanges_);
    for (; status == cudaErrorNotReady; status = cudaStreamQuery(exchanges_)) {
      cudaGetLastError();  // forgets that it was not ready
      ncclResult_t failure = ncclSuccess;
      check_nccl(ncclCommGetAsyncError(comm_, &failure), "asking for errors");
      check_nccl(failure, "exchanging");
      check(std::chrono::steady_clock::now() < end, "[distributed] another rank did not answer within ",
            longest_exchange.count(), " minutes");
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    check_cuda(status);
    follow(kernels_, exchanges_);
  }

  std::unique_ptr<Communicator> host_;
  Device device_;
  cudaStream_t kernels_, exchanges_ = nullptr;
  ncclComm_t comm_ = nullptr;
};

}  // namespace

std::unique_ptr<Communicator> make_cuda_communicator(std::unique_ptr<Communicator> host, Device device) {
  check(device.kind == Device::Kind::cuda, "[distributed] NCCL works on CUDA devices, not on ", device);
  return std::make_unique<CudaCommunicator>(std::move(host), device);
}

}  // namespace lacuna
