#include "train/import.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "nets/critics.h"
#include "tensor/file.h"
#include "train/config.h"
#include "train/import_names.h"
#include "train/tensor_bundle.h"
#include "train/torch_file.h"
#include "train/trainer.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using Named = std::vector<std::pair<std::string, Tensor>>;
using Shapes = std::map<std::string, Shape>;

constexpr std::string_view generator_prefix = "inpaint_net/", critics_prefix = "discriminator/";

/// The generator whose parameters have these names and shapes; throws if there is none.
Generator generator_for(const Shapes& shapes) {
  const auto first = shapes.find("inpaint_net/conv1/kernel");
  check(first != shapes.end(), "holds no generator: it lacks ", "inpaint_net/conv1/kernel");
  check(first->second.rank() == 4, "inpaint_net/conv1/kernel is ", first->second, ", not (5,5,5,cnum)");
  GeneratorOptions options;
  options.cnum = first->second[3];
  constexpr int64_t widest = 128;
  check(options.cnum >= 2 && options.cnum <= widest && options.cnum % 2 == 0, "has ", options.cnum,
        " channels after its first layer; supported are even numbers up to ", widest);
  const auto second = shapes.find("inpaint_net/conv2_downsample/kernel");
  check(second == shapes.end() || second->second.rank() != 4 || 2 * second->second[2] != options.cnum,
        "is of the successor's network with gated convolutions, which is another one");
  const auto second_stage = [](const auto& named) { return named.first.starts_with("inpaint_net/allconv"); };
  options.one_stage = std::none_of(shapes.begin(), shapes.end(), second_stage);
  Generator generator(options);
  for (const auto& [name, variable] : generator.params().items()) {
    const auto given = shapes.find(name);
    check(given != shapes.end(), "lacks ", name);
    check(given->second == variable.shape(), name, " is ", given->second, "; in a network of cnum ", options.cnum,
          " it is ", variable.shape());
  }
  for (const auto& [name, shape] : shapes) {
    check(generator.params().has(name), name, " is no parameter of the network");
  }
  return generator;
}

double scalar(const std::string& prefix, const BundleIndex& index, const std::string& name, double fallback) {
  const auto found = std::find_if(index.entries.begin(), index.entries.end(),
                                  [&](const BundleEntry& entry) { return entry.name == name; });
  if (found == index.entries.end() || found->shape.numel() != 1) return fallback;
  return read_bundle_tensors(prefix, index, {*found})[0].second.item();
}

/// The side of the square pictures that a critic was made for, of the smallest multiple of 16 that fits; 0 if it is not
/// there.
int64_t critic_side(const Shapes& shapes, const std::string& kind) {
  const auto kernel = shapes.find("discriminator/dout_" + kind + "_fc/kernel");
  const auto last = shapes.find("discriminator/discriminator_" + kind + "/conv4/kernel");
  if (kernel == shapes.end() || last == shapes.end() || kernel->second.rank() != 2 || last->second.rank() != 4)
    return 0;
  constexpr int64_t strides = 16;
  const double positions = static_cast<double>(kernel->second[0]) / static_cast<double>(last->second[3]);
  return std::llround(std::sqrt(positions)) * strides;
}

/// The configuration of a training whose networks have these shapes.
TrainConfig config_for(const GeneratorOptions& network, const Shapes& shapes, int64_t step) {
  const auto first = shapes.find("discriminator/discriminator_global/conv1/kernel");
  const int64_t picture = critic_side(shapes, "global"), hole = critic_side(shapes, "local");
  check(picture > 0 && hole > 0 && first != shapes.end() && first->second.rank() == 4,
        "holds no training to go on with: the critics are missing; import the model alone");
  TrainConfig config;
  config.network = network;
  config.critic_cnum = first->second[3];
  config.data.height = config.data.width = picture;
  config.holes.hole_height = config.holes.hole_width = hole;
  config.holes.max_shrink = std::min(config.holes.max_shrink, hole / 2);
  config.steps += step;
  check_config(config);
  return config;
}

