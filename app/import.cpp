#include "train/import.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include "app/app.h"
#include "app/picture_files.h"
#include "app/suggest.h"
#include "app/table.h"
#include "tensor/check.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

struct ImportArguments {
  std::string tensorflow, pytorch, output, run, channel_order, storage = "f32";
};

/// Says what was left out, by its first few names.
void report_left_out(const std::vector<std::string>& names) {
  if (names.empty()) return;
  constexpr size_t most = 3;
  const size_t shown = std::min(most, names.size());
  const std::vector<std::string> first(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown));
  const std::string more =
      names.size() > shown ? " and " + grouped(static_cast<int64_t>(names.size() - shown)) + " more" : "";
  spdlog::info("left out, since the model has no place for them: {}{}", joined(first), more);
}

void import(const ImportArguments& arguments) {
  check(!arguments.tensorflow.empty() || !arguments.pytorch.empty(),
        "[import] name what to import: --tensorflow PREFIX or --pytorch FILE");
  check(!arguments.output.empty() || !arguments.run.empty(), "[import] name the model to write by --output");
  const bool tensorflow = !arguments.tensorflow.empty();
  if (!arguments.output.empty()) {
    check_can_write(arguments.output);
    check_spares("[import]", arguments.output, {arguments.pytorch});
  }
  const std::string order = !arguments.channel_order.empty() ? arguments.channel_order : tensorflow ? "bgr" : "rgb";
  const Imported imported = tensorflow ? import_tensorflow(arguments.tensorflow, order, !arguments.run.empty())
                                       : import_pytorch(arguments.pytorch, order);
  report_left_out(imported.left_out);
  if (!tensorflow) {
    spdlog::info("padding is TensorFlow's: exact for weights converted from TensorFlow, not for a port's own training");
  }
  const GeneratorOptions& options = imported.generator.options();
  if (!arguments.run.empty()) {
    write_run(arguments.run, *imported.training);
    std::cout << arguments.run << ": a training after step " << imported.training->step
              << ". To go on:\nlacuna train --data PHOTOS --out " << arguments.run << " --resume\n";
  }
  if (arguments.output.empty()) return;
  const std::map<std::string, Storage> names(storages().begin(), storages().end());
  save_model(arguments.output, imported.generator, imported.metadata, names.at(arguments.storage));
  std::cout << arguments.output << ": " << grouped(imported.generator.params().count()) << " parameters, cnum "
            << options.cnum << ", " << (options.one_stage ? "one stage" : "two stages") << ", channel order " << order
            << '\n';
}

}  // namespace

void add_import(CLI::App& app) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = app.add_subcommand("import", "Make a model of weights that other programs have trained");
  CLI::Option* tensorflow =
      command
          ->add_option("--tensorflow", arguments->tensorflow,
                       "Checkpoint of the paper's released code: PREFIX.index and PREFIX.data-..., or their folder")
          ->type_name("PREFIX");
  CLI::Option* pytorch =
      command->add_option("--pytorch", arguments->pytorch, "State dict of a PyTorch port, saved by torch.save")
          ->type_name("FILE")
          ->excludes(tensorflow);
  command->add_option("--output,-o", arguments->output, "The model to write, a .safetensors file")->type_name("FILE");
  command
      ->add_option("--channel-order", arguments->channel_order,
                   "Of the pictures that it was trained on: bgr or rgb (default: bgr with --tensorflow, else rgb)")
      ->type_name("ORDER")
      ->check(CLI::IsMember({"bgr", "rgb"}).description(""));
  command->add_option("--storage", arguments->storage, "Type of the numbers in the model: f32 (default), f16 or bf16")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}).description(""));
  command
      ->add_option("--run", arguments->run,
                   "Make a folder to go on training in, of the checkpoint's critics and optimiser, too")
      ->type_name("RUN")
      ->excludes(pytorch);
  command->footer(
      "Neither TensorFlow nor Python is needed. Checksums, names and shapes are checked, and nothing in a file is "
      "ever\n"
      "executed. A model takes its pictures in the order of colours that it was trained on; fill sees to that.\n"
      "All models get TensorFlow's padding, 'same'. That is exact for weights of TensorFlow and for those that were\n"
      "converted from it; a network that a PyTorch port has trained itself knows another one before its strides of 2,\n"
      "and fills a little worse here than there.\n"
      "Examples:\n"
      "  lacuna import --tensorflow places2/snap-0 --output places2.safetensors\n"
      "  lacuna import --tensorflow celeba_hq/snap-0 --output celeba_hq.safetensors --run runs/celeba_hq\n"
      "  lacuna import --pytorch gen_00430000.pt --output imagenet.safetensors --storage bf16\n"
      "  lacuna info places2/snap-0.index");
  command->callback([arguments] { import(*arguments); });
}

}  // namespace lacuna
