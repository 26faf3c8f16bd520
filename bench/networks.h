#pragma once

#include "bench/rows.h"
#include "nets/critics.h"
#include "nets/generator.h"
#include "train/trainer.h"

namespace lacuna::bench {

// The measurements. Each sets the precision that its setting names for the time it takes, and throws Stopped.

// What is measured lies on the effort's device.

/// The generator on random pictures with a hole in the middle, from pictures in memory to results in memory; on a CUDA
/// device as a plan.
InferenceRow measure_inference(const Generator& generator, const Setting& setting, const Effort& effort);

/// The same passes seen from inside, by the trace: what each op took.
std::vector<OpRow> measure_ops(const Generator& generator, const Setting& setting, const Effort& effort);

/// A layer of a network: the layer itself with bias and activation (face forward), its input gradient or its weight
/// gradient (without activation), as the tape computes them.
LayerRow measure_layer(const std::string& network, const Params& params, const PlacedLayer& place, Face face,
                       const Setting& setting, const Effort& effort);

/// The configuration of the paper's training, scaled to a setting: holes of half the pictures' sides, critics twice as
/// wide as the generator.
TrainConfig training_config(const Setting& setting);

/// The trainer's iterations; the first is not counted. On a CUDA device their parts come from further iterations.
/// Pictures are the configuration's if it names any, else random.
TrainingRow measure_training(const TrainConfig& config, const Effort& effort);

}  // namespace lacuna::bench
