#include "train/checkpoint_model.h"

#include "tensor/safetensors.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace lacuna {
namespace {

constexpr std::string_view average_prefix = "ema/average/", generator_prefix = "inpaint_net/";

}  // namespace

Model load_model_or_checkpoint(const std::filesystem::path& path, bool raw) {
  if (!is_checkpoint(path)) {
    check(!raw, "[model] ", path.string(), ": holds one set of parameters; raw ones are to be had of a checkpoint");
    return load_model(path);
  }
  const Checkpoint checkpoint = read_checkpoint(path);
  try {
    const TrainConfig config = parse_config(checkpoint.config, "its configuration");
    GeneratorOptions options = config.network;
    options.dtype = DType::f32;
    std::vector<std::pair<std::string, Tensor>> trained, averaged;
    for (const auto& [name, tensor] : checkpoint.tensors) {
      if (name.starts_with(generator_prefix)) trained.emplace_back(name, tensor);
      if (name.starts_with(average_prefix)) averaged.emplace_back(name.substr(average_prefix.size()), tensor);
    }
    const bool take_average = !averaged.empty() && !raw;
    Model model{Generator(options), "rgb", run_metadata(config, checkpoint.step, take_average)};
    model.generator.params().assign(take_average ? averaged : trained);
    return model;
  } catch (const Error& error) {
    fail("[checkpoint] ", path.string(), ": ", error.what());
  }
}

}  // namespace lacuna
