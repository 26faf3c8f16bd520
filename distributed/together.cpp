#include "distributed/together.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace lacuna {
namespace {

/// A number that tells different contents apart: FNV-1a, by words instead of bytes.
uint64_t digest(const Tensor& anywhere) {
  const Tensor tensor = anywhere.to(Device{});
  const auto* bytes = static_cast<const unsigned char*>(tensor.raw());
  const size_t size = static_cast<size_t>(tensor.nbytes());
  uint64_t hash = 14695981039346656037u;
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min(sizeof(word), size - at));
    hash = (hash ^ word) * 1099511628211u;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

void together(Communicator& communicator, const std::function<void()>& f) {
  if (communicator.size() == 1) return f();
  std::string complaint;
  try {
    f();
  } catch (const std::bad_alloc&) {
    complaint = "out of memory";
  } catch (const std::exception& error) {
    complaint = error.what();
  }
  const std::vector<double> failed = communicator.all_gather(complaint.empty() ? 0 : 1);
  const auto first = std::find(failed.begin(), failed.end(), 1);
  if (first == failed.end()) return;
  const int rank = static_cast<int>(first - failed.begin());
  const std::string reason = communicator.broadcast(complaint, rank);
  throw SharedError(rank == 0 ? reason : "rank " + std::to_string(rank) + ": " + reason, communicator.speaks());
}

void check_same(Communicator& communicator, const std::vector<std::pair<std::string, Tensor>>& tensors) {
  if (communicator.size() == 1) return;
  std::string digests;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t one = digest(tensor);
    digests.append(reinterpret_cast<const char*>(&one), sizeof(one));
  }
  const std::string expected = communicator.broadcast(digests);
  together(communicator, [&] {
    check(digests.size() == expected.size(), "[distributed] ", tensors.size(), " tensors here, ",
          expected.size() / sizeof(uint64_t), " on rank 0");
    for (size_t i = 0; i < tensors.size(); ++i) {
      const bool same = digests.compare(i * sizeof(uint64_t), sizeof(uint64_t), expected, i * sizeof(uint64_t),
                                        sizeof(uint64_t)) == 0;
      check(same, "[distributed] ", tensors[i].first,
            " is not what rank 0 has; are the programs and the machines' arithmetic the same?");
    }
  });
}

}  // namespace lacuna
