#include "tensor/file.h"
#include "tensor/safetensors.h"
#include "tests/support/bundle_writer.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/crc32c.h"
#include "train/tensor_bundle.h"

namespace lacuna {
namespace {

using test::BundleWriter;
using test::error_of;
using test::TemporaryFolder;
using Named = std::vector<std::pair<std::string, Tensor>>;

const std::string data_folder = LACUNA_SOURCE_DIR "/tests/import_data";

/// Tensors whose names share much and little.
Named several() {
  return {{"a", Tensor::from({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})},
          {"net/conv1/bias", Tensor::from({2}, std::vector<double>{0.5, -1e300})},
          {"net/conv1/kernel", Tensor::from({1, 1, 2, 1}, std::vector<int32_t>{-7, 8})},
          {"net/conv10/kernel", Tensor::from({3}, std::vector<uint8_t>{1, 2, 255})},
          {"net/empty", Tensor::zeros({0, 4})},
          {"scalar", Tensor::scalar(2.5)},
          {"short", Tensor::full({2}, 1.5, DType::bf16)}};
}

Named read_all(const std::string& prefix) {
  const BundleIndex index = read_bundle_index(prefix + ".index");
  return read_bundle_tensors(prefix, index, index.entries);
}

}  // namespace

TEST_CASE("crc32c: known values") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283u);            // the catalogue's check value
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  CHECK(masked_crc32c(std::string(4, '\0')) == 974224294u);  // of a zero in the released checkpoints
}

TEST_CASE("tensor bundle: written by TensorFlow") {
  const Safetensors golden = read_safetensors(LACUNA_SOURCE_DIR "/tests/golden_extra/generator__masks.safetensors");
  const BundleIndex index = read_bundle_index(data_folder + "/tiny.index");
  CHECK(index.shards == 1);
  CHECK(index.entries.size() == 84);
  for (const auto& [name, tensor] : read_bundle_tensors(data_folder + "/tiny", index, index.entries)) {
    const Tensor& expected = golden.at("weight." + name);
    CHECK(tensor.dtype() == DType::f32);
    CHECK(test::same_bits(tensor, expected.to(DType::f32)));
  }
  CHECK(index.entries[1].name == "inpaint_net/allconv11/kernel");
  CHECK(index.entries[1].shape == Shape{3, 3, 16, 8});
  CHECK(index.entries[1].type == "float32");
}

TEST_CASE("tensor bundle: any division into blocks and files") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "model").string();
  const Named expected = several();
  for (const int64_t shards : {1, 3}) {
    for (const size_t block_size : {1, 60, 4096}) {
      for (const int restart_every : {1, 3, 16}) {
        BundleWriter writer;
        writer.shards = shards;
        writer.block_size = block_size;
        writer.restart_every = restart_every;
        writer.write(prefix, expected);
        const Named read = read_all(prefix);
        REQUIRE(read.size() == expected.size());
        for (size_t i = 0; i < read.size(); ++i) {
          CHECK(read[i].first == expected[i].first);
          CHECK(test::same_bits(read[i].second, expected[i].second));
        }
      }
    }
  }
}

TEST_CASE("tensor bundle: 64-bit whole numbers") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "model").string();
  BundleWriter writer;
  writer.type["step"] = 9;
  const auto with = [&](int64_t value) {
    double bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    writer.write(prefix, {{"step", Tensor::from({1}, std::vector<double>{bits})}});
  };
  with(-123456);
  CHECK(read_all(prefix)[0].second.item() == -123456);
  with(int64_t{1} << 40);
  CHECK(error_of([&] { read_all(prefix); }) ==
        "[tensorflow] " + prefix + ".data-00000-of-00001: step holds 1099511627776, which is too large");
}

