#include <doctest/doctest.h>

#include "nets/critics.h"
#include "nets/generator.h"
#include "tensor/safetensors.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/checkpoint.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

}  // namespace

TEST_CASE("info: a model of the paper's size") {
  const TemporaryFolder folder;
  const auto file = folder / "model.safetensors";
  save_model(file, Generator(GeneratorOptions{}), {{"description", "for a test"}}, Storage::bf16);
  const ProgramRun info = run_program({"info", file.string()});
  CHECK(info.status == 0);
  CHECK(contains(info.out, "a Lacuna model, "));
  CHECK(contains(info.out, "cnum"));
  CHECK(contains(info.out, "for a test"));
  CHECK(contains(info.out, "inpaint_net/conv1/kernel"));
  CHECK(contains(info.out, "(5,5,5,32)"));
  CHECK(contains(info.out, "BF16"));
  CHECK(contains(info.out, "generator          3,601,542\n"));
  CHECK(contains(info.out, "parameters in all  3,601,542\n"));
  CHECK(!contains(info.out, "numbers in all"));
}

TEST_CASE("info: a checkpoint") {
  const TemporaryFolder folder;
  const auto file = folder / "step.safetensors";
  Checkpoint checkpoint{.step = 7, .batches = 9, .config = "batch = 2\nsteps = 10\n", .tensors = {}};
  const Critic local(Critic::Kind::local, 16, 16, 2), global(Critic::Kind::global, 32, 32, 2);
  for (const Critic* critic : {&local, &global}) {
    for (const auto& [name, value] : critic->params().tensors()) {
      checkpoint.tensors.emplace_back(name, value);
      checkpoint.tensors.emplace_back("adam/critics/m/" + name, value);
    }
  }
  checkpoint.tensors.emplace_back("adam/critics/step", Tensor::scalar(7, DType::f64));
  write_checkpoint(file, checkpoint);
  const ProgramRun info = run_program({"info", "--brief", file.string()});
  CHECK(info.status == 0);
  CHECK(contains(info.out, "a Lacuna training checkpoint"));
  CHECK(contains(info.out, "config:\n  batch = 2\n  steps = 10\n"));
  CHECK(contains(info.out, "local critic (adam/critics/m)"));
  CHECK(contains(info.out, "global critic (adam/critics/m)"));
  CHECK(contains(info.out, "other"));
  CHECK(contains(info.out, "parameters in all "));
  CHECK(contains(info.out, "numbers in all "));
  CHECK(!contains(info.out, "conv1"));
}

TEST_CASE("info: any other safetensors file") {
  const TemporaryFolder folder;
  const auto file = folder / "any.safetensors";
  write_safetensors(file, {{{"note", "a\033[2Jb"}}, {{"x", Tensor::zeros({2, 3})}, {"empty", Tensor::zeros({0})}}});
  const ProgramRun info = run_program({"info", file.string()});
  CHECK(info.status == 0);
  CHECK(contains(info.out, "a safetensors file, 2 tensors"));
  CHECK(contains(info.out, "(2,3)"));
  CHECK(!contains(info.out, "\033"));
}

TEST_CASE("info: files that cannot be read") {
  const TemporaryFolder folder;
  for (const auto& file : {folder / "missing", folder.path(), folder.file("text", "not a safetensors file at all")}) {
    const ProgramRun failed = run_program({"info", file.string()});
    CHECK(failed.status == 1);
    CHECK(contains(failed.err, "lacuna: error: [safetensors] " + file.string() + ": "));
  }
}

}  // namespace lacuna
