#include "distributed/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "tensor/check.h"

namespace lacuna {
namespace {

using Clock = std::chrono::steady_clock;

/// A moment that calls wait until.
class Deadline {
 public:
  explicit Deadline(double seconds)
      : end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}

  bool over() const { return Clock::now() >= end_; }
  int milliseconds() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
  }

 private:
  Clock::time_point end_;
};

/// Whether the socket gets ready for `events` in time.
bool ready(int handle, short events, const Deadline& deadline) {
  pollfd one{handle, events, 0};
  for (;;) {
    const int count = ::poll(&one, 1, deadline.milliseconds());
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

void set(int handle, int level, int option, int value) { ::setsockopt(handle, level, option, &value, sizeof(value)); }

/// Small messages leave at once; a host that vanished is noticed within some two minutes.
void prepare(int handle) {
  set(handle, IPPROTO_TCP, TCP_NODELAY, 1);
  set(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(handle, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(handle, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(handle, IPPROTO_TCP, TCP_KEEPCNT, 6);
  set(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 120000);
}

/// One attempt; -1 with errno set.
int try_connect(const addrinfo& where, const Deadline& deadline) {
  const int handle = ::socket(where.ai_family, where.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol);
  if (handle < 0) return -1;
  int error = ::connect(handle, where.ai_addr, where.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    error = ETIMEDOUT;
    socklen_t size = sizeof(error);
    if (ready(handle, POLLOUT, deadline)) ::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error == 0) return handle;
  ::close(handle);
  errno = error;
  return -1;
}

}  // namespace

Socket::~Socket() {
  if (handle_ >= 0) ::close(handle_);
}

Socket Socket::listen(int port) {
  // IPv6 sockets take IPv4 connections as well; where there is no IPv6, IPv4 alone.
  for (const int family : {AF_INET6, AF_INET}) {
    Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.open()) continue;
    set(socket.handle_, SOL_SOCKET, SO_REUSEADDR, 1);
    sockaddr_in6 six{};
    sockaddr_in four{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(static_cast<uint16_t>(port));
    six.sin6_addr = in6addr_any;
    four.sin_family = AF_INET;
    four.sin_port = six.sin6_port;
    if (family == AF_INET6) set(socket.handle_, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    const auto* address =
        family == AF_INET6 ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
    const socklen_t size = family == AF_INET6 ? sizeof(six) : sizeof(four);
    if (::bind(socket.handle_, address, size) == 0 && ::listen(socket.handle_, 1024) == 0) return socket;
    if (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT) break;
  }
  fail("[distributed] cannot listen on port ", port, ": ", std::strerror(errno), "; set MASTER_PORT to a free one");
}

Socket Socket::connect(const std::string& address, int port, double seconds) {
  const Deadline deadline(seconds);
  std::string reason;
  do {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const int status = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
    if (status != 0) reason = ::gai_strerror(status);
    for (const addrinfo* one = all.get(); status == 0 && one != nullptr; one = one->ai_next) {
      const int handle = try_connect(*one, deadline);
      if (handle >= 0) {
        prepare(handle);
        return Socket(handle);
      }
      reason = std::strerror(errno);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(200, deadline.milliseconds())));
  } while (!deadline.over());
  fail("[distributed] cannot reach ", address, ":", port, " within ", seconds, " s: ", reason);
}

int Socket::port() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  check(::getsockname(handle_, reinterpret_cast<sockaddr*>(&storage), &size) == 0,
        "[distributed] no port: ", std::strerror(errno));
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

Socket Socket::accept(double seconds) const {
  const Deadline deadline(seconds);
  while (ready(handle_, POLLIN, deadline)) {
    const int handle = ::accept4(handle_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (handle >= 0) {
      prepare(handle);
      return Socket(handle);
    }
  }
  return Socket();
}

std::string Socket::peer() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  char text[NI_MAXHOST];
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  check(::getpeername(handle_, reinterpret_cast<sockaddr*>(&storage), &size) == 0 &&
            ::getnameinfo(address, size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0,
        "[distributed] a connection without an address");
  std::string name(text);
  if (name.starts_with("::ffff:")) name.erase(0, 7);
  return name.starts_with("127.") || name == "::1" ? "" : name;
}

void Socket::send(const void* bytes, size_t count, double seconds) const {
  const Deadline deadline(seconds);
  const auto* at = static_cast<const char*>(bytes);
  while (count > 0) {
    check(ready(handle_, POLLOUT, deadline), "[distributed] a peer does not take what it is sent");
    const ssize_t n = ::send(handle_, at, count, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    check(n > 0, "[distributed] a connection broke: ", std::strerror(errno));
    at += n;
    count -= static_cast<size_t>(n);
  }
}

void Socket::receive(void* bytes, size_t count, double seconds) const {
  const Deadline deadline(seconds);
  auto* at = static_cast<char*>(bytes);
  while (count > 0) {
    check(ready(handle_, POLLIN, deadline), "[distributed] a peer does not answer");
    const ssize_t n = ::recv(handle_, at, count, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    check(n > 0, "[distributed] a connection broke: ", n == 0 ? "the peer closed it" : std::strerror(errno));
    at += n;
    count -= static_cast<size_t>(n);
  }
}

void Socket::shut() const {
  if (open()) ::shutdown(handle_, SHUT_RDWR);
}

}  // namespace lacuna
