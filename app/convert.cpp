#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include "app/app.h"
#include "app/table.h"
#include "tensor/check.h"
#include "train/checkpoint_model.h"

namespace lacuna {
namespace {

struct ConvertArguments {
  std::string input, output, storage = "f32";
  std::vector<std::string> set;  // KEY=TEXT
  bool half = false, raw = false;
};

/// Changes what the model says of itself; a key without text goes.
void set_metadata(Model& model, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    check(equals != std::string::npos && equals > 0, "[convert] --set: ", text, " is not of the form KEY=TEXT");
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    for (const char* fixed : {"format", "cnum", "padding", "one_stage", "attention", "channel_order"}) {
      check(key != fixed, "[convert] --set: ", key, " says what the model's numbers mean and cannot be changed");
    }
    if (value.empty()) {
      model.metadata.erase(key);
    } else {
      model.metadata[key] = value;
    }
  }
}

void convert(const ConvertArguments& arguments) {
  const std::map<std::string, Storage> names(storages().begin(), storages().end());
  std::error_code ignored;
  check(!std::filesystem::equivalent(arguments.input, arguments.output, ignored) || !is_checkpoint(arguments.input),
        "[convert] ", arguments.output,
        " would replace the checkpoint, which holds more than a model; name another file");
  Model model = load_model_or_checkpoint(arguments.input, arguments.raw);
  set_metadata(model, arguments.set);
  const std::string storage = arguments.half ? "f16" : arguments.storage;
  save_model(arguments.output, model.generator, model.metadata, names.at(storage));
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(arguments.output));
  std::cout << arguments.output << ": " << grouped(model.generator.params().count()) << " parameters in " << storage
            << ", " << grouped(bytes) << " bytes\n";
}

}  // namespace

void add_convert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command =
      app.add_subcommand("convert", "Store a model in half precision, or take one out of a training checkpoint");
  command->add_option("IN", arguments->input, "A model or a training checkpoint")->required()->type_name("");
  command->add_option("OUT", arguments->output, "The model to write, a .safetensors file")->required()->type_name("");
  std::vector<std::string> names;
  for (const auto& [name, storage] : storages()) names.emplace_back(name);
  CLI::Option* storage =
      command->add_option("--storage", arguments->storage, "Type of its numbers: f32 (default), f16, bf16 or f64")
          ->type_name("TYPE")
          ->check(CLI::IsMember(names).description(""));
  command->add_flag("--half", arguments->half, "The same as --storage f16: half the size")->excludes(storage);
  command->add_flag("--raw", arguments->raw,
                    "Of a checkpoint, the parameters as the last step left them instead of their moving average");
  command
      ->add_option(
          "--set", arguments->set,
          "Change what the model says of itself, as lacuna info shows it: description, trained_on, ...; may be "
          "repeated; without TEXT the key goes")
      ->type_name("KEY=TEXT")
      ->allow_extra_args(false);
  command->footer(
      "Every command that reads models takes all of these types and computes in f32. f16 keeps eleven bits of each\n"
      "number, bf16 eight; a fill hardly changes by f16.\n"
      "Examples:\n"
      "  lacuna convert --half runs/first/model.safetensors small.safetensors\n"
      "  lacuna convert runs/first/checkpoints/step_00010000.safetensors at_10000.safetensors\n"
      "  lacuna convert --raw runs/first/checkpoints/step_00010000.safetensors raw.safetensors\n"
      "  lacuna convert --set trained_on=Beaches --set step= model.safetensors named.safetensors");
  command->callback([arguments] { convert(*arguments); });
}

}  // namespace lacuna
