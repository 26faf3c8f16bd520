#include <cmath>
#include <cstring>
#include <limits>

#include "tensor/file.h"
#include "tensor/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"

namespace lacuna {

using test::error_of;

namespace {

/// A file of the given header and data, whatever they are.
std::string raw_file(const std::string& header, const std::string& data = "") {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A header with the one tensor "x".
std::string header(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

}  // namespace

TEST_CASE("safetensors: every type, the order and the metadata come back") {
  const test::TemporaryFolder folder;
  Safetensors content;
  content.metadata = {{"channel_order", "rgb"}, {"note", "line\nbreak, \"quotes\", \xc3\xa9"}};
  content.tensors = {
      {"z", Tensor::from<float>({2, 3}, {1, -2, 3.5f, 0, INFINITY, 1e-40f})},
      {"inpaint_net/conv1/kernel", Tensor::from<double>({1, 1, 2, 1}, {1.0 / 3, -1e300})},
      {"half", Tensor::from<bf16>({3}, {bf16(1.5f), bf16(-2.f), bf16(0.f)})},
      {"index", Tensor::from<int32_t>({4}, {0, -1, 2147483647, -2147483648})},
      {"empty", Tensor(Shape{0, 5})},
      {"byte", Tensor::from<uint8_t>({3}, {0, 7, 255})},
      {"scalar", Tensor::scalar(2.5)},
  };
  write_safetensors(folder / "f.safetensors", content);
  const Safetensors read = read_safetensors(folder / "f.safetensors");
  CHECK(read.metadata == content.metadata);
  REQUIRE(read.tensors.size() == content.tensors.size());
  for (size_t i = 0; i < read.tensors.size(); ++i) {
    CHECK(read.tensors[i].first == content.tensors[i].first);
    CHECK(test::same_bits(read.tensors[i].second, content.tensors[i].second));
  }
  CHECK(folder.entries() == 1);
  CHECK(read.has("half"));
  CHECK(!read.has("hal"));
  CHECK(test::same_bits(read.at("byte"), content.tensors[5].second));

  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, read_file(folder / "f.safetensors").data(), sizeof header_bytes);
  CHECK(header_bytes % 8 == 0);
}

TEST_CASE("safetensors: f32 written as F16 comes back as the nearest halves, other types as they are") {
  const test::TemporaryFolder folder;
  const auto path = folder / "f.safetensors";
  const Tensor x = Tensor::from<float>({2, 3}, {1, -2, 1.0F / 3, 0, INFINITY, 1e-40F});
  const Tensor wide = Tensor::from<double>({1}, {1.0 / 3});
  write_safetensors_half(path, {{{"note", "small"}}, {{"x", x}, {"wide", wide}, {"empty", Tensor(Shape{0})}}});
  const Safetensors read = read_safetensors(path);
  CHECK(read.metadata.at("note") == "small");
  CHECK(test::same_bits(read.at("x"), Tensor::from<float>({2, 3}, {1, -2, 0x1.554p-2F, 0, INFINITY, 0})));
  CHECK(test::same_bits(read.at("wide"), wide));
  const SafetensorsHeader header = read_safetensors_header(path);
  CHECK(header.tensors[0].type == "F16");
  CHECK(header.tensors[0].bytes == 12);
  CHECK(header.tensors[1].type == "F64");

  CHECK(test::error_of([&] {
          write_safetensors_half(path, {{}, {{"x", Tensor::full({2}, -70000)}}});
        }) == "[safetensors] " + path.string() + ": tensor \"x\" holds -70000, which is beyond the range of F16");
  CHECK(read_safetensors(path).has("wide"));
}

TEST_CASE("safetensors: an empty file and tensors out of header order") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "empty", {});
  CHECK(read_safetensors(folder / "empty").tensors.empty());
  CHECK(read_safetensors(folder / "empty").metadata.empty());
  const auto path =
      folder.file("f", raw_file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"b":{"dtype":"U8","shape":[2],)"
                                R"("data_offsets":[0,2]}}   )",
                                "\1\2\3"));
  const Safetensors read = read_safetensors(path);
  CHECK(read.tensors[0].first == "b");
  CHECK(read.at("a").item() == 3);
}

