#pragma once

#include <atomic>
#include <memory>

#include "distributed/communicator.h"
#include "distributed/worker.h"

namespace lacuna {

/// A communicator for tensors in host memory, by a thread of its own, so that exchanges go on while the caller
/// computes. What follows from a transport is left to the derived class, which must call finish() in its destructor.
class HostCommunicator : public Communicator {
 public:
  using Communicator::broadcast;
  HostCommunicator(int rank, int size, std::unique_ptr<Worker> worker)
      : Communicator(rank, size), worker_(std::move(worker)) {}

  Pending start_all_reduce(std::vector<Tensor> from, std::vector<Tensor> to, Reduction reduction) override;
  void broadcast(Tensor values, int root) override;
  void abort(const std::string& reason) override;

 protected:
  /// Both run on the thread of the exchanges.
  virtual void sum(void* values, int64_t count, DType dtype) = 0;
  virtual void broadcast_bytes(void* bytes, int64_t count, int root) = 0;
  /// Tells the other ranks, on that same thread.
  virtual void tell_abort(const std::string& reason) = 0;

  /// Set once abort() has been called: an exchange that waits should give up.
  const std::atomic<bool>& aborting() const { return aborting_; }
  /// Does `last` on the exchanges' thread once all is done there, then ends it.
  void finish(const std::function<void()>& last);

 private:
  std::atomic<bool> aborting_{false};
  std::unique_ptr<Worker> worker_;
};

}  // namespace lacuna
