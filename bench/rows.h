#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/peak.h"
#include "nets/layers.h"
#include "tensor/shape.h"

namespace lacuna::bench {

/// What a row was measured on.
struct Setting {
  int64_t height = 0, width = 0;
  int64_t batch = 1;
  int64_t cnum = 32;
  Precision precision = Precision::highest;
};

/// A whole forward pass of the generator.
struct InferenceRow {
  Setting setting;
  Times times;
  Memory memory;
};

enum class Face : uint8_t { forward, input, weight };

/// One convolution by itself at the shape it has in its network.
struct LayerRow {
  Setting setting;  ///< of the network
  std::string network;
  PlacedLayer place;
  Face face = Face::forward;
  Times times;
  double flops = 0;  ///< 2 N Ho Wo kh kw Ci Co, as the layer is defined; however it is computed
  double bytes = 0;  ///< of input, kernel and output, each once
};

/// The runs of one op within a forward pass.
struct OpRow {
  enum class Part : uint8_t { convolutions, attention, others };

  Setting setting;
  Part part = Part::others;
  std::string op;
  int64_t calls = 0;  ///< in one pass
  Times times;        ///< of all of them; a run is a pass
};

/// One iteration of the trainer.
struct TrainingRow {
  Setting setting;
  int64_t critic_steps = 0;
  Times iteration, critic_update, generator_update;
  Times data, adam;  ///< in an iteration: waiting for pictures and making holes; the optimiser's updates
  Memory memory;
};

struct Machine {
  std::string cpu;
  int cores = 0;
  int64_t memory = 0;  ///< bytes
};
Machine this_machine();

/// All that was measured.
struct Results {
  bool complete = false;  ///< else it was stopped
  Device device = {};     ///< that the rows were measured on
  std::vector<Peak>
      peaks;  ///< of the device; of the CPU, the last for the number of threads that the rows were measured with
  std::vector<InferenceRow> inference;
  std::vector<LayerRow> layers;
  std::vector<OpRow> ops;
  std::vector<TrainingRow> training;
};

const char* name_of(Precision precision);
const char* name_of(Face face);
const char* name_of(OpRow::Part part);

/// {"lacuna": version, "schema": 1, "complete", "device", "machine": {"cpu", "cores", "memory_bytes"}, "level",
/// "threads",
///  "peaks": [{"threads", "f32_flops", "bf16_pairs_flops", "bf16_tiles_flops" (null where there are none),
///             "copy_bytes"}], each a second,
///  "rows": [...]}; a row has "what", "height", "width", "batch", "cnum", "precision" and
///   inference: times, "peak_block_bytes", "peak_resident_bytes"
///   layer:     "network", "layer", "face", "input" (N,H,W,C), "kernel" (kh,kw,Ci,Co), "stride", "dilation",
///   "upsample",
///              times, "flops", "bytes", and with peaks "roofline_seconds", "bound" ("compute" or "memory")
///   op:        "part", "op", "calls", times
///   training:  "critic_steps", times (of an iteration), "critic_update", "generator_update", "data", "adam": {times},
///              "peak_block_bytes", "peak_resident_bytes"
/// where times are, in seconds, "median", "min", "spread" (the quartiles' distance over the median) and all "runs".
nlohmann::ordered_json to_json(const Results& results, const std::string& version);

}  // namespace lacuna::bench
