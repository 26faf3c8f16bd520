#include <omp.h>

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/cuda_runtime.h"
#include "emulator/state.h"

namespace lacuna::emulator {
namespace {

namespace context = boost::context;

constexpr size_t stack_bytes = 128 * 1024, largest_shared = 227 * 1024, shared_alignment = 1024;
constexpr unsigned lanes = 32, widest_exchange = 128;

enum class Wait { none, warp, block, done };

struct PendingCopy {
  void* to;
  const void* from;
  size_t bytes, valid_bytes;
};

/// One thread of the block: a fiber that lives on from block to block.
struct Lane {
  Thread thread;
  Wait wait = Wait::done;
  context::fiber fiber;
  std::vector<std::vector<PendingCopy>> groups;  // committed copies, oldest first
  std::vector<PendingCopy> open;
  std::vector<std::function<void()>> deferred;
};

enum class Order { forward, reverse, shuffled };

Order order() {
  static const Order chosen = [] {
    const char* name = std::getenv("LACUNA_EMULATOR_ORDER");
    const std::string_view text = name ? name : "forward";
    return text == "reverse" ? Order::reverse : text == "shuffled" ? Order::shuffled : Order::forward;
  }();
  return chosen;
}

/// An OS thread that plays a multiprocessor: it runs one block at a time.
class Multiprocessor {
 public:
  static Multiprocessor& instance() {
    thread_local Multiprocessor own;
    return own;
  }

