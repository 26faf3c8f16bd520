#pragma once

#include <functional>

#include "autograd/variable.h"

namespace lacuna {

/// f(inputs), of which the tape keeps the inputs and the result alone: f runs unrecorded, and again, recorded, whenever
/// the backward pass comes through. Time is given for memory (Chen et al., "Training Deep Nets with Sublinear Memory
/// Cost", 2016). Gradients have the bits of f's own tape and can be differentiated any number of times.
///
/// What f captures is found as f runs, and gets its gradients too, if it is a leaf, as parameters are. Whatever was
/// computed must come in through `inputs`: Error otherwise. f must do the same each time, and is kept with the tape.
Variable checkpoint(std::function<Variable(const Variables&)> f, const Variables& inputs);

}  // namespace lacuna
