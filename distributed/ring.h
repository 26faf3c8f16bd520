#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "distributed/socket.h"
#include "distributed/tcp_communicator.h"
#include "tensor/check.h"

namespace lacuna {

/// A rank's two neighbours, and messages to and from them. A message is a header and bytes; they are numbered, so that
/// ranks that do different things notice.
class Ring {
 public:
  /// Meets the other ranks.
  explicit Ring(const TcpOptions& options);

  struct Out {
    const void* bytes;
    size_t count;
  };
  struct In {
    void* bytes;
    size_t count;
  };
  /// Sends to the next rank and receives from the one before, at the same time; either may be null. `stop` ends the
  /// wait. Throws SharedError when told of a rank's end, Error when a neighbour is found to be gone.
  void exchange(const Out* out, const In* in, const std::atomic<bool>& stop);

  /// Tells the next rank that this one ends, unless a message to it is half sent, and breaks the connections.
  void end(const std::string& reason);
  /// Breaks the connections; waiting calls end.
  void shut() const;

 private:
  struct Header {
    uint32_t kind;  // data_kind or end_kind
    uint32_t number;
    uint64_t count;
  };
  enum : uint32_t { data_kind = 0x4c43'4e31, end_kind = 0x4c43'4e30 };

  bool send_some(const char* first, size_t first_count, const Out& out, size_t& sent);
  bool receive_some(Header& header, const In& in, size_t& received);
  void check_header(const Header& header, size_t expected);
  [[noreturn]] void lost(int rank, const std::string& reason);
  [[noreturn]] void hear_end(uint64_t count);

  TcpOptions options_;
  Socket next_, before_;
  uint32_t sent_ = 0, received_ = 0;  // messages
  bool half_sent_ = false;
};

}  // namespace lacuna
