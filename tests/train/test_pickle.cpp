#include "tests/support/compare.h"
#include "train/pickle.h"

namespace lacuna {
namespace {

using Kind = PickleValue::Kind;
using test::error_of;
using namespace std::string_literals;

const std::vector<std::string> globals{"collections.OrderedDict", "torch._utils._rebuild_tensor_v2"};

std::string error_with(const std::string& bytes) {
  return error_of([&] {
    ByteReader reader(bytes);
    Pickle(reader, globals);
  });
}

}  // namespace

TEST_CASE("pickle: plain data") {
  // pickletools.dis of pickle.dumps({"a": [1, -2, 300, 70000, 1 << 40, 0.5, True, None, (1, 2, 3), b"x"], 4: "é"}, 2),
  // with some instructions of other protocols in their places.
  const std::string bytes =
      "\x80\x02}q\x00(X\x01\x00\x00\x00"
      "aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01"
      "G?\xe0\x00\x00\x00\x00\x00\x00\x88NK\x01K\x02K\x03\x87"
      "C\x01xeK\x04\x8c\x02\xc3\xa9u."s;
  ByteReader reader(bytes);
  const Pickle pickle(reader, globals);
  CHECK(reader.done());
  const PickleValue& root = pickle.value();
  REQUIRE(root.kind == Kind::dictionary);
  REQUIRE(root.items.size() == 4);
  CHECK(root.items[0]->text == "a");
  CHECK(root.items[2]->integer == 4);
  CHECK(root.items[3]->text == "\xc3\xa9");
  const auto& list = root.items[1]->items;
  REQUIRE(list.size() == 10);
  CHECK(list[0]->integer == 1);
  CHECK(list[1]->integer == -2);
  CHECK(list[2]->integer == 300);
  CHECK(list[3]->integer == 70000);
  CHECK(list[4]->integer == int64_t{1} << 40);
  CHECK(list[5]->real == 0.5);
  CHECK(list[6]->kind == Kind::truth);
  CHECK(list[7]->kind == Kind::none);
  CHECK(list[8]->items.size() == 3);
  CHECK(list[8]->items[2]->integer == 3);
  CHECK(list[9]->text == "x");

  for (size_t n = 0; n < bytes.size(); ++n) CHECK(!error_with(bytes.substr(0, n)).empty());
  for (size_t n = 0; n < bytes.size(); ++n) {  // whatever it makes of them, it neither crashes nor hangs
    for (const char other : {'\0', '(', 'e', 'u', 't', 'b', 'R', '.', '\xff'}) {
      std::string changed = bytes;
      changed[n] = other;
      error_with(changed);
    }
  }
}

TEST_CASE("pickle: numbers of Python's long kind") {
  const auto long1 = [](const std::string& digits) {
    const std::string bytes = "\x8a" + std::string(1, static_cast<char>(digits.size())) + digits + ".";
    ByteReader reader(bytes);
    return Pickle(reader, globals).value().integer;
  };
  CHECK(long1("") == 0);
  CHECK(long1("\xff") == -1);
  CHECK(long1("\xff\x00"s) == 255);
  CHECK(long1("\x00\x80"s) == -32768);
  CHECK(long1("\x00\x00\x00\x00\x00\x00\x00\x80"s) == INT64_MIN);
  CHECK(error_with("\x8a\x09"s + std::string(9, 'x') + ".") == "holds a whole number of 9 bytes, which is too large");
}

TEST_CASE("pickle: calls are kept as data") {
  const std::string bytes =
      "ccollections\nOrderedDict\nq\x01)R(X\x01\x00\x00\x00kctorch._utils\n_rebuild_tensor_v2\n("
      "X\x01\x00\x00\x00pQK\x05tRu}X"
      "\x09\x00\x00\x00_metadataNsbh\x01]X\x01\x00\x00\x00mK\x07\x86"
      "a\x85R\x86."s;
  ByteReader reader(bytes);
  const Pickle pickle(reader, globals);
  REQUIRE(pickle.value().items.size() == 2);
  const PickleValue &first = *pickle.value().items[0], &second = *pickle.value().items[1];
  REQUIRE(first.kind == Kind::dictionary);
  const PickleValue& call = *first.items[1];
  CHECK(call.kind == Kind::call);
  CHECK(call.text == "torch._utils._rebuild_tensor_v2");
  REQUIRE(call.items.size() == 2);
  CHECK(call.items[0]->kind == Kind::persistent);
  CHECK(call.items[0]->items[0]->text == "p");
  REQUIRE(second.kind == Kind::dictionary);
  CHECK(second.items[0]->text == "m");
  CHECK(second.items[1]->integer == 7);
}

TEST_CASE("pickle: what would run code is refused by name") {
  const std::string refused = ", which a file of weights has no need of";
  CHECK(error_with("cos\nsystem\n(X\x02\x00\x00\x00lstR."s) == "refers to Python's os.system" + refused);
  CHECK(error_with("c__builtin__\neval\n."s) == "refers to Python's builtins.eval" + refused);
  CHECK(error_with("\x8c\x02os\x8c\x06system\x93."s) == "refers to Python's os.system" + refused);
  CHECK(error_with("c\x1b[2J\nx\n."s) == "refers to Python's ?[2J.x" + refused);
  CHECK(error_with("(ios\nsystem\n.") ==
        "needs the pickle instruction 0x69, which is not supported: only plain weights are read");
  CHECK(error_with("(lK\x01X\x01\x00\x00\x00xb."s) == "gives attributes to something that is no dictionary");
}

TEST_CASE("pickle: circles and depth") {
  std::string deep;
  for (int i = 0; i < 1000000; ++i) deep += "]";
  for (int i = 1; i < 1000000; ++i) deep += "a";
  CHECK(error_with(deep + ".").empty());
  CHECK(error_with("]q\x00h\x00"
                   "a."s)
            .empty());
  CHECK(error_with("h\x00."s) == "is damaged: its pickle takes what it has not put");
  CHECK(error_with("(K\x01)R."s) == "is damaged: a call of what is no name");
  CHECK(error_with("ccollections\nOrderedDict\n]K\x01"
                   "a\x85R."s) == "is damaged: a dictionary's item is no pair");
}

}  // namespace lacuna
