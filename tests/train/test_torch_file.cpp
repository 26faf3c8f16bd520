#include <map>

#include "tensor/file.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/torch_file.h"

namespace lacuna {
namespace {

using test::error_of;
using test::TemporaryFolder;

const std::string data_folder = LACUNA_SOURCE_DIR "/tests/import_data/";

std::map<std::string, Tensor> read(const std::string& file) {
  std::map<std::string, Tensor> tensors;
  for (auto& [name, tensor] : read_torch_file(file)) tensors[name] = tensor;
  return tensors;
}

}  // namespace

TEST_CASE("torch file: every kind of tensor, in both formats") {
  for (const char* file : {"types.pt", "types_old.pt"}) {
    const auto tensors = read(data_folder + file);
    CHECK(tensors.size() == 11);
    const auto values = [&](const std::string& name) { return tensors.at("net." + name).to_vector(); };
    const auto shape = [&](const std::string& name) { return tensors.at("net." + name).shape(); };
    CHECK(shape("plain") == Shape{4, 6});
    CHECK(values("plain")[23] == 23);
    CHECK(shape("turned") == Shape{6, 4});
    for (int64_t i = 0; i < 24; ++i) CHECK(tensors.at("net.turned").at(i) == static_cast<double>(i % 4 * 6 + i / 4));
    CHECK(values("part") == std::vector<double>{8, 9, 10, 14, 15, 16});
    CHECK(values("strided") == std::vector<double>{0, 3, 12, 15});
    CHECK(shape("scalar") == Shape{});
    CHECK(values("scalar") == std::vector<double>{2.5});
    CHECK(shape("empty") == Shape{0, 3});
    CHECK(tensors.at("net.double").dtype() == DType::f64);
    CHECK(values("double") == std::vector<double>{1, -1e300});
    CHECK(tensors.at("net.half").dtype() == DType::f32);
    CHECK(values("half") == std::vector<double>{1, -0.5, 65504, 0x1p-24});
    CHECK(tensors.at("net.bfloat16").dtype() == DType::bf16);
    CHECK(values("bfloat16") == std::vector<double>{1, -3});
    CHECK(!tensors.at("net.long").defined());
    CHECK(tensors.at("state.0.mean").to_vector() == std::vector<double>{1, 1});
  }
}

TEST_CASE("torch file: what is refused") {
  const TemporaryFolder folder;
  const auto complaint = [](const std::string& file) { return error_of([&] { read_torch_file(file); }); };
  const std::string module = data_folder + "module.pt";
  CHECK(complaint(module).starts_with("[pytorch] " + module + ": refers to Python's torch.nn.modules.linear.Linear"));
  const std::string text = folder.file("text.pt", "no weights").string();
  CHECK(complaint(text) == "[pytorch] " + text + ": is no file of PyTorch's torch.save");
  const std::string empty = folder.file("empty.pt", "").string();
  CHECK(complaint(empty) == "[pytorch] " + empty + ": is no file of PyTorch's torch.save");
  const std::string zip = folder.file("empty.zip", std::string("PK\x05\x06") + std::string(18, '\0')).string();
  CHECK(complaint(zip) == "[pytorch] " + zip + ": is a zip archive, but not one of torch.save");
  CHECK(complaint((folder / "missing").string()).ends_with(": there is no such file"));
}

TEST_CASE("torch file: cut off or changed anywhere") {
  const TemporaryFolder folder;
  for (const char* name : {"types.pt", "types_old.pt"}) {
    const std::string sound = read_file(data_folder + name), file = (folder / name).string();
    const auto complaint = [&](const std::string& content) {
      std::ofstream(file, std::ios::binary) << content;
      return error_of([&] { read_torch_file(file); });
    };
    CHECK(complaint(sound).empty());
    for (size_t n = 0; n < sound.size(); n += 97) CHECK(complaint(sound.substr(0, n)).starts_with("[pytorch] " + file));
    for (size_t n = 0; n < sound.size(); n += 11) {  // an error or, where nothing is checked, other values
      std::string changed = sound;
      changed[n] = static_cast<char>(changed[n] ^ (n % 2 ? 0x01 : 0x80));
      const std::string reason = complaint(changed);
      CHECK((reason.empty() || reason.starts_with("[pytorch] ")));
    }
  }
  // The archive's own checksums find a changed weight.
  std::string sound = read_file(data_folder + "types.pt");
  const size_t weights = sound.find(std::string("\0\0\0\0\0\0\x80?\0\0\0@", 12));
  REQUIRE(weights != std::string::npos);
  sound[weights + 6] ^= 1;
  const std::string reason = error_of([&] { read_torch_file(folder.file("changed.pt", sound)); });
  CHECK(reason.find("is damaged: types/data/0: ") != std::string::npos);
}

}  // namespace lacuna
