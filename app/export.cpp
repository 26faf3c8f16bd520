#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "app/app.h"
#include "app/model_path.h"
#include "app/picture_files.h"
#include "app/picture_size.h"
#include "app/table.h"
#include "tensor/check.h"
#include "tensor/file.h"
#include "train/export_onnx.h"

namespace lacuna {
namespace {

struct ExportArguments {
  std::string onnx, model, size = "256";
  int64_t batch = 1;
};

constexpr int64_t largest_side = 1 << 16, largest_batch = 1 << 16;
constexpr int64_t many_bytes = int64_t{1} << 30;  // of one matrix; ONNX Runtime holds about ten

OnnxOptions options_of(const ExportArguments& a) {
  const std::optional<PictureSize> size = parse_picture_size(a.size, 1, largest_side);
  check(size.has_value(), "[export] '", a.size, "' is no size; write WIDTHxHEIGHT, as in 384x256");
  return {size->height, size->width, a.batch, LACUNA_VERSION};
}

std::string megabytes(int64_t bytes) { return grouped((bytes + 999'999) / 1'000'000) + " MB"; }

void export_model(const ExportArguments& a) {
  const OnnxOptions options = options_of(a);
  check(std::filesystem::path(a.onnx).extension() == ".onnx", "[export] ", a.onnx,
        ": the name of an ONNX model ends with .onnx");
  check_can_write(a.onnx);
  const Model model = load_model(model_path(a.model));
  const std::string bytes = onnx_model(model, options);
  write_file_atomically(a.onnx, bytes, "export");

  const int64_t matrix = onnx_matrix_bytes(model.generator, options);
  if (matrix >= many_bytes) {
    spdlog::warn(
        "the attention's matrices have {} each, of which ONNX Runtime holds about ten: export a smaller size, or fill "
        "large pictures by lacuna fill, which holds none",
        megabytes(matrix));
  }
  const std::string n = std::to_string(options.batch);
  const std::string size = std::to_string(options.height) + "," + std::to_string(options.width) + ")";
  std::cout << a.onnx << ": " << grouped(model.generator.params().count()) << " parameters, "
            << megabytes(static_cast<int64_t>(bytes.size())) << "; image (" << n << ",3," << size
            << " RGB in [-1,1], mask (" << n << ",1," << size << " 1 in the hole";
  if (matrix > 0) std::cout << "; attention matrices of " << megabytes(matrix);
  std::cout << '\n';
}

}  // namespace

void add_export(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command =
      app.add_subcommand("export", "Write a model for ONNX Runtime or OpenVINO, for pictures of one size");
  command->add_option("--onnx", arguments->onnx, "The ONNX model to write, a .onnx file")
      ->required()
      ->type_name("FILE");
  command->add_option("--model", arguments->model, "Model file (default: $LACUNA_MODEL, then the shipped model)")
      ->type_name("FILE");
  command->add_option("--size,-s", arguments->size, "Of the pictures, WIDTHxHEIGHT, or N for both (default: 256)")
      ->type_name("SIZE");
  command->add_option("--batch,-b", arguments->batch, "Pictures at a time, each with its own mask (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, largest_batch).description(""));
  command->footer(
      "Inputs are image, float (N,3,HEIGHT,WIDTH) in RGB with sample / 127.5 - 1 for 8 bits, whatever order of "
      "colours\n"
      "the model was trained on, and mask, float (N,1,HEIGHT,WIDTH), 1 in the hole. The output filled is the image "
      "with\n"
      "its hole filled; coarse and fine are all of what the network's two stages make. Memory and time that the\n"
      "attention takes grow with the square of the number of pixels.\n"
      "Examples:\n"
      "  lacuna export --onnx lacuna.onnx --size 512x512\n"
      "  lacuna export --onnx places2.onnx --model places2.safetensors --size 480x640 --batch 4");
  command->callback([arguments] { export_model(*arguments); });
}

}  // namespace lacuna
