#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

enum class Reduction : uint8_t { sum, mean };

/// An exchange under way.
class Pending {
 public:
  /// One that is done already.
  Pending() = default;
  explicit Pending(std::function<void()> wait) : wait_(std::move(wait)) {}

  /// Returns once the results can be read; throws Error if the exchange failed. Dropped instead, the exchange still
  /// takes place.
  void wait() {
    if (const auto wait = std::exchange(wait_, nullptr)) wait();
  }

 private:
  std::function<void()> wait_;
};

/// What the processes that train one network together, the ranks 0 to size-1, exchange. Every rank makes the same calls
/// in the same order, each from one thread; a call ends when all ranks have made it. Errors are SharedErrors
/// (distributed/together.h) or Errors of this rank alone; after one, the communicator is good for abort() only.
class Communicator {
 public:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Whether this is the rank that writes files and talks to the user.
  bool is_first() const { return rank_ == 0; }
  /// Whether an error that all ranks hear of is to be shown by this one: one rank on each terminal.
  virtual bool speaks() const { return is_first(); }

  /// Starts to[i] := the sum or mean over the ranks of from[i], f32 or f64, as one exchange. `from` must not change and
  /// `to` must not be read before the wait; a tensor may be in both. The sums are taken in an order that depends on the
  /// shapes and the number of ranks alone, and all ranks get the same bits.
  virtual Pending start_all_reduce(std::vector<Tensor> from, std::vector<Tensor> to, Reduction reduction) = 0;
  /// values := those of rank `root`, of any type.
  virtual void broadcast(Tensor values, int root = 0) = 0;
  /// Ends all ranks, with the reason that this one has; over MPI it does not return.
  virtual void abort(const std::string& reason) = 0;

  void all_reduce(const Tensor& values, Reduction reduction) { start_all_reduce({values}, {values}, reduction).wait(); }
  /// The numbers of all ranks, in their order.
  std::vector<double> all_gather(double value);
  /// The bytes of all ranks, in their order; as many from each.
  std::vector<std::string> all_gather(const std::string& bytes);
  /// Whether any rank says so.
  bool any(bool here);
  /// Returns when all ranks have come here.
  void barrier() { any(false); }
  /// The text that rank `root` has.
  std::string broadcast(const std::string& text, int root = 0);

 private:
  int rank_, size_;
};

/// The communicator of a process on its own.
std::unique_ptr<Communicator> make_single_process();
/// One of them.
Communicator& single_process();

}  // namespace lacuna
