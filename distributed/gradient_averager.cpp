#include "distributed/gradient_averager.h"

namespace lacuna {

GradientAverager::GradientAverager(Communicator& communicator, const std::vector<Tensor>& parameters,
                                   int64_t bucket_bytes)
    : communicator_(communicator),
      gradients_(parameters.size()),
      averages_(parameters.size()),
      bucket_of_(parameters.size()) {
  int64_t bytes = bucket_bytes;
  DType dtype{};
  for (size_t i = parameters.size(); i-- > 0;) {
    if (bytes >= bucket_bytes || parameters[i].dtype() != dtype) {
      buckets_.emplace_back();
      bytes = 0;
      dtype = parameters[i].dtype();
    }
    buckets_.back().members.push_back(i);
    ++buckets_.back().missing;
    bucket_of_[i] = buckets_.size() - 1;
    bytes += parameters[i].nbytes();
  }
}

void GradientAverager::ready(size_t index, const Tensor& gradient) {
  check(index < gradients_.size() && !gradients_[index].defined(), "[distributed] gradient ", index, " of ",
        gradients_.size(), " is not one that is waited for");
  gradients_[index] = gradient;
  --buckets_[bucket_of_[index]].missing;
  if (communicator_.size() == 1) return;
  // In order, so that all ranks start the same exchanges.
  for (; started_ < buckets_.size() && buckets_[started_].missing == 0; ++started_) {
    std::vector<Tensor> from, to;
    for (const size_t i : buckets_[started_].members) {
      from.push_back(gradients_[i]);
      to.push_back(averages_[i] = empty_like(gradients_[i]));
    }
    buckets_[started_].pending = communicator_.start_all_reduce(from, to, Reduction::mean);
  }
}

std::vector<Tensor> GradientAverager::finish() {
  for (const Bucket& bucket : buckets_) check(bucket.missing == 0, "[distributed] not all gradients are known");
  if (communicator_.size() == 1) return gradients_;
  for (Bucket& bucket : buckets_) bucket.pending.wait();
  return averages_;
}

}  // namespace lacuna
