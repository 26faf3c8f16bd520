#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "distributed/ring.h"

namespace lacuna {
namespace {

using Clock = std::chrono::steady_clock;

/// What a rank says when it connects. All hosts are little-endian machines, as the number shows.
struct Hello {
  uint64_t magic = 0x3147'4e49'524e'434cu;  // "LCNRING1"
  uint64_t token = 0;                       // of this meeting; 0 while it is not known
  int32_t rank = 0, size = 0, port = 0, unused = 0;
};

/// Where a rank listens; no address: on rank 0's host.
struct Place {
  std::array<char, 64> address{};
  int32_t port = 0;
};

constexpr double hello_seconds = 10;

/// The hello of one who connected; nothing if it is no rank of this program.
std::optional<Hello> heard(const Socket& socket) {
  Hello hello;
  try {
    socket.receive(&hello, sizeof(hello), hello_seconds);
  } catch (const Error&) {
    return std::nullopt;
  }
  if (hello.magic != Hello().magic) return std::nullopt;
  return hello;
}

double seconds_until(Clock::time_point end) { return std::chrono::duration<double>(end - Clock::now()).count(); }

/// Rank 0: waits for all others and tells them where each of them listens.
uint64_t gather(const TcpOptions& options, const Socket& listener, std::vector<Place>& places, Clock::time_point end) {
  std::vector<Socket> ranks(static_cast<size_t>(options.size));
  for (int come = 1; come < options.size;) {
    Socket socket = listener.accept(seconds_until(end));
    if (!socket.open()) {
      std::string missing;
      for (int rank = 1; rank < options.size; ++rank) {
        if (!ranks[static_cast<size_t>(rank)].open()) missing += (missing.empty() ? "" : ", ") + std::to_string(rank);
      }
      fail("[distributed] of ", options.size, " ranks ", come, " came to port ", listener.port(), " within ",
           options.seconds, " s; missing: ", missing);
    }
    const auto hello = heard(socket);
    if (!hello) continue;
    check(hello->size == options.size, "[distributed] rank ", hello->rank, " was told of ", hello->size,
          " ranks, rank 0 of ", options.size, ": WORLD_SIZE must be the same for all");
    check(hello->rank > 0 && hello->rank < options.size, "[distributed] there is no rank ", hello->rank, " among ",
          options.size);
    const size_t rank = static_cast<size_t>(hello->rank);
    check(!ranks[rank].open(), "[distributed] two processes call themselves rank ", hello->rank);
    const std::string address = socket.peer();
    check(address.size() < places[rank].address.size(), "[distributed] the address ", address, " is too long");
    std::memcpy(places[rank].address.data(), address.data(), address.size());
    places[rank].port = hello->port;
    ranks[rank] = std::move(socket);
    ++come;
  }
  std::random_device random;
  const uint64_t token = uint64_t{random()} << 32 | random() | 1;
  for (size_t rank = 1; rank < ranks.size(); ++rank) {
    ranks[rank].send(&token, sizeof(token), hello_seconds);
    ranks[rank].send(places.data(), places.size() * sizeof(Place), hello_seconds);
  }
  return token;
}

}  // namespace

Ring::Ring(const TcpOptions& options) : options_(options) {
  const auto end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  const Socket listener = Socket::listen(options.rank == 0 ? options.port : 0);
  std::vector<Place> places(static_cast<size_t>(options.size));
  uint64_t token = 0;
  if (options.rank == 0) {
    places[0].port = options.port;
    token = gather(options, listener, places, end);
  } else {
    const Socket master = Socket::connect(options.address, options.port, options.seconds);
    Hello hello;
    hello.rank = options.rank;
    hello.size = options.size;
    hello.port = listener.port();
    master.send(&hello, sizeof(hello), hello_seconds);
    try {
      master.receive(&token, sizeof(token), seconds_until(end));
      master.receive(places.data(), places.size() * sizeof(Place), hello_seconds);
    } catch (const Error&) {
      fail("[distributed] rank 0 at ", options.address, ":", options.port, " did not gather all ", options.size,
           " ranks; what it said may tell why");
    }
  }

  const Place& next = places[static_cast<size_t>((options.rank + 1) % options.size)];
  const std::string address = next.address[0] == '\0' ? options.address : std::string(next.address.data());
  next_ = Socket::connect(address, next.port, options.seconds);
  Hello hello;
  hello.token = token;
  hello.rank = options.rank;
  next_.send(&hello, sizeof(hello), hello_seconds);
  const int before = (options.rank + options.size - 1) % options.size;
  while (!before_.open()) {
    Socket socket = listener.accept(seconds_until(end));
    check(socket.open(), "[distributed] rank ", before, " did not connect within ", options.seconds, " s");
    const auto come = heard(socket);
    if (come && come->token == token && come->rank == before) before_ = std::move(socket);
  }
}

}  // namespace lacuna
