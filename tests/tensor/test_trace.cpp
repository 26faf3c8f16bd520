#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "tensor/file.h"
#include "tensor/stream.h"
#include "tensor/trace.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"

namespace lacuna {
namespace {

using test::error_of;

/// A kernel's call, as an op makes it.
void work() {
  on(Device{}, [](auto&) {});
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const TraceEvent& e : trace_events()) all.push_back(e.name);
  return all;
}

const std::string unwanted() {
  FAIL("no detail is asked for while nothing is traced");
  return "";
}

}  // namespace

TEST_CASE("trace: nothing is collected unless asked for") {
  stop_trace();
  const size_t before = trace_size();
  {
    const TraceSpan span("span", unwanted);
    work();
    trace_op("op", __FILE__, unwanted);
  }
  CHECK(!tracing());
  CHECK(trace_size() == before);
}

TEST_CASE("trace: kernels bear the name of their op, else of the function that called them") {
  start_trace();
  work();
  trace_op("op", __FILE__, [] { return "(1) -> (2)"; });
  work();
  trace_op("elsewhere", "another file", unwanted);
  trace_op("too late", __FILE__, unwanted);
  work();
  work();
  trace_op("twice", __FILE__, [] { return ""; });
  stop_trace();
  CHECK(names() == std::vector<std::string>{"op", "work", "twice", "twice"});
  CHECK(trace_events()[0].detail == "(1) -> (2)");
  CHECK(trace_events()[0].is_op);
  CHECK(trace_events()[1].detail.empty());
  CHECK(trace_events(3).size() == 1);
  CHECK(trace_events(9).empty());
}

TEST_CASE("trace: an op does not name the kernels of a trace that began after them") {
  start_trace();
  work();
  start_trace();
  work();
  stop_trace();
  CHECK(names() == std::vector<std::string>{"work"});
  start_trace();
  trace_op("op", __FILE__, unwanted);
  CHECK(trace_size() == 0);
  stop_trace();
}

TEST_CASE("trace: spans lie around what happens in them, on their own thread") {
  start_trace();
  {
    const TraceSpan outer("outer", [] { return "why"; });
    const TraceSpan inner("inner");
    work();
  }
  std::thread([] { const TraceSpan span("other thread"); }).join();
  {
    const TraceSpan open("ends after the trace");
    stop_trace();
  }
  const std::vector<TraceEvent> events = trace_events();
  REQUIRE(events.size() >= 4);
  CHECK(std::vector<std::string>{events[0].name, events[1].name, events[2].name, events[3].name} ==
        std::vector<std::string>{"work", "inner", "outer", "other thread"});
  CHECK(events[2].detail == "why");
  CHECK(!events[2].is_op);
  for (size_t k = 0; k < 2; ++k) {
    CHECK(events[k].thread == events[2].thread);
    CHECK(events[k].start >= events[k + 1].start);
    CHECK(events[k].start + events[k].duration <= events[k + 1].start + events[k + 1].duration);
    CHECK(events[k].duration >= 0);
  }
  CHECK(events[0].start >= 0);
  CHECK(events[3].thread != events[2].thread);
}

TEST_CASE("trace: the file is JSON in Chrome's format") {
  const test::TemporaryFolder folder;
  start_trace();
  {
    const TraceSpan span("with \"quotes\" \\ and \n lines", [] { return "\xff\t"; });
    work();
  }
  stop_trace();
  write_trace(folder / "trace.json");
  const auto json = nlohmann::json::parse(read_file(folder / "trace.json"));
  const auto& events = json.at("traceEvents");
  REQUIRE(events.size() == 3);
  CHECK(events[0].at("ph") == "M");
  CHECK(events[1].at("name") == "work");
  CHECK(events[1].at("cat") == "op");
  CHECK(events[2].at("name") == "with \"quotes\" \\ and \n lines");
  CHECK(events[2].at("cat") == "span");
  CHECK(events[2].at("args").at("detail").get<std::string>().ends_with("\t"));
  for (size_t k : {1, 2}) {
    CHECK(events[k].at("ph") == "X");
    CHECK(events[k].at("ts").is_number());
    CHECK(events[k].at("dur").is_number());
    CHECK(events[k].at("tid").is_number_integer());
  }
  CHECK(json.at("otherData").at("events_left_out") == 0);
  CHECK(error_of([&] { write_trace(folder / "none" / "trace.json"); }).starts_with("[trace] "));
}

}  // namespace lacuna
