#pragma once

#include <ostream>

#include "bench/rows.h"

namespace lacuna {

/// What `lacuna bench` measured, as tables. Of the ops those of a pass that are no convolutions stand below the layers;
/// each op for itself stands in a table of its own if `with_ops`.
void print_tables(const bench::Results& results, bool with_ops, std::ostream& out);

}  // namespace lacuna
