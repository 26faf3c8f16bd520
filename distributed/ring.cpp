#include "distributed/ring.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "distributed/together.h"

namespace lacuna {
namespace {

/// The longest reason that is passed on, and how long its way may take.
constexpr size_t longest_reason = 2000;
constexpr double reason_seconds = 2;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

void Ring::exchange(const Out* out, const In* in, const std::atomic<bool>& stop) {
  if (out) ++sent_;
  if (in) ++received_;
  const Header mine{data_kind, sent_, out ? out->count : 0};
  Header theirs{};
  size_t sent = 0, received = 0;
  bool sending = out != nullptr, receiving = in != nullptr;
  while (sending || receiving) {
    pollfd both[2] = {{sending ? next_.handle() : -1, POLLOUT, 0}, {receiving ? before_.handle() : -1, POLLIN, 0}};
    ::poll(both, 2, 100);
    check(!stop, "[distributed] this rank is ending");
    // What comes in first: it may be the reason why nothing goes out.
    if (receiving && both[1].revents != 0) receiving = !receive_some(theirs, *in, received);
    if (sending && both[0].revents != 0) {
      sending = !send_some(reinterpret_cast<const char*>(&mine), sizeof(mine), *out, sent);
      half_sent_ = sending && sent > 0;
    }
  }
}

bool Ring::send_some(const char* header, size_t header_count, const Out& out, size_t& sent) {
  const bool in_header = sent < header_count;
  const char* from = in_header ? header + sent : static_cast<const char*>(out.bytes) + (sent - header_count);
  const size_t count = in_header ? header_count - sent : header_count + out.count - sent;
  const ssize_t n = ::send(next_.handle(), from, count, MSG_NOSIGNAL | (in_header && out.count > 0 ? MSG_MORE : 0));
  if (n < 0) {
    if (would_block()) return false;
    const std::string reason = std::strerror(errno);
    // The rank before may know more: it may be about to pass on why.
    half_sent_ = true;
    Header theirs{};
    try {
      before_.receive(&theirs, sizeof(theirs), reason_seconds);
    } catch (const Error&) {
      lost((options_.rank + 1) % options_.size, reason);
    }
    if (theirs.kind == end_kind) hear_end(theirs.count);
    lost((options_.rank + 1) % options_.size, reason);
  }
  sent += static_cast<size_t>(n);
  return sent == header_count + out.count;
}

bool Ring::receive_some(Header& header, const In& in, size_t& received) {
  const bool in_header = received < sizeof(header);
  char* to = in_header ? reinterpret_cast<char*>(&header) + received
                       : static_cast<char*>(in.bytes) + (received - sizeof(header));
  const size_t count = in_header ? sizeof(header) - received : sizeof(header) + in.count - received;
  const ssize_t n = ::recv(before_.handle(), to, count, 0);
  if (n < 0 && would_block()) return false;
  const int neighbour = (options_.rank + options_.size - 1) % options_.size;
  if (n <= 0) lost(neighbour, n == 0 ? "it closed the connection" : std::strerror(errno));
  received += static_cast<size_t>(n);
  if (in_header && received == sizeof(header)) check_header(header, in.count);
  return received == sizeof(header) + in.count;
}

void Ring::check_header(const Header& header, size_t expected) {
  if (header.kind == end_kind) hear_end(header.count);
  check(header.kind == data_kind && header.number == received_ && header.count == expected,
        "[distributed] the ranks do not do the same: this one expects message ", received_, " of ", expected,
        " bytes and gets message ", header.number, " of ", header.count,
        "; are they the same program with the same arguments?");
}

void Ring::hear_end(uint64_t count) {
  std::string reason(std::min<uint64_t>(count, longest_reason), ' ');
  try {
    before_.receive(reason.data(), reason.size(), reason_seconds);
  } catch (const Error&) {
    reason = "[distributed] another rank has ended";
  }
  end(reason);
  throw SharedError(reason, options_.speaks);
}

void Ring::lost(int rank, const std::string& reason) {
  fail("[distributed] rank ", rank, " of ", options_.size, " is gone (", reason,
       "); what it said last may tell why. To go on from the last checkpoint: --resume");
}

void Ring::end(const std::string& reason) {
  if (!half_sent_) {
    const std::string text = reason.substr(0, longest_reason);
    const Header header{end_kind, 0, text.size()};
    try {
      next_.send(&header, sizeof(header), reason_seconds);
      next_.send(text.data(), text.size(), reason_seconds);
    } catch (const Error&) {
      // The next rank has ended as well.
    }
  }
  shut();
}

void Ring::shut() const {
  next_.shut();
  before_.shut();
}

}  // namespace lacuna
