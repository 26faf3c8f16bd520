#pragma once

#include <doctest/doctest.h>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "distributed/socket.h"
#include "distributed/tcp_communicator.h"
#include "distributed/together.h"

namespace lacuna::test {

/// A port that nobody listens on.
inline int free_port() { return Socket::listen(0).port(); }

/// Runs f as every rank of `size`, each on a thread of its own and joined over TCP, and returns what each complained
/// about. As in the program, a rank that fails on its own ends the others.
inline std::vector<std::string> as_ranks(int size, const std::function<void(Communicator&)>& f) {
  const int port = free_port();
  std::vector<std::string> complaints(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      std::string& complaint = complaints[static_cast<size_t>(rank)];
      std::unique_ptr<Communicator> communicator;
      try {
        TcpOptions options;
        options.rank = rank;
        options.size = size;
        options.address = "localhost";
        options.port = port;
        options.speaks = rank == 0;
        options.seconds = 20;
        communicator = make_tcp_communicator(options);
        f(*communicator);
      } catch (const SharedError& error) {
        complaint = error.what();
      } catch (const std::exception& error) {
        complaint = error.what();
        if (communicator) communicator->abort(complaint);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return complaints;
}

/// The same, where no rank may complain.
inline void run_ranks(int size, const std::function<void(Communicator&)>& f) {
  for (const std::string& complaint : as_ranks(size, f)) CHECK(complaint == "");
}

}  // namespace lacuna::test
