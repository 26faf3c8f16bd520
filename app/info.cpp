#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>

#include "app/app.h"
#include "app/table.h"
#include "tensor/check.h"
#include "tensor/safetensors.h"
#include "train/tensor_bundle.h"
#include "train/torch_file.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr const char* other = "other";

struct InfoArguments {
  std::vector<std::string> files;
  bool brief = false;
};

/// What is told of a file, whatever its format.
struct Content {
  fs::path file;
  std::string kind;
  SafetensorsHeader header;
};

std::string kind_of(const SafetensorsHeader& header) {
  const auto format = header.metadata.find("format");
  if (format != header.metadata.end() && format->second == "lacuna-model") return "a Lacuna model";
  if (format != header.metadata.end() && format->second == "lacuna-checkpoint") return "a Lacuna training checkpoint";
  const auto golden_case = header.metadata.find("case");
  if (golden_case != header.metadata.end()) return "a golden case of " + golden_case->second;
  return "a safetensors file";
}

/// `file` may be the prefix of a TensorFlow checkpoint, too.
Content content_of(const std::string& file) {
  const std::string path = fs::exists(file) ? file : bundle_prefix(file) + ".index";
  if (is_bundle_index(path)) {
    Content content{path, "the index of a TensorFlow checkpoint", {}};
    for (const BundleEntry& entry : read_bundle_index(path).entries) {
      content.header.tensors.push_back({entry.name, entry.type, entry.shape, entry.bytes});
    }
    return content;
  }
  if (is_torch_file(path)) {
    Content content{path, "a PyTorch state dict", {}};
    for (const auto& [name, tensor] : read_torch_file(path)) {
      if (!tensor.defined()) continue;
      content.header.tensors.push_back({name, name_of(tensor.dtype()), tensor.shape(), tensor.nbytes()});
    }
    return content;
  }
  SafetensorsHeader header = read_safetensors_header(file);
  return {file, kind_of(header), std::move(header)};
}

/// The network that a tensor belongs to, by the released checkpoints' names, with what stands before these names (in a
/// checkpoint the optimiser's state has the parameters' names behind its own) or behind them (in TensorFlow's, Adam's
/// means and squares); `other` for unknown names.
std::string network_of(const std::string& name) {
  for (const std::string slot : {"/Adam", "/Adam_1"}) {
    if (!name.ends_with(slot)) continue;
    const std::string network = network_of(name.substr(0, name.size() - slot.size()));
    return network == other ? network : network + " (" + slot.substr(1) + ")";
  }
  static const std::vector<std::pair<std::string, std::string>> networks{
      {"inpaint_net/", "generator"},
      {"discriminator/discriminator_local/", "local critic"},
      {"discriminator/dout_local_fc/", "local critic"},
      {"discriminator/discriminator_global/", "global critic"},
      {"discriminator/dout_global_fc/", "global critic"},
  };
  for (const auto& [text, network] : networks) {
    const size_t at = name.find(text);
    if (at != std::string::npos && (at == 0 || name[at - 1] == '/' || name[at - 1] == '.')) {
      return at == 0 ? network : network + " (" + name.substr(0, at - 1) + ")";
    }
  }
  return other;
}

/// Control characters, which a terminal would obey, as spaces.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

/// A text of several lines, such as a configuration, stands below its key.
void print_metadata(const std::map<std::string, std::string>& metadata) {
  Table table({"metadata", ""});
  std::ostringstream below;
  for (const auto& [key, text] : metadata) {
    if (text.find('\n') == std::string::npos) {
      table.add({printable(key), printable(text)});
      continue;
    }
    below << printable(key) << ":\n";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) below << "  " << printable(line) << '\n';
  }
  if (!table.empty()) table.print(std::cout);
  std::cout << below.str();
}

void print_counts(const SafetensorsHeader& header) {
  std::vector<std::pair<std::string, int64_t>> counts;
  int64_t parameters = 0, all = 0;
  for (const auto& entry : header.tensors) {
    const std::string network = network_of(entry.name);
    auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == network; });
    if (found == counts.end()) found = counts.insert(counts.end(), {network, 0});
    found->second += entry.shape.numel();
    if (network != other && network.back() != ')') parameters += entry.shape.numel();
    all += entry.shape.numel();
  }
  Table table({"network", "numbers"});
  for (const auto& [network, count] : counts) table.add({printable(network), grouped(count)});
  if (parameters > 0) table.add({"parameters in all", grouped(parameters)});
  if (all != parameters) table.add({"numbers in all", grouped(all)});
  table.print(std::cout);
}

void print_info(const std::string& given, bool brief) {
  const auto [file, kind, header] = content_of(given);
  std::cout << file.string() << ": " << printable(kind) << ", " << grouped(static_cast<int64_t>(header.tensors.size()))
            << " tensors, " << grouped(static_cast<int64_t>(fs::file_size(file))) << " bytes\n\n";
  if (!header.metadata.empty()) {
    print_metadata(header.metadata);
    std::cout << '\n';
  }
  if (!brief) {
    Table tensors({"tensor", "shape", "type"});
    for (const auto& entry : header.tensors) tensors.add({printable(entry.name), entry.shape.str(), entry.type});
    tensors.print(std::cout);
    std::cout << '\n';
  }
  print_counts(header);
}

void info(const InfoArguments& arguments) {
  bool first = true;
  for (const std::string& file : arguments.files) {
    if (!first) std::cout << '\n';
    first = false;
    print_info(file, arguments.brief);
  }
}

}  // namespace

void add_info(CLI::App& app) {
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* command = app.add_subcommand(
      "info", "Show what a model, a checkpoint, a TensorFlow checkpoint's index or a PyTorch state dict holds");
  command->add_option("FILE", arguments->files, "The files")->required()->type_name("");
  command->add_flag("--brief", arguments->brief, "Leave out the table of tensors");
  command->footer(
      "Shows the kind of file, its metadata, every tensor's name, shape and type, and the parameters of each network.\n"
      "Examples:\n"
      "  lacuna info model.safetensors\n"
      "  lacuna info --brief runs/places/checkpoint.safetensors\n"
      "  lacuna info places2/snap-0.index");
  command->callback([arguments] { info(*arguments); });
}

}  // namespace lacuna
