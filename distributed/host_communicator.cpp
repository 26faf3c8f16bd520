#include "distributed/host_communicator.h"

#include <cstring>

namespace lacuna {
namespace {

void check_pair(const Tensor& from, const Tensor& to, DType dtype) {
  check(from.device() == Device{} && to.device() == Device{},
        "[distributed] this communicator works on host memory, not ", from.device());
  check(from.shape() == to.shape() && from.dtype() == dtype && to.dtype() == dtype,
        "[distributed] one exchange is of one type, from and to tensors of the same shapes, not ", from.shape(), " ",
        name_of(from.dtype()), " and ", to.shape(), " ", name_of(to.dtype()));
}

}  // namespace

Pending HostCommunicator::start_all_reduce(std::vector<Tensor> from, std::vector<Tensor> to, Reduction reduction) {
  check(!from.empty() && from.size() == to.size(), "[distributed] an exchange needs as many results as operands, not ",
        to.size(), " for ", from.size());
  const DType dtype = from[0].dtype();
  int64_t count = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    check_pair(from[i], to[i], dtype);
    count += from[i].numel();
  }
  visit_float(dtype, "distributed", [](auto) {});
  const auto job = [this, from, to, count, dtype, reduction]() mutable {
    Tensor flat({count}, dtype);
    auto* bytes = static_cast<char*>(flat.raw());
    for (const Tensor& tensor : from) {
      std::memcpy(bytes, tensor.raw(), static_cast<size_t>(tensor.nbytes()));
      bytes += tensor.nbytes();
    }
    sum(flat.raw(), count, dtype);
    if (reduction == Reduction::mean) {
      visit_float(dtype, "distributed", [&]<class T>(T) {
        T* values = flat.data<T>();
        const T ranks = static_cast<T>(size());
        for (int64_t i = 0; i < count; ++i) values[i] /= ranks;
      });
    }
    bytes = static_cast<char*>(flat.raw());
    for (Tensor& tensor : to) {
      std::memcpy(tensor.raw(), bytes, static_cast<size_t>(tensor.nbytes()));
      bytes += tensor.nbytes();
    }
  };
  const auto done = std::make_shared<std::future<void>>(worker_->start(job));
  return Pending([done] { done->get(); });
}

void HostCommunicator::broadcast(Tensor values, int root) {
  check(values.device() == Device{}, "[distributed] this communicator works on host memory, not ", values.device());
  check(root >= 0 && root < size(), "[distributed] there is no rank ", root, " among ", size());
  worker_->start([&] { broadcast_bytes(values.raw(), values.nbytes(), root); }).get();
}

void HostCommunicator::abort(const std::string& reason) {
  aborting_ = true;
  worker_->start([&] { tell_abort(reason); }).get();
}

void HostCommunicator::finish(const std::function<void()>& last) {
  worker_->start(last).wait();
  worker_.reset();
}

}  // namespace lacuna
