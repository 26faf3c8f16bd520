#include "train/import_names.h"

#include <cstring>
#include <map>
#include <vector>

#include "nets/generator.h"

namespace lacuna {
namespace {

constexpr const char* stages[] = {"coarse_generator.", "fine_generator."};

/// The part of a name from its stage on; "" if it names none.
std::string from_stage(const std::string& name) {
  for (const std::string stage : stages) {
    const size_t at = name.find(stage);
    if (at != std::string::npos && (at == 0 || name[at - 1] == '.')) return name.substr(at);
  }
  return "";
}

std::vector<std::string> spellings_of(const std::string& layer) {
  constexpr std::string_view suffix = "_upsample";
  if (!layer.ends_with(suffix)) return {layer};
  return {layer.substr(0, layer.size() - suffix.size()), layer, layer + "_conv"};
}

/// Our names by the port's, for every spelling.
std::map<std::string, std::string> make_names() {
  std::map<std::string, std::string> names;
  const std::string prefix = "inpaint_net/";
  GeneratorOptions smallest;
  smallest.cnum = 2;
  const Generator generator(smallest);
  for (const auto& [name, variable] : generator.params().items()) {
    // inpaint_net/LAYER/kernel or inpaint_net/LAYER/LAYER_conv/kernel
    const std::string rest = name.substr(prefix.size()), layer = rest.substr(0, rest.find('/'));
    const bool coarse = layer.starts_with("conv");
    std::vector<std::string> spellings = spellings_of(layer);
    if (layer.starts_with("x")) spellings.push_back(layer.substr(1));
    const std::string leaf = name.ends_with("/kernel") ? "weight" : "bias";
    for (const std::string& spelling : spellings) {
      for (const char* block : {".", ".conv."}) names[stages[coarse ? 0 : 1] + spelling + block + leaf] = name;
    }
  }
  return names;
}

}  // namespace

bool is_generator_name(const std::string& name) { return !from_stage(name).empty(); }

std::optional<std::string> our_name(const std::string& name) {
  static const std::map<std::string, std::string> names = make_names();
  const auto found = names.find(from_stage(name));
  if (found == names.end()) return std::nullopt;
  return found->second;
}

Tensor our_kernel(const Tensor& kernel, const std::string& name) {
  check(kernel.rank() == 4, name, " is ", kernel.shape(), ", which is no convolution's kernel");
  const int64_t out = kernel.dim(0), in = kernel.dim(1), field = kernel.dim(2) * kernel.dim(3);
  Tensor turned({kernel.dim(2), kernel.dim(3), in, out}, kernel.dtype());
  const auto size = size_of(kernel.dtype());
  const char* from = static_cast<const char*>(kernel.raw());
  char* to = static_cast<char*>(turned.raw());
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t f = 0; f < field; ++f) {
        std::memcpy(to + ((f * in + i) * out + o) * size, from + ((o * in + i) * field + f) * size,
                    static_cast<size_t>(size));
      }
    }
  }
  return turned;
}

}  // namespace lacuna