/// How many updates Adam has made, from the powers of its decays that it keeps: after t of them they are beta^(t+1). In
/// a long training they have become 0; so many updates that the correction made of them is 1 then.
int64_t adam_updates(double power, double beta) {
  constexpr int64_t many = 1000;
  if (!(power > 0 && power < 1)) return many;
  return std::max<int64_t>(0, std::llround(std::log(power) / std::log(beta)) - 1);
}

/// Names of a training's state: the parameter, and what is kept of it ("" for its value, "m" or "v").
std::pair<std::string, std::string> parameter_and_slot(const std::string& name) {
  for (const auto& [suffix, slot] : {std::pair<std::string, std::string>{"/Adam", "m"}, {"/Adam_1", "v"}}) {
    if (name.ends_with(suffix)) return {name.substr(0, name.size() - suffix.size()), slot};
  }
  return {name, ""};
}

Checkpoint training_state(const std::string& prefix, const BundleIndex& index, const GeneratorOptions& network,
                          bool bgr) {
  Shapes shapes;
  std::vector<BundleEntry> wanted;
  for (const BundleEntry& entry : index.entries) {
    if (!entry.name.starts_with(generator_prefix) && !entry.name.starts_with(critics_prefix)) continue;
    shapes[entry.name] = entry.shape;
    wanted.push_back(entry);
  }
  const auto step = static_cast<int64_t>(scalar(prefix, index, "global_step", 0));
  check(step >= 0, "its global_step is ", step);
  const TrainConfig config = config_for(network, shapes, step);

  Checkpoint checkpoint{step, static_cast<uint64_t>(step * (config.critic_steps + 1)), to_toml(config), {}};
  for (auto& [name, tensor] : read_bundle_tensors(prefix, index, wanted)) {
    const auto [parameter, slot] = parameter_and_slot(name);
    const std::string owner = parameter.starts_with(generator_prefix) ? "generator" : "critics";
    checkpoint.tensors.emplace_back(slot.empty() ? parameter : "adam/" + owner + "/" + slot + "/" + parameter, tensor);
  }
  // One pair of powers, since one optimiser updates all networks in the released code.
  const double beta = config.optimizer.adam.beta2;
  const Tensor updates =
      Tensor::scalar(static_cast<double>(adam_updates(scalar(prefix, index, "beta2_power", 0), beta)), DType::i32);
  for (const char* owner : {"generator", "critics"}) {
    checkpoint.tensors.emplace_back(std::string("adam/") + owner + "/updates", updates);
  }
  if (bgr) swap_red_and_blue(checkpoint.tensors);
  Trainer trainer(config, {});
  trainer.restore(checkpoint);  // names what is missing, unknown or of another shape
  return trainer.state();
}

/// Exchanges the indices 0 and 2 of an axis.
Tensor with_ends_swapped(const Tensor& x, int axis) {
  Tensor turned = x.clone();
  int64_t outer = 1, inner = size_of(x.dtype());
  for (int k = 0; k < axis; ++k) outer *= x.dim(k);
  for (int k = axis + 1; k < x.rank(); ++k) inner *= x.dim(k);
  char* bytes = static_cast<char*>(turned.raw());
  for (int64_t i = 0; i < outer; ++i) {
    char* const row = bytes + i * x.dim(axis) * inner;
    std::swap_ranges(row, row + inner, row + 2 * inner);
  }
  return turned;
}

}  // namespace

Imported import_tensorflow(const std::string& given, const std::string& channel_order, bool with_training) {
  const std::string prefix = bundle_prefix(given), index_file = prefix + ".index";
  const std::string path = fs::exists(given) && !fs::exists(index_file) ? given : index_file;
  const BundleIndex index = read_bundle_index(path);
  try {
    Shapes shapes;
    std::vector<BundleEntry> wanted;
    std::vector<std::string> left_out;
    for (const BundleEntry& entry : index.entries) {
      if (entry.name.starts_with(generator_prefix) && parameter_and_slot(entry.name).second.empty()) {
        shapes[entry.name] = entry.shape;
        wanted.push_back(entry);
      } else {
        left_out.push_back(entry.name);
      }
    }
    Imported imported{generator_for(shapes), {}, std::move(left_out), {}};
    imported.metadata = {
        {"channel_order", channel_order},
        {"description", "imported from the TensorFlow checkpoint " + fs::path(prefix).filename().string()}};
    imported.generator.params().assign(read_bundle_tensors(prefix, index, wanted));
    if (with_training) {
      imported.training = training_state(prefix, index, imported.generator.options(), channel_order == "bgr");
      std::erase_if(imported.left_out, [](const std::string& name) {
        static const std::set<std::string> used{"global_step", "beta1_power", "beta2_power"};
        return name.starts_with(generator_prefix) || name.starts_with(critics_prefix) || used.contains(name);
      });
    }
    return imported;
  } catch (const Error& error) {
    const std::string reason = error.what();
    if (reason.starts_with("[tensorflow]")) throw;
    fail("[tensorflow] ", path, ": ", reason);
  }
}

