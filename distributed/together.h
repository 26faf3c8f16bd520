#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "distributed/communicator.h"

namespace lacuna {

/// An error that all ranks throw, or were told of by the one that failed.
class SharedError : public Error {
 public:
  SharedError(const std::string& what, bool shown) : Error(what), shown_(shown) {}

  /// Whether it is for this rank to show it.
  bool shown() const { return shown_; }

 private:
  bool shown_;
};

/// check() of a condition that is the same on all ranks.
template <class... Parts>
void check_shared(const Communicator& communicator, bool condition, const Parts&... parts) {
  try {
    check(condition, parts...);
  } catch (const Error& error) {
    throw SharedError(error.what(), communicator.speaks());
  }
}

/// Calls f on every rank. Where it throws on some, all throw a SharedError of what the lowest of them complained about;
/// f must not exchange anything.
void together(Communicator& communicator, const std::function<void()>& f);

/// Throws a SharedError that names the first tensor whose bits are not those of rank 0, and the rank.
void check_same(Communicator& communicator, const std::vector<std::pair<std::string, Tensor>>& tensors);

}  // namespace lacuna