TEST_CASE("safetensors: F16 is widened, I64 narrowed") {
  const test::TemporaryFolder folder;
  const std::vector<uint16_t> halves{0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x8000, 0x7c00, 0xfc00, 0x7e00};
  const std::vector<double> expected{1, -2, 65504, 0x1p-14, 0x1p-24, -1023 * 0x1p-24, -0., INFINITY, -INFINITY, NAN};
  const Tensor x =
      read_safetensors(folder.file("f", raw_file(header("F16", "[10]", "[0,20]"), bytes_of(halves)))).at("x");
  CHECK(x.dtype() == DType::f32);
  CHECK_CLOSE(x, Tensor::from<double>({10}, expected), 0);
  CHECK(std::signbit(x.at(6)));

  const std::vector<int64_t> fits{-2147483648, 2147483647}, large{0, 2147483648};
  const Tensor i = read_safetensors(folder.file("i", raw_file(header("I64", "[2]", "[0,16]"), bytes_of(fits)))).at("x");
  CHECK(i.dtype() == DType::i32);
  CHECK(i.to_vector() == std::vector<double>{-2147483648, 2147483647});
  const auto path = folder.file("l", raw_file(header("I64", "[2]", "[0,16]"), bytes_of(large)));
  CHECK(error_of([&] { read_safetensors(path); }) ==
        "[safetensors] " + path.string() + ": tensor \"x\": 2147483648 does not fit into 32 bits");
}

TEST_CASE("safetensors: the golden files are read") {
  int64_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LACUNA_SOURCE_DIR "/tests/golden")) {
    if (entry.path().extension() != ".safetensors") continue;
    const Safetensors read = read_safetensors(entry.path());
    CHECK(read.metadata.count("case") == 1);
    CHECK(!read.tensors.empty());
    for (const auto& [name, tensor] : read.tensors) {
      CHECK((tensor.dtype() == DType::f64 || tensor.dtype() == DType::i32));  // i32: the attention's offsets
    }
    ++files;
  }
  CHECK(files > 0);
  const Safetensors relu = read_safetensors(LACUNA_SOURCE_DIR "/tests/golden/relu__0.safetensors");
  const Tensor &x = relu.at("in.x"), &y = relu.at("out.y");
  for (int64_t i = 0; i < x.numel(); ++i) CHECK(y.at(i) == std::fmax(x.at(i), 0));
}

