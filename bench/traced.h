#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/rows.h"
#include "tensor/trace.h"

namespace lacuna::bench {

/// A run, traced. A trace that is being made anyway goes on and keeps the run's events.
class Traced {
 public:
  explicit Traced(const std::function<void()>& run);

  const std::vector<TraceEvent>& events() const { return events_; }
  /// The seconds of each span of that name, in order; and their sum.
  std::vector<double> spans(const std::string& name) const;
  double total(const std::string& name) const;

 private:
  std::vector<TraceEvent> events_;
};

/// Adds a run to each op's row, making those that are missing: rows in order of first use, an op that runs in several
/// parts of the network once for each.
void add_ops(const Traced& pass, const Setting& setting, std::vector<OpRow>& rows);

}  // namespace lacuna::bench