  void run(const Thread& of_block, size_t shared_bytes, const std::function<void()>& body) {
    body_ = &body;
    const dim3 d = of_block.block_dim;
    const unsigned count = d.x * d.y * d.z;
    std::fill_n(shared_.data(), std::min(shared_.size(), shared_bytes + shared_alignment),
                static_cast<unsigned char>(0xFF));
    while (threads_.size() < count) add_thread();
    turns_.resize(count);
    for (unsigned t = 0; t < count; ++t) {
      Lane& lane = *threads_[t];
      lane.thread = of_block;
      lane.thread.index = {t % d.x, t / d.x % d.y, t / (d.x * d.y)};
      lane.wait = Wait::none;
      turns_[t] = order() == Order::reverse ? count - 1 - t : t;
    }
    while (run_to_barriers(count)) release(count);
    for (unsigned t = 0; t < count; ++t) {
      Lane& lane = *threads_[t];
      if (!lane.open.empty() || !lane.groups.empty() || !lane.deferred.empty()) {
        lane.open.clear();
        lane.groups.clear();
        lane.deferred.clear();
        if (!error_) {
          error_ = std::make_exception_ptr(std::runtime_error("a kernel ended with copies or products under way"));
        }
      }
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  Lane& current() { return *current_; }
  unsigned char* shared() {
    return shared_.data() + (-reinterpret_cast<uintptr_t>(shared_.data()) & (shared_alignment - 1));
  }

  void wait(Wait kind) {
    current_->wait = kind;
    scheduler_ = std::move(scheduler_).resume();
  }

  const unsigned char* exchange(const void* own, size_t bytes) {
    if (bytes > widest_exchange) throw std::logic_error("too wide an exchange between lanes");
    Lane& lane = *current_;
    const unsigned t = linear(lane.thread);
    auto& slots = exchanges_[t / lanes];
    wait(Wait::warp);  // all lanes have read the exchange before
    std::memcpy(slots.data() + t % lanes * bytes, own, bytes);
    wait(Wait::warp);
    return slots.data();
  }

 private:
  Multiprocessor() : shared_(largest_shared + shared_alignment), exchanges_(1024 / lanes) {
    for (auto& slots : exchanges_) slots.resize(lanes * widest_exchange);
  }

  static unsigned linear(const Thread& t) {
    return t.index.x + t.block_dim.x * (t.index.y + t.block_dim.y * t.index.z);
  }

  void add_thread() {
    threads_.push_back(std::make_unique<Lane>());
    Lane* lane = threads_.back().get();
    lane->fiber = context::fiber(std::allocator_arg, context::fixedsize_stack(stack_bytes),
                                 [this, lane](context::fiber&& scheduler) {
                                   scheduler_ = std::move(scheduler);
                                   for (;;) {
                                     try {
                                       (*body_)();
                                     } catch (const context::detail::forced_unwind&) {
                                       throw;
                                     } catch (...) {
                                       error_ = std::current_exception();
                                     }
                                     wait(Wait::done);
                                   }
                                   return std::move(scheduler_);
                                 });
  }

  /// Gives every thread that can run its turn, or, shuffled, those of some warps, so that the others fall behind;
  /// whether any is left that has not ended.
  bool run_to_barriers(unsigned count) {
    unsigned resting = 0;  // a bit for each warp
    if (order() == Order::shuffled) {
      for (unsigned i = count; i > 1; --i) std::swap(turns_[i - 1], turns_[next_random() % i]);
      resting = next_random();
    }
    for (const unsigned t : turns_) {
      if (threads_[t]->wait != Wait::none || (resting >> t / lanes & 1) != 0) continue;
      current_ = threads_[t].get();
      current_->fiber = std::move(current_->fiber).resume();
    }
    return std::any_of(threads_.begin(), threads_.begin() + count, [](auto& t) { return t->wait != Wait::done; });
  }

  /// Lets go the whole block, or the warps, that have all arrived at the same barrier.
  void release(unsigned count) {
    bool any = release_if_all(0, count, Wait::block);
    for (unsigned begin = 0; begin < count; begin += lanes) {
      if (release_if_all(begin, std::min(count, begin + lanes), Wait::warp)) any = true;
    }
    const auto can_run = [](const auto& lane) { return lane->wait == Wait::none; };
    if (any || std::any_of(threads_.begin(), threads_.begin() + count, can_run)) return;
    threads_.clear();  // they are in the middle of the kernel for good
    if (!error_) error_ = std::make_exception_ptr(std::runtime_error("a barrier that not every thread reaches"));
    std::rethrow_exception(std::exchange(error_, nullptr));
  }

  bool release_if_all(unsigned begin, unsigned end, Wait kind) {
    bool any = false;
    for (unsigned t = begin; t < end; ++t) {
      if (threads_[t]->wait == kind) {
        any = true;
      } else if (threads_[t]->wait != Wait::done) {
        return false;
      }
    }
    for (unsigned t = begin; t < end; ++t) {
      if (threads_[t]->wait == kind) threads_[t]->wait = Wait::none;
    }
    return any;
  }

  unsigned next_random() {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>(random_ >> 33);
  }

  const std::function<void()>* body_ = nullptr;
  std::vector<std::unique_ptr<Lane>> threads_;
  std::vector<unsigned> turns_;
  std::vector<unsigned char> shared_;
  std::vector<std::vector<unsigned char>> exchanges_;
  context::fiber scheduler_;
  Lane* current_ = nullptr;
  std::exception_ptr error_;
  uint64_t random_ = 1;
};

void arrive(const PendingCopy& copy) {
  std::memcpy(copy.to, copy.from, copy.valid_bytes);
  std::memset(static_cast<unsigned char*>(copy.to) + copy.valid_bytes, 0, copy.bytes - copy.valid_bytes);
}

}  // namespace

const Thread& self() { return Multiprocessor::instance().current().thread; }
void block_barrier() { Multiprocessor::instance().wait(Wait::block); }
void warp_barrier() { Multiprocessor::instance().wait(Wait::warp); }
unsigned char* dynamic_shared() { return Multiprocessor::instance().shared(); }

const unsigned char* warp_exchange(const void* own, size_t bytes) {
  return Multiprocessor::instance().exchange(own, bytes);
}

void copy_async(void* to, const void* from, size_t bytes, size_t valid_bytes) {
  if (reinterpret_cast<uintptr_t>(to) % bytes != 0 ||
      (valid_bytes > 0 && reinterpret_cast<uintptr_t>(from) % bytes != 0)) {
    throw std::logic_error("an asynchronous copy of " + std::to_string(bytes) + " bytes is not aligned to them");
  }
  Multiprocessor::instance().current().open.push_back({to, from, bytes, valid_bytes});
}

void copy_async_commit() {
  Lane& lane = Multiprocessor::instance().current();
  lane.groups.push_back(std::exchange(lane.open, {}));
}

void copy_async_wait(int groups_left) {
  Lane& lane = Multiprocessor::instance().current();
  const auto done = static_cast<std::ptrdiff_t>(lane.groups.size()) - groups_left;
  if (done <= 0) return;
  for (std::ptrdiff_t g = 0; g < done; ++g) std::for_each(lane.groups[g].begin(), lane.groups[g].end(), arrive);
  lane.groups.erase(lane.groups.begin(), lane.groups.begin() + done);
}

void defer(std::function<void()> work) { Multiprocessor::instance().current().deferred.push_back(std::move(work)); }

void run_deferred() {
  for (const auto& work : std::exchange(Multiprocessor::instance().current().deferred, {})) work();
}

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& body) {
  if (block.x * block.y * block.z > 1024 || shared_bytes > largest_shared || block.x * block.y * block.z == 0) {
    throw std::runtime_error("no device runs blocks of this size");
  }
  const int64_t blocks = int64_t{grid.x} * grid.y * grid.z;
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic)
  for (int64_t b = 0; b < blocks; ++b) {
    try {
      Thread thread;
      thread.block = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                      static_cast<unsigned>(b / grid.x / grid.y)};
      thread.block_dim = block;
      thread.grid_dim = grid;
      Multiprocessor::instance().run(thread, shared_bytes, body);
    } catch (...) {
#pragma omp critical(lacuna_emulator)
      error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace lacuna::emulator
