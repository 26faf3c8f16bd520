#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace lacuna {

/// A TCP socket. Calls throw Error where they fail.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int handle) : handle_(handle) {}
  ~Socket();
  Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

  /// Listens on all of the host's addresses; port 0 is any free one.
  static Socket listen(int port);
  /// Connects; tries again until the time is over.
  static Socket connect(const std::string& address, int port, double seconds);

  bool open() const { return handle_ >= 0; }
  int handle() const { return handle_; }
  int port() const;
  /// The next one who connects; a closed socket when the time is over.
  Socket accept(double seconds) const;
  /// The numeric address at the other end, "" if that is this host by way of its loopback.
  std::string peer() const;

  /// All of the bytes, within the time.
  void send(const void* bytes, size_t count, double seconds) const;
  void receive(void* bytes, size_t count, double seconds) const;
  /// Both ends see the end of the connection, also one that waits in a call.
  void shut() const;

 private:
  int handle_ = -1;
};

}  // namespace lacuna
