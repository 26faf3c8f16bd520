#pragma once

#include <string>

#include "autograd/variable.h"

namespace lacuna {

/// What grad(y, ...) will walk: the recorded ops that y depends on, one a line in the order they were executed,
/// numbered, each with the numbers of its inputs. After "<-" stand the ops whose cotangents will be summed there, where
/// there are several. For y = sin(x) * x + 1:
///
///     3 ops, 1 leaf
///     #0 leaf  <- #2 #1
///     #1 sine(#0)
///     #2 multiply(#1, #0)
///     #3 add(#2, constant)
std::string explain(const Variable& y);

/// The same as a Graphviz digraph (dot -Tsvg): boxes are leaves, arrows run from an op's inputs to the op.
std::string explain_dot(const Variable& y);

}  // namespace lacuna
