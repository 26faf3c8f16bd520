#include "bench/traced.h"

#include <algorithm>
#include <numeric>

namespace lacuna::bench {
namespace {

double seconds_of(const TraceEvent& e) { return static_cast<double>(e.duration) / 1e9; }

/// Whether `inner` lies within `outer`.
bool within(const TraceEvent& inner, const TraceEvent& outer) {
  return inner.thread == outer.thread && inner.start >= outer.start &&
         inner.start + inner.duration <= outer.start + outer.duration;
}

OpRow::Part part_of(const TraceEvent& op, const std::vector<const TraceEvent*>& spans) {
  OpRow::Part part = OpRow::Part::others;
  for (const TraceEvent* span : spans) {
    if (!within(op, *span)) continue;
    if (span->name == "contextual_attention") return OpRow::Part::attention;
    if (span->name.starts_with("inpaint_net/")) part = OpRow::Part::convolutions;
  }
  return part;
}

}  // namespace

Traced::Traced(const std::function<void()>& run) {
  const bool had = tracing();
  if (!had) start_trace();
  const size_t first = trace_size();
  try {
    run();
  } catch (...) {
    if (!had) stop_trace();
    throw;
  }
  events_ = trace_events(first);
  if (!had) stop_trace();
}

std::vector<double> Traced::spans(const std::string& name) const {
  std::vector<double> seconds;
  for (const TraceEvent& e : events_) {
    if (!e.is_op && e.name == name) seconds.push_back(seconds_of(e));
  }
  return seconds;
}

double Traced::total(const std::string& name) const {
  const std::vector<double> seconds = spans(name);
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

void add_ops(const Traced& pass, const Setting& setting, std::vector<OpRow>& rows) {
  std::vector<const TraceEvent*> spans;
  for (const TraceEvent& e : pass.events()) {
    if (!e.is_op) spans.push_back(&e);
  }
  std::vector<std::pair<double, int64_t>> sums(rows.size());  // seconds and calls, like the rows
  for (const TraceEvent& e : pass.events()) {
    if (!e.is_op) continue;
    const OpRow::Part part = part_of(e, spans);
    const auto same = [&](const OpRow& row) { return row.part == part && row.op == e.name; };
    const auto found = std::find_if(rows.begin(), rows.end(), same);
    const auto at = static_cast<size_t>(found - rows.begin());
    if (found == rows.end()) {
      rows.push_back({.setting = setting, .part = part, .op = e.name, .times = {}});
      sums.emplace_back();
    }
    sums[at].first += seconds_of(e);
    ++sums[at].second;
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    rows[k].times.runs.push_back(sums[k].first);
    rows[k].calls = sums[k].second;
  }
}

}  // namespace lacuna::bench
