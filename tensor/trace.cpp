#include "tensor/trace.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>

#include "tensor/file.h"

namespace lacuna {
namespace {

constexpr size_t most_events = 1'000'000;

std::mutex mutex;  // guards what follows
std::vector<TraceEvent> events;
uint64_t trace_number = 0;
int64_t dropped = 0;

std::atomic<int64_t> origin{0};
std::atomic<int> threads{0};

/// A kernel that no op has named yet.
struct Unnamed {
  uint64_t trace;
  size_t event;
  const char* file;
};
thread_local std::vector<Unnamed> unnamed;

int64_t monotonic_nanoseconds() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

int this_thread() {
  thread_local const int number = ++threads;
  return number;
}

/// Its place; nothing if there is no room. To be called with the mutex held.
std::optional<size_t> keep(TraceEvent event) {
  if (events.size() >= most_events) {
    ++dropped;
    return std::nullopt;
  }
  events.push_back(std::move(event));
  return events.size() - 1;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string microseconds(int64_t nanoseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(nanoseconds) / 1e3);
  return text;
}

std::string line_of(const TraceEvent& e) {
  std::string line = "{\"name\":" + quoted(e.name) + ",\"cat\":\"" + (e.is_op ? "op" : "span") + "\",\"ph\":\"X\"";
  line += ",\"ts\":" + microseconds(e.start) + ",\"dur\":" + microseconds(e.duration);
  line += ",\"pid\":1,\"tid\":" + std::to_string(e.thread);
  if (!e.detail.empty()) line += ",\"args\":{\"detail\":" + quoted(e.detail) + "}";
  return line + "}";
}

}  // namespace

namespace detail {

std::atomic<bool> trace_on{false};

std::string short_name(std::string function) {
  for (const char* scope : {"(anonymous namespace)::", "{anonymous}::", "lacuna::"}) {
    for (size_t at; (at = function.find(scope)) != std::string::npos;) function.erase(at, std::strlen(scope));
  }
  function.resize(std::min(function.find('('), function.size()));
  return function.substr(function.rfind(' ') + 1);
}

int64_t trace_clock() { return monotonic_nanoseconds() - origin; }

void trace_kernel(int64_t start, const std::source_location& where) {
  const int64_t end = trace_clock();
  const std::lock_guard lock(mutex);
  const auto event = keep({short_name(where.function_name()), "", true, start, end - start, this_thread()});
  if (event) unnamed.push_back({trace_number, *event, where.file_name()});
}

void trace_span(std::string name, std::string detail, int64_t start) {
  const int64_t end = trace_clock();
  const std::lock_guard lock(mutex);
  keep({std::move(name), std::move(detail), false, start, end - start, this_thread()});
}

}  // namespace detail

void start_trace() {
  const std::lock_guard lock(mutex);
  events.clear();
  ++trace_number;
  dropped = 0;
  origin = monotonic_nanoseconds();
  detail::trace_on = true;
}

void stop_trace() { detail::trace_on = false; }

size_t trace_size() {
  const std::lock_guard lock(mutex);
  return events.size();
}

std::vector<TraceEvent> trace_events(size_t first) {
  const std::lock_guard lock(mutex);
  return {events.begin() + static_cast<std::ptrdiff_t>(std::min(first, events.size())), events.end()};
}

void trace_op(std::string_view name, const char* file, const std::function<std::string()>& detail) {
  if (unnamed.empty()) return;
  const std::lock_guard lock(mutex);
  for (const Unnamed& kernel : unnamed) {
    if (kernel.trace != trace_number || std::strcmp(kernel.file, file) != 0) continue;
    events[kernel.event].name = name;
    events[kernel.event].detail = detail();
  }
  unnamed.clear();
}

void write_trace(const std::filesystem::path& file) {
  std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  {
    const std::lock_guard lock(mutex);
    text += R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"lacuna"}})";
    for (const TraceEvent& event : events) text += ",\n" + line_of(event);
    text += "\n],\"otherData\":{\"events_left_out\":" + std::to_string(dropped) + "}}\n";
  }
  write_file_atomically(file, text, "trace");
}

}  // namespace lacuna
