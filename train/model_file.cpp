#include "train/model_file.h"

#include <charconv>

#include "tensor/safetensors.h"

namespace lacuna {
namespace {

constexpr const char* format_name = "lacuna-model";

/// The value of a key that must be there.
const std::string& metadata_at(const std::map<std::string, std::string>& metadata, const char* key) {
  const auto found = metadata.find(key);
  check(found != metadata.end(), "its metadata lack ", key);
  return found->second;
}

template <class E>
using Names = std::vector<std::pair<const char*, E>>;

template <class E>
E named(const std::map<std::string, std::string>& metadata, const char* key, const Names<E>& names) {
  const std::string& given = metadata_at(metadata, key);
  std::string known;
  for (const auto& [name, value] : names) {
    if (given == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail("its metadata say ", key, " = ", given, "; known are ", known);
}

template <class E>
std::string name_in(const Names<E>& names, E value) {
  for (const auto& [name, meaning] : names) {
    if (meaning == value) return name;
  }
  fail("[model] a generator with this setting cannot be stored");
}

using Attention = GeneratorOptions::Attention;
const Names<Padding> paddings{
    {"same", Padding::same}, {"reflect", Padding::reflect}, {"symmetric", Padding::symmetric}};
const Names<bool> truths{{"true", true}, {"false", false}};
const Names<Attention> attentions{{"contextual", Attention::contextual},
                                  {"none", Attention::none},
                                  {"appearance_flow", Attention::appearance_flow},
                                  {"spatial_transformer", Attention::spatial_transformer}};

int64_t whole_number(const std::map<std::string, std::string>& metadata, const char* key, int64_t lo, int64_t hi) {
  const std::string& text = metadata_at(metadata, key);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && value >= lo && value <= hi, "its metadata say ",
        key, " = ", text, ", which is no whole number from ", lo, " to ", hi);
  return value;
}

Model model_of(const Safetensors& file) {
  const auto format = file.metadata.find("format");
  check(
      format == file.metadata.end() || format->second != "lacuna-checkpoint",
      "is a training checkpoint; the model is model.safetensors in the run's folder, and lacuna convert makes one of a "
      "checkpoint");
  check(format != file.metadata.end() && format->second == format_name,
        "is no Lacuna model (its metadata do not say format = ", format_name, ")");
  GeneratorOptions options;
  options.cnum = whole_number(file.metadata, "cnum", 1, 4096);
  options.padding = named(file.metadata, "padding", paddings);
  options.one_stage = named(file.metadata, "one_stage", truths);
  options.attention = named(file.metadata, "attention", attentions);
  const std::string order = named(file.metadata, "channel_order", Names<std::string>{{"rgb", "rgb"}, {"bgr", "bgr"}});
  Model model{Generator(options), order, file.metadata};
  model.generator.params().assign(file.tensors);
  return model;
}

}  // namespace

const std::vector<std::pair<const char*, Storage>>& storages() {
  static const std::vector<std::pair<const char*, Storage>> all{
      {"f32", Storage::f32}, {"f16", Storage::f16}, {"bf16", Storage::bf16}, {"f64", Storage::f64}};
  return all;
}

bool is_checkpoint(const std::filesystem::path& path) {
  const SafetensorsHeader header = read_safetensors_header(path);
  const auto format = header.metadata.find("format");
  return format != header.metadata.end() && format->second == "lacuna-checkpoint";
}

Model load_model(const std::filesystem::path& path) {
  const Safetensors file = read_safetensors(path);
  try {
    return model_of(file);
  } catch (const Error& error) {
    fail("[model] ", path.string(), ": ", error.what());
  }
}

Model moved(Model model, Device device) {
  model.generator.params().move_to(device);
  return model;
}

void save_model(const std::filesystem::path& path, const Generator& generator,
                std::map<std::string, std::string> metadata, Storage storage) {
  const GeneratorOptions& options = generator.options();
  metadata["format"] = format_name;
  metadata["cnum"] = std::to_string(options.cnum);
  metadata["padding"] = name_in(paddings, options.padding);
  metadata["one_stage"] = name_in(truths, options.one_stage);
  metadata["attention"] = name_in(attentions, options.attention);
  metadata.try_emplace("channel_order", "rgb");
  Safetensors file{std::move(metadata), {}};
  const DType type = storage == Storage::f64 ? DType::f64 : storage == Storage::bf16 ? DType::bf16 : DType::f32;
  for (const auto& [name, value] : generator.params().tensors()) {
    file.tensors.emplace_back(name, value.to(Device{}).to(type));
  }
  storage == Storage::f16 ? write_safetensors_half(path, file) : write_safetensors(path, file);
}

}  // namespace lacuna
