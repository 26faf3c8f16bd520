#include "tensor/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/checkpoint.h"

namespace lacuna {

TEST_CASE("checkpoint: written and read again") {
  const test::TemporaryFolder folder;
  const Checkpoint checkpoint{123, 738, "[training]\nbatch = 2\n", {{"a/b", Tensor::full({2, 3}, 0.5)}}};
  const auto file = checkpoint_path(folder.path(), 123);
  CHECK(file.filename() == "step_00000123.safetensors");
  write_checkpoint(file, checkpoint);
  const Checkpoint again = read_checkpoint(file);
  CHECK(again.step == 123);
  CHECK(again.batches == 738);
  CHECK(again.config == checkpoint.config);
  REQUIRE(again.tensors.size() == 1);
  CHECK(again.tensors[0].first == "a/b");
  CHECK(test::same_bits(again.tensors[0].second, checkpoint.tensors[0].second));
}

TEST_CASE("checkpoint: the newest is found by its number, old ones go") {
  const test::TemporaryFolder folder;
  CHECK(!newest_checkpoint(folder.path()));
  CHECK(!newest_checkpoint(folder / "missing"));
  for (const int64_t step : {5, 40, 300, 123456789})
    write_checkpoint(checkpoint_path(folder.path(), step), {step, 0, "", {}});
  folder.file("step_x.safetensors", "no checkpoint");
  folder.file("notes.txt", "none either");
  CHECK(newest_checkpoint(folder.path())->filename() == "step_123456789.safetensors");
  remove_old_checkpoints(folder.path(), 2);
  CHECK(folder.entries() == 4);
  CHECK(std::filesystem::exists(checkpoint_path(folder.path(), 300)));
  CHECK(!std::filesystem::exists(checkpoint_path(folder.path(), 40)));
}

TEST_CASE("checkpoint: errors name the file") {
  const test::TemporaryFolder folder;
  const auto file = folder / "x.safetensors";
  write_safetensors(file, {{{"format", "lacuna-model"}}, {}});
  CHECK(test::error_of([&] { read_checkpoint(file); }) ==
        "[checkpoint] " + file.string() +
            ": is no checkpoint of a training run (its metadata do not say format = lacuna-checkpoint)");
  write_safetensors(file, {{{"format", "lacuna-checkpoint"}, {"step", "-3"}, {"batches", "1"}}, {}});
  CHECK(test::error_of([&] { read_checkpoint(file); }) ==
        "[checkpoint] " + file.string() + ": its metadata say step = -3");
}

}  // namespace lacuna
