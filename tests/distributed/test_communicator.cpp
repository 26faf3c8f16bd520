#include <mutex>

#include "distributed/gradient_averager.h"
#include "tests/distributed/ranks.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

using test::as_ranks;
using test::run_ranks;

/// Element i of what a rank contributes.
double element(int rank, int64_t i) { return 1.0 / (1 + rank + 3 * static_cast<double>(i)); }

Tensor contribution(int rank, int64_t count, DType dtype) {
  Tensor values({count}, DType::f64);
  for (int64_t i = 0; i < count; ++i) values.data<double>()[i] = element(rank, i);
  return values.to(dtype);
}

/// What each rank's f returns, by rank.
template <class T, class F>
std::vector<T> of_ranks(int size, const F& f) {
  std::vector<T> results(static_cast<size_t>(size));
  run_ranks(size, [&](Communicator& c) { results[static_cast<size_t>(c.rank())] = f(c); });
  return results;
}

}  // namespace

TEST_CASE("communicator: sums and means, the same bits on all ranks and on every run") {
  for (const int size : {2, 3, 5}) {
    // Fewer elements than ranks, a few, and more than the connections hold at once.
    for (const int64_t count : {int64_t{1}, int64_t{17}, int64_t{1200001}}) {
      for (const DType dtype : {DType::f32, DType::f64}) {
        CAPTURE(size);
        CAPTURE(count);
        const auto sums = [&] {
          return of_ranks<Tensor>(size, [&](Communicator& c) {
            const Tensor values = contribution(c.rank(), count, dtype);
            c.all_reduce(values, Reduction::sum);
            return values;
          });
        };
        const std::vector<Tensor> first = sums(), second = sums();
        Tensor expected = Tensor::zeros({count}, DType::f64);
        for (int rank = 0; rank < size; ++rank) {
          const Tensor part = contribution(rank, count, dtype).to(DType::f64);
          for (int64_t i = 0; i < count; ++i) expected.data<double>()[i] += part.data<double>()[i];
        }
        CHECK_CLOSE(first[0].to(DType::f64), expected, dtype == DType::f64 ? 1e-15 : 3e-7);
        for (const Tensor& other : first) CHECK(test::same_bits(other, first[0]));
        CHECK(test::same_bits(second[0], first[0]));
        if (count > 100) continue;
        const auto means = of_ranks<Tensor>(size, [&](Communicator& c) {
          const Tensor from = contribution(c.rank(), count, dtype);
          Tensor to = empty_like(from);
          c.start_all_reduce({from}, {to}, Reduction::mean).wait();
          CHECK(test::same_bits(from, contribution(c.rank(), count, dtype)));
          return to;
        });
        for (int64_t i = 0; i < count; ++i)
          CHECK(means[0].at(i) == doctest::Approx(expected.at(i) / size).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("communicator: broadcasts, gathered numbers, texts and bytes") {
  run_ranks(3, [](Communicator& c) {
    for (int root = 0; root < 3; ++root) {
      const Tensor values = contribution(c.rank(), 400000, DType::f64);
      c.broadcast(values, root);
      CHECK(test::same_bits(values, contribution(root, 400000, DType::f64)));
    }
    CHECK(c.all_gather(10.0 + c.rank()) == std::vector<double>{10, 11, 12});
    CHECK(c.all_gather(std::string(1, static_cast<char>('a' + c.rank()))) == std::vector<std::string>{"a", "b", "c"});
    CHECK(c.broadcast(c.rank() == 1 ? "from one" : "not this", 1) == "from one");
    CHECK(c.broadcast(std::string(), 2) == "");
    CHECK(c.any(c.rank() == 2));
    CHECK_FALSE(c.any(false));
    c.barrier();
  });
}

TEST_CASE("communicator: several exchanges under way at once, waited for in any order") {
  run_ranks(2, [](Communicator& c) {
    std::vector<Tensor> values;
    std::vector<Pending> pending;
    for (int k = 0; k < 5; ++k) {
      values.push_back(Tensor::full({1000}, k + c.rank(), DType::f32));
      pending.push_back(c.start_all_reduce({values.back()}, {values.back()}, Reduction::sum));
    }
    for (size_t k = pending.size(); k-- > 0;) {
      pending[k].wait();
      CHECK(values[k].at(999) == 2 * static_cast<double>(k) + 1);
    }
  });
}

TEST_CASE("communicator: a process on its own keeps what it has") {
  Communicator& alone = single_process();
  const Tensor values = contribution(0, 7, DType::f32);
  alone.all_reduce(values, Reduction::mean);
  CHECK(test::same_bits(values, contribution(0, 7, DType::f32)));
  CHECK(alone.all_gather(3) == std::vector<double>{3});
  CHECK(alone.broadcast("text") == "text");
}

TEST_CASE("communicator: averaged gradients, whatever order they are known in") {
  const std::vector<Tensor> parameters{Tensor({3}), Tensor({40}), Tensor({2, 2}), Tensor({5}, DType::f64)};
  for (const int64_t bucket : {1, 30, 1 << 20}) {
    run_ranks(2, [&](Communicator& c) {
      GradientAverager averager(c, parameters, bucket);
      for (const size_t i : {2, 0, 3, 1}) {
        averager.ready(i,
                       Tensor::full(parameters[i].shape(), static_cast<double>(i) + c.rank(), parameters[i].dtype()));
      }
      const std::vector<Tensor> averages = averager.finish();
      REQUIRE(averages.size() == 4);
      for (size_t i = 0; i < 4; ++i) {
        CHECK(test::same_bits(
            averages[i], Tensor::full(parameters[i].shape(), static_cast<double>(i) + 0.5, parameters[i].dtype())));
      }
    });
  }
  GradientAverager missing(single_process(), parameters);
  missing.ready(1, parameters[1]);
  CHECK(test::error_of([&] { missing.ready(1, parameters[1]); }) ==
        "[distributed] gradient 1 of 4 is not one that is waited for");
  CHECK(test::error_of([&] { missing.finish(); }) == "[distributed] not all gradients are known");
}

TEST_CASE("communicator: what one rank complains about, all throw, and rank 0 shows it") {
  const auto complaints = as_ranks(3, [](Communicator& c) {
    together(c, [] {});
    together(c, [&] { check(c.rank() == 0, "[test] of rank ", c.rank()); });
  });
  for (const std::string& complaint : complaints) CHECK(complaint == "rank 1: [test] of rank 1");
}

TEST_CASE("communicator: tensors that differ are named") {
  const auto complaints = as_ranks(2, [](Communicator& c) {
    check_same(c, {{"same", Tensor::full({9}, 1)}, {"also", Tensor::full({3}, 2)}});
    check_same(c, {{"same", Tensor::full({9}, 1)}, {"other", Tensor::full({3}, c.rank())}});
  });
  for (const std::string& complaint : complaints) {
    CHECK(complaint.starts_with("rank 1: [distributed] other is not what rank 0 has"));
  }
}

TEST_CASE("communicator: a rank that fails on its own ends the others, with its reason") {
  // Rank 1 fails while the others wait for it in an exchange that it never joins.
  const auto complaints = as_ranks(4, [](Communicator& c) {
    c.barrier();
    if (c.rank() == 1) fail("[test] no more");
    const Tensor values = Tensor::full({1000000}, 1);
    c.all_reduce(values, Reduction::sum);
    c.barrier();
  });
  CHECK(complaints[1] == "[test] no more");
  for (const size_t rank : {0, 2, 3}) {
    CAPTURE(rank);
    CHECK((complaints[rank] == "[test] no more" || complaints[rank].find("is gone") != std::string::npos));
  }
  CHECK(complaints[2] == "[test] no more");  // the next one is told for certain
}

TEST_CASE("communicator: a rank that goes away without a word is named") {
  const auto complaints = as_ranks(2, [](Communicator& c) {
    c.barrier();
    if (c.rank() == 0) c.all_reduce(Tensor::full({1000}, 1), Reduction::sum);
  });
  CHECK(complaints[0].starts_with("[distributed] rank 1 of 2 is gone (it closed the connection)"));
}

TEST_CASE("communicator: ranks that do different things notice") {
  const auto complaints =
      as_ranks(2, [](Communicator& c) { c.all_reduce(Tensor::full({c.rank() == 0 ? 10 : 12}, 1), Reduction::sum); });
  CHECK((complaints[0] + complaints[1]).find("the ranks do not do the same") != std::string::npos);
}

TEST_CASE("communicator: ranks that do not come, or come twice") {
  TcpOptions options;
  options.size = 3;
  options.address = "localhost";
  options.port = test::free_port();
  options.seconds = 0.5;
  CHECK(test::error_of([&] { make_tcp_communicator(options); }) ==
        "[distributed] of 3 ranks 1 came to port " + std::to_string(options.port) + " within 0.5 s; missing: 1, 2");
  options.rank = 1;
  CHECK(test::error_of([&] {
          make_tcp_communicator(options);
        }).starts_with("[distributed] cannot reach localhost:" + std::to_string(options.port) + " within 0.5 s: "));
  options.rank = 3;
  CHECK(test::error_of([&] { make_tcp_communicator(options); }) == "[distributed] there is no rank 3 among 3");

  const Socket taken = Socket::listen(0);
  options.rank = 0;
  options.port = taken.port();
  CHECK(test::error_of([&] { make_tcp_communicator(options); }).find("Address already in use") != std::string::npos);
}

TEST_CASE("communicator: strangers at the port do not matter") {
  TcpOptions options;
  options.size = 2;
  options.address = "localhost";
  options.port = test::free_port();
  options.seconds = 20;
  std::thread one([&] {
    const Socket stranger = Socket::connect("localhost", options.port, 20);
    stranger.send("GET / HTTP/1.1\r\nHost: somewhere\r\nUser-Agent: nobody\r\n\r\n", 50, 1);
    TcpOptions mine = options;
    mine.rank = 1;
    make_tcp_communicator(mine)->barrier();
  });
  make_tcp_communicator(options)->barrier();
  one.join();
}

}  // namespace lacuna