Imported import_pytorch(const fs::path& file, const std::string& channel_order) {
  Named tensors = read_torch_file(file);
  try {
    Shapes shapes;
    Named parameters;
    std::vector<std::string> left_out;
    std::map<std::string, std::string> theirs;  // by our names
    for (auto& [name, tensor] : tensors) {
      const std::optional<std::string> ours = tensor.defined() ? our_name(name) : std::nullopt;
      if (!ours) {
        check(!is_generator_name(name), name, " is no parameter of the network");
        left_out.push_back(name);
        continue;
      }
      const auto [other, is_new] = theirs.emplace(*ours, name);
      check(is_new, other->second, " and ", name, " are the same parameter");
      const Tensor turned = ours->ends_with("/kernel") ? our_kernel(tensor, name) : tensor;
      shapes[*ours] = turned.shape();
      parameters.emplace_back(*ours, turned);
    }
    check(!parameters.empty(), "holds no generator: none of its ", tensors.size(),
          " tensors is named like coarse_generator.conv1.conv.weight");
    Imported imported{generator_for(shapes), {}, std::move(left_out), {}};
    imported.metadata = {{"channel_order", channel_order},
                         {"description", "imported from the PyTorch state dict " + file.filename().string()}};
    imported.generator.params().assign(parameters);
    return imported;
  } catch (const Error& error) {
    fail("[pytorch] ", file.string(), ": ", error.what());
  }
}

void swap_red_and_blue(Named& tensors) {
  static const std::vector<std::string> inputs{
      "inpaint_net/conv1/kernel", "inpaint_net/xconv1/kernel", "inpaint_net/pmconv1/kernel",
      "discriminator/discriminator_local/conv1/kernel", "discriminator/discriminator_global/conv1/kernel"};
  static const std::vector<std::string> outputs{"inpaint_net/conv17/kernel", "inpaint_net/conv17/bias",
                                                "inpaint_net/allconv17/kernel", "inpaint_net/allconv17/bias"};
  for (auto& [name, tensor] : tensors) {
    const auto is = [&, full = &name](const std::string& parameter) {
      return full->ends_with(parameter) && (*full == parameter || (*full)[full->size() - parameter.size() - 1] == '/');
    };
    const bool takes = std::any_of(inputs.begin(), inputs.end(), is);
    if (!takes && std::none_of(outputs.begin(), outputs.end(), is)) continue;
    const int axis = takes ? tensor.rank() - 2 : tensor.rank() - 1;
    check(axis >= 0 && tensor.dim(axis) >= 3, "[import] ", name, " ", tensor.shape(), " has no three colours");
    tensor = with_ends_swapped(tensor, axis);
  }
}

void write_run(const fs::path& folder, const Checkpoint& checkpoint) {
  check(!fs::exists(folder) || (fs::is_directory(folder) && fs::is_empty(folder)), "[import] ", folder.string(),
        " is not empty; name a new folder");
  const fs::path target = folder.has_filename() ? folder : folder.parent_path();
  fs::path temporary = target;
  temporary += ".tmp-" + std::to_string(::getpid());
  try {
    fs::create_directories(temporary / "checkpoints");
    write_checkpoint(checkpoint_path(temporary / "checkpoints", checkpoint.step), checkpoint);
    write_file_atomically(temporary / "config.toml", checkpoint.config, "import");
    fs::remove(target);
    fs::rename(temporary, target);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    fail("[import] ", folder.string(), ": cannot write: ", error.what());
  }
}

}  // namespace lacuna
