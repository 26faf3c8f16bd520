#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace lacuna {

/// A stretch of time on one thread: an op's kernel, or a span of the program around several.
struct TraceEvent {
  std::string name;
  std::string detail;  ///< an op's shapes: "(1,8,8,3) (3,3,3,4) -> (1,8,8,4)"
  bool is_op = false;
  int64_t start = 0, duration = 0;  ///< in nanoseconds; starts are counted from start_trace()
  int thread = 0;                   ///< numbered from 1 in order of first use
};

namespace detail {
extern std::atomic<bool> trace_on;
int64_t trace_clock();
/// "Variable lacuna::elu(const Variable&)" -> "elu".
std::string short_name(std::string function);
void trace_kernel(int64_t start, const std::source_location& where);
void trace_span(std::string name, std::string detail, int64_t start);
}  // namespace detail

/// Whether events are being collected. They are not, at the cost of this one question, until start_trace().
inline bool tracing() { return detail::trace_on.load(std::memory_order_relaxed); }

/// Forgets what was collected and begins anew. A million events are kept, the first; the file says how many more there
/// were.
void start_trace();
/// Collects no more; what was collected stays.
void stop_trace();

/// The number of events so far, and those from number `first` on, in order of their ends.
size_t trace_size();
std::vector<TraceEvent> trace_events(size_t first = 0);

/// Writes all events in Chrome's trace format (one JSON object), for chrome://tracing and ui.perfetto.dev, atomically.
/// Throws Error "[trace] FILE: ..." if it cannot.
void write_trace(const std::filesystem::path& file);

/// An event from its construction to its destruction. A detail is a function, called only where events are collected.
class TraceSpan {
 public:
  explicit TraceSpan(std::string_view name) {
    if (tracing()) begin(name, {});
  }
  template <class Detail>
  TraceSpan(std::string_view name, const Detail& detail) {
    if (tracing()) begin(name, detail());
  }
  ~TraceSpan() {
    if (open_) detail::trace_span(std::move(open_->name), std::move(open_->detail), open_->start);
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  void begin(std::string_view name, std::string detail) {
    open_.emplace(TraceEvent{.name = std::string(name), .detail = std::move(detail), .start = detail::trace_clock()});
  }

  std::optional<TraceEvent> open_;
};

/// The event of a kernel that the function at `where` calls; by that function it is named until trace_op names it.
class TraceKernel {
 public:
  explicit TraceKernel(const std::source_location& where)
      : start_(tracing() ? detail::trace_clock() : -1), where_(where) {}
  ~TraceKernel() {
    if (start_ >= 0) detail::trace_kernel(start_, where_);
  }
  TraceKernel(const TraceKernel&) = delete;
  TraceKernel& operator=(const TraceKernel&) = delete;

 private:
  int64_t start_;
  std::source_location where_;
};

/// Names the kernels that functions of source file `file` called on this thread since the last trace_op: they were an
/// op's.
void trace_op(std::string_view name, const char* file, const std::function<std::string()>& detail);

}  // namespace lacuna
