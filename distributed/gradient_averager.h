#pragma once

#include <vector>

#include "distributed/communicator.h"

namespace lacuna {

/// Averages one backward pass's gradients over the ranks while that pass still runs: gradients that are known go out in
/// buckets. Which gradient is in which bucket, and the order of the buckets, depend on the parameters alone: the last
/// parameters, whose gradients are known first, come first.
class GradientAverager {
 public:
  /// A bucket is closed when it holds at least `bucket_bytes`. The communicator must outlive this.
  GradientAverager(Communicator& communicator, const std::vector<Tensor>& parameters,
                   int64_t bucket_bytes = int64_t{4} << 20);

  /// The gradient of parameter `index` is known.
  void ready(size_t index, const Tensor& gradient);

  /// The averages, in the parameters' order; once, after ready() for every parameter. One process alone gets back what
  /// it gave.
  std::vector<Tensor> finish();

 private:
  struct Bucket {
    std::vector<size_t> members;
    size_t missing = 0;
    Pending pending;
  };

  Communicator& communicator_;
  std::vector<Tensor> gradients_, averages_;
  std::vector<size_t> bucket_of_;
  std::vector<Bucket> buckets_;
  size_t started_ = 0;  // buckets
};

}  // namespace lacuna
