#include "tensor/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/model_file.h"

namespace lacuna {
namespace {

GeneratorOptions small() {
  GeneratorOptions options;
  options.cnum = 4;
  options.padding = Padding::reflect;
  options.attention = GeneratorOptions::Attention::none;
  return options;
}

}  // namespace

TEST_CASE("model file: written and read again") {
  const test::TemporaryFolder folder;
  const auto file = folder / "m.safetensors";
  const Generator generator(small(), 3);
  for (const auto& [name, storage] : storages()) {
    CAPTURE(name);
    save_model(file, generator, {{"description", "a test"}, {"channel_order", "bgr"}}, storage);
    const Model model = load_model(file);
    CHECK(model.channel_order == "bgr");
    CHECK(model.metadata.at("description") == "a test");
    CHECK(model.metadata.at("cnum") == "4");
    CHECK(model.generator.options().padding == Padding::reflect);
    CHECK(model.generator.options().attention == GeneratorOptions::Attention::none);
    CHECK(!model.generator.options().one_stage);
    const auto loaded = model.generator.params().tensors(), saved = generator.params().tensors();
    REQUIRE(loaded.size() == saved.size());
    for (size_t i = 0; i < saved.size(); ++i) {
      CHECK(loaded[i].first == saved[i].first);
      CHECK(loaded[i].second.dtype() == DType::f32);
      CHECK_CLOSE(loaded[i].second, saved[i].second,
                  storage == Storage::bf16  ? 0x1p-8
                  : storage == Storage::f16 ? 0x1p-11
                                            : 0);
    }
  }
}

TEST_CASE("model file: what stands in the attention's place is kept") {
  const test::TemporaryFolder folder;
  using Attention = GeneratorOptions::Attention;
  for (const Attention attention :
       {Attention::contextual, Attention::none, Attention::appearance_flow, Attention::spatial_transformer}) {
    const Generator generator({.cnum = 2, .attention = attention}, 3);
    save_model(folder / "m.safetensors", generator, {});
    const Model model = load_model(folder / "m.safetensors");
    CHECK(model.generator.options().attention == attention);
    CHECK(model.generator.params().count() == generator.params().count());
  }
}

TEST_CASE("model file: errors name the file and what is wrong with it") {
  const test::TemporaryFolder folder;
  const auto file = folder / "m.safetensors";
  const std::string start = "[model] " + file.string() + ": ";
  const auto complaint = [&] { return test::error_of([&] { load_model(file); }); };

  write_safetensors(file, {});
  CHECK(complaint() == start + "is no Lacuna model (its metadata do not say format = lacuna-model)");
  save_model(file, Generator(small()), {});
  Safetensors content = read_safetensors(file);
  CHECK(content.metadata.at("channel_order") == "rgb");
  const auto with = [&](const std::string& key, const std::string& value) {
    Safetensors changed = content;
    changed.metadata[key] = value;
    write_safetensors(file, changed);
    return complaint();
  };
  CHECK(with("cnum", "4.5") == start + "its metadata say cnum = 4.5, which is no whole number from 1 to 4096");
  CHECK(with("padding", "none") == start + "its metadata say padding = none; known are same, reflect, symmetric");
  CHECK(with("channel_order", "RGB") == start + "its metadata say channel_order = RGB; known are rgb, bgr");
  CHECK(with("cnum", "8").starts_with(start));  // parameters of other shapes
  content.metadata.erase("one_stage");
  CHECK(with("cnum", "4") == start + "its metadata lack one_stage");
}

}  // namespace lacuna
