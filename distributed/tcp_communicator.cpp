#include "distributed/tcp_communicator.h"

#include <algorithm>
#include <vector>

#include "distributed/host_communicator.h"
#include "distributed/ring.h"

namespace lacuna {
namespace {

class TcpCommunicator : public HostCommunicator {
 public:
  explicit TcpCommunicator(const TcpOptions& options)
      : HostCommunicator(options.rank, options.size, std::make_unique<Worker>()),
        ring_(options),
        speaks_(options.speaks) {}
  ~TcpCommunicator() override {
    finish([&] { ring_.shut(); });
  }

  bool speaks() const override { return speaks_; }

 protected:
  void sum(void* values, int64_t count, DType dtype) override {
    visit_float(dtype, "distributed", [&]<class T>(T) { sum_parts(static_cast<T*>(values), count); });
  }

  void broadcast_bytes(void* bytes, int64_t count, int root) override {
    const int place = (rank() + size() - root) % size();
    for (int64_t at = 0; at < count; at += part_bytes) {
      void* part = static_cast<char*>(bytes) + at;
      const size_t length = static_cast<size_t>(std::min(part_bytes, count - at));
      const Ring::In in{part, length};
      const Ring::Out out{part, length};
      if (place > 0) ring_.exchange(nullptr, &in, aborting());
      if (place < size() - 1) ring_.exchange(&out, nullptr, aborting());
    }
  }

  void tell_abort(const std::string& reason) override { ring_.end(reason); }

 private:
  static constexpr int64_t part_bytes = 1 << 18;

  /// Part p starts at rank p and is complete at the rank before p, from where it goes round again.
  template <class T>
  void sum_parts(T* values, int64_t count) {
    const auto border = [&](int part) { return values + count * ((part + size()) % size()) / size(); };
    const auto end = [&](int part) { return values + count * ((part + size()) % size() + 1) / size(); };
    const auto bytes = [&](int part) { return static_cast<size_t>(end(part) - border(part)) * sizeof(T); };
    std::vector<T> theirs(static_cast<size_t>(count / size() + 1));
    for (int step = 0; step < size() - 1; ++step) {
      const int going = rank() - step, coming = going - 1;
      const Ring::Out out{border(going), bytes(going)};
      const Ring::In in{theirs.data(), bytes(coming)};
      ring_.exchange(&out, &in, aborting());
      T* mine = border(coming);
      for (size_t i = 0; i < in.count / sizeof(T); ++i) mine[i] += theirs[i];
    }
    for (int step = 0; step < size() - 1; ++step) {
      const int going = rank() + 1 - step, coming = going - 1;
      const Ring::Out out{border(going), bytes(going)};
      const Ring::In in{border(coming), bytes(coming)};
      ring_.exchange(&out, &in, aborting());
    }
  }

  Ring ring_;
  bool speaks_;
};

}  // namespace

std::unique_ptr<Communicator> make_tcp_communicator(const TcpOptions& options) {
  check(options.size >= 2 && options.rank >= 0 && options.rank < options.size, "[distributed] there is no rank ",
        options.rank, " among ", options.size);
  return std::make_unique<TcpCommunicator>(options);
}

}  // namespace lacuna