TEST_CASE("safetensors: every corruption is refused in one clear line") {
  const test::TemporaryFolder folder;
  const std::string data(8, '\0');
  const auto refused = [&](const std::string& bytes, const std::string& reason) {
    const auto path = folder.file("f", bytes);
    CHECK(error_of([&] { read_safetensors(path); }) == "[safetensors] " + path.string() + ": " + reason);
  };
  const auto sound = raw_file(header("F32", "[2]", "[0,8]"), data);
  CHECK_NOTHROW(read_safetensors(folder.file("f", sound)));

  // the header
  refused("", "has 0 bytes, too few for a safetensors file");
  refused("1234567", "has 7 bytes, too few for a safetensors file");
  refused(std::string(8, '\0'), "the header does not begin with '{': not a safetensors file");
  refused(raw_file(" {}"), "the header does not begin with '{': not a safetensors file");
  refused("\x89PNG\r\n\x1a\n", "announces a header of 727905341920923785 bytes: not a safetensors file");
  refused(sound.substr(0, 20), "is truncated: the header has 54 bytes, the file 20");
  refused(raw_file("{\"x\""), "the header is not valid JSON (byte 5)");
  refused(raw_file("{} {}"), "the header is not valid JSON (byte 4)");
  refused(raw_file("{\"\xff\":1}"), "the header is not valid JSON (byte 3)");
  refused(raw_file("{\"x\":" + std::string(100'000, '[')), "the header is nested too deeply");
  const std::string x = R"("x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]})";
  refused(raw_file("{" + x + "," + x + "}", data), "the header has the key \"x\" twice");
  refused(raw_file(R"({"x":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})", data),
          "the header has the key \"dtype\" twice");
  refused(raw_file(R"({"__metadata__":{"a":"1","a":"2"}})"), "the header has the key \"a\" twice");
  refused(raw_file(R"({"__metadata__":[]})"), "__metadata__ is not an object of strings");
  refused(raw_file(R"({"__metadata__":{"a":1}})"), "__metadata__: the value of \"a\" is not a string");

  // a tensor's entry
  const std::string fields = "tensor \"x\" needs exactly the fields dtype, shape and data_offsets";
  refused(raw_file(R"({"x":1})"), fields);
  refused(raw_file(R"({"x":{"dtype":"U8","shape":[0]}})"), fields);
  refused(raw_file(R"({"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}})"), fields);
  refused(raw_file(R"({"x":{"dtype":1,"shape":[0],"data_offsets":[0,0]}})"), "tensor \"x\": dtype is not a string");
  const std::string known = "; known are F16, F32, F64, BF16, U8, I32 and I64";
  refused(raw_file(header("BOOL", "[8]", "[0,8]"), data), "tensor \"x\" has the type \"BOOL\"" + known);
  refused(raw_file(header("f32", "[2]", "[0,8]"), data), "tensor \"x\" has the type \"f32\"" + known);
  refused(raw_file(R"({"x\ny":1})"), "tensor \"x\\ny\" needs exactly the fields dtype, shape and data_offsets");
  refused(raw_file(header("F32", "2", "[0,8]"), data), "tensor \"x\": shape is not an array");
  const std::string integers = " holds something else than non-negative integers";
  refused(raw_file(header("F32", "[-2]", "[0,8]"), data), "tensor \"x\": shape" + integers);
  refused(raw_file(header("F32", "[2.0]", "[0,8]"), data), "tensor \"x\": shape" + integers);
  refused(raw_file(header("F32", "[2]", "[0,\"8\"]"), data), "tensor \"x\": data_offsets" + integers);
  refused(raw_file(header("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), data), "tensor \"x\" has 9 axes, more than 8");
  const std::string huge = "tensor \"x\": its shape is larger than any memory";
  refused(raw_file(header("F32", "[4294967296,4294967296]", "[0,8]"), data), huge);
  refused(raw_file(header("F32", "[4294967296,4294967296,0]", "[0,0]")), huge);
  refused(raw_file(header("U8", "[18446744073709551615]", "[0,8]"), data), huge);
  refused(raw_file(header("F32", "[2]", "[0,4,8]"), data), "tensor \"x\": data_offsets are not [begin, end]");
  refused(raw_file(header("F32", "[2]", "[8,0]"), data), "tensor \"x\": data_offsets are not [begin, end]");

  // the layout
  refused(sound.substr(0, sound.size() - 1),
          "tensor \"x\" ends at byte 8 of the data, which has 7: the file is truncated or corrupt");
  refused(sound + "!", "has 1 bytes after the last tensor");
  refused(raw_file(header("F32", "[3]", "[0,8]"), data), "tensor \"x\": F32 (3) takes 12 bytes, data_offsets span 8");
  refused(raw_file(header("F32", "[1]", "[4,8]"), data), "there is a hole of 4 bytes before tensor \"x\"");
  refused(raw_file(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},)"
                   R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                   data),
          "tensor \"b\" overlaps the one before it at byte 4");
}

TEST_CASE("safetensors: errors of places and of writing") {
  const test::TemporaryFolder folder;
  const std::string prefix = "[safetensors] " + folder.path().string();
  CHECK(error_of([&] { read_safetensors(folder / "none"); }) == prefix + "/none: there is no such file");
  CHECK(error_of([&] { read_safetensors(folder.path()); }) == prefix + ": is a folder or device, not a file");

  const auto path = folder / "f";
  const auto refused = [&](const Safetensors& content, const std::string& reason) {
    CHECK(error_of([&] { write_safetensors(path, content); }) == prefix + "/f: " + reason);
    CHECK(folder.entries() == 0);
  };
  const Tensor x = Tensor::zeros({2});
  refused({{}, {{"x", x}, {"x", x}}}, "two tensors are named \"x\"");
  refused({{}, {{"__metadata__", x}}}, "no tensor can be named __metadata__");
  refused({{}, {{"x\n", Tensor()}}}, "tensor \"x\\n\" is undefined");
  refused({{}, {{"\xff", x}}}, "a name or text is not valid UTF-8");
  refused({{{"note", "\xff"}}, {{"x", x}}}, "a name or text is not valid UTF-8");
  CHECK(error_of([&] { write_safetensors(folder / "none/f", {}); }) ==
        prefix + "/none/f: cannot write: the folder does not exist");

  CHECK(error_of([&] {
          Safetensors{{}, {{"a", x}, {"b", x}}}.at("c");
        }) == "[safetensors] there is no tensor \"c\"; there are: a, b");
  CHECK(error_of([&] { Safetensors{}.at("c"); }) == "[safetensors] there is no tensor \"c\"; there are: none");
}

}  // namespace lacuna