TEST_CASE("tensor bundle: what the user may name") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "snap-0").string();
  CHECK(bundle_prefix(prefix) == prefix);
  for (const char* suffix : {".index", ".meta", ".data-00000-of-00001"})
    CHECK(bundle_prefix(prefix + suffix) == prefix);
  CHECK(bundle_prefix("snap-0.index") == "snap-0");
  const std::string where = folder.path().string();
  CHECK(error_of([&] { bundle_prefix(where); }) ==
        "[tensorflow] " + where + ": there is no .index file in this folder");
  BundleWriter().write(prefix, several());
  CHECK(bundle_prefix(where) == prefix);
  BundleWriter().write(prefix + "1", several());
  CHECK(error_of([&] { bundle_prefix(where); }) ==
        "[tensorflow] " + where + ": there are 2 .index files in this folder; name the one to read");
  CHECK(is_bundle_index(prefix + ".index"));
  CHECK(!is_bundle_index(prefix + ".data-00000-of-00001"));
  CHECK(!is_bundle_index(folder.path()));
  CHECK(!is_bundle_index(folder / "missing"));
}

TEST_CASE("tensor bundle: what is not supported") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "model").string(), start = "[tensorflow] " + prefix + ".index: ";
  const auto complaint = [&](const BundleWriter& writer) {
    writer.write(prefix, several());
    return error_of([&] { read_all(prefix); });
  };
  BundleWriter snappy, big, slices, half;
  snappy.compression = 1;
  CHECK(complaint(snappy).starts_with(start + "is compressed (Snappy), which is not supported"));
  big.endianness = 1;
  CHECK(complaint(big) == start + "holds big-endian values, which are not supported");
  slices.sliced = "scalar";
  CHECK(complaint(slices) == start + "scalar is stored in slices (a partitioned variable), which is not supported");
  half.type["short"] = 19;
  CHECK(complaint(half) == "[tensorflow] " + prefix + ".data-00000-of-00001: short is float16, which is not supported");
  half.type["short"] = 1;
  CHECK(complaint(half) == start + "is damaged: short (2) float32 has 4 bytes");
}

TEST_CASE("tensor bundle: data that are missing, cut off or changed") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "model").string(), data = prefix + ".data-00000-of-00001";
  BundleWriter().write(prefix, several());
  std::string bytes = read_file(data);
  const auto complaint = [&](const std::string& content) {
    write_file_atomically(data, content);
    return error_of([&] { read_all(prefix); });
  };
  CHECK(complaint(bytes.substr(0, bytes.size() - 1)) ==
        "[tensorflow] " + data + ": is truncated: short ends at byte 59, the file at 58");
  std::string changed = bytes;
  changed[3] ^= 1;
  CHECK(complaint(changed) ==
        "[tensorflow] " + data + ": is damaged, or not of this index: the checksum of a is wrong");
  std::filesystem::remove(data);
  CHECK(error_of([&] { read_all(prefix); }) == "[tensorflow] " + data + ": there is no such file");
}

TEST_CASE("tensor bundle: an index that is no index, cut off or changed anywhere") {
  const TemporaryFolder folder;
  const std::string prefix = (folder / "model").string(), file = prefix + ".index";
  const auto complaint = [&](const std::string& content) {
    std::ofstream(file, std::ios::binary) << content;
    return error_of([&] { read_bundle_index(file); });
  };
  CHECK(complaint("text") == "[tensorflow] " + file + ": is no index of a TensorFlow checkpoint, or is truncated");
  CHECK(complaint("").starts_with("[tensorflow] " + file + ": is no index"));

  BundleWriter writer;
  writer.block_size = 100;
  writer.write(prefix, several());
  const std::string sound = read_file(file);
  for (size_t n = 0; n < sound.size(); ++n) CHECK(!complaint(sound.substr(0, n)).empty());
  for (size_t n = 0; n < sound.size() - 48; n += 3) {  // everything but the footer is under a checksum
    std::string changed = sound;
    changed[n] ^= 0x10;
    const std::string reason = complaint(changed);
    const bool unused = n >= sound.size() - 48;
    if (reason.empty() && !unused) CHECK(read_bundle_index(file).entries.size() == several().size());
  }
  for (size_t n = sound.size() - 48; n < sound.size(); ++n) {
    std::string changed = sound;
    changed[n] ^= 0x7f;
    const std::string reason = complaint(changed);
    CHECK((reason.empty() || reason.starts_with("[tensorflow] ")));
  }
}

}  // namespace lacuna
