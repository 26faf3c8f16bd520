#pragma once

#include <memory>
#include <string>

#include "distributed/communicator.h"

namespace lacuna {

struct TcpOptions {
  int rank = 0, size = 1;
  std::string address;   ///< of rank 0's host
  int port = 0;          ///< where rank 0 listens
  bool speaks = true;    ///< see Communicator::speaks
  double seconds = 300;  ///< to wait for the other ranks at the start
};

/// Joins the ranks by TCP, without any library: all meet at rank 0, then each is connected to the next in a ring. Data
/// goes unencrypted and ranks are taken at their word, so this is for networks that are trusted. Throws Error if not
/// all come in time.
///
/// Sums go once around the ring in parts, one for each rank, and the sums once more: each rank sends and receives about
/// twice the data, however many ranks there are.
std::unique_ptr<Communicator> make_tcp_communicator(const TcpOptions& options);

}  // namespace lacuna
