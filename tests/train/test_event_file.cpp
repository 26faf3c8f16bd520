#include <bit>
#include <map>

#include "tensor/file.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/byte_reader.h"
#include "train/crc32c.h"
#include "train/event_file.h"
#include "train/run_log.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

/// A message's fields by number: bytes, or a number's little-endian bytes.
using Fields = std::multimap<int, std::string>;

Fields fields_of(std::string_view message) {
  Fields fields;
  for (ByteReader reader(message); !reader.done();) {
    const uint64_t tag = reader.varint();
    const auto number = static_cast<int>(tag >> 3);
    switch (tag & 7) {
      case 0:
        fields.emplace(number, std::to_string(reader.varint()));
        break;
      case 1:
        fields.emplace(number, reader.take(8));
        break;
      case 2:
        fields.emplace(number, reader.take(reader.varint()));
        break;
      case 5:
        fields.emplace(number, reader.take(4));
        break;
      default:
        FAIL("wire type " << (tag & 7));
    }
  }
  return fields;
}

std::string at(const Fields& fields, int number) {
  REQUIRE(fields.count(number) == 1);
  return fields.find(number)->second;
}

float real_at(const Fields& fields, int number) {
  return std::bit_cast<float>(ByteReader(at(fields, number)).fixed32());
}

/// The records of a file whose framing and checksums are sound.
std::vector<Fields> read_events(const fs::path& path) {
  const std::string bytes = read_file(path);
  std::vector<Fields> events;
  for (ByteReader reader(bytes); !reader.done();) {
    const std::string_view length = reader.take(8);
    CHECK(reader.fixed32() == masked_crc32c(length));
    const std::string_view data = reader.take(ByteReader(length).fixed(8));
    CHECK(reader.fixed32() == masked_crc32c(data));
    events.push_back(fields_of(data));
  }
  return events;
}

Fields summary_of(const Fields& event) { return fields_of(at(event, 5)); }

}  // namespace

TEST_CASE("event file: framing, checksums and content") {
  const test::TemporaryFolder folder;
  EventFile file(folder / ".", 7);
  file.scalars(3, {{"loss/l1", 0.25}, {"loss/ae", -1e30}});
  Image picture{2, 3, 3, 8, std::vector<uint16_t>(18, 200)};
  picture.samples[4] = 17;
  file.image(300, "pictures/1", picture);
  file.text(5, "note", "some *text*");

  const std::vector<Fields> events = read_events(file.path());
  REQUIRE(events.size() == 5);
  for (const Fields& event : events) CHECK(std::bit_cast<double>(ByteReader(at(event, 1)).fixed(8)) > 1.7e9);
  CHECK(at(events[0], 3) == "brain.Event:2");
  CHECK(at(events[1], 2) == "7");
  CHECK(at(fields_of(at(events[1], 7)), 1) == "1");

  CHECK(at(events[2], 2) == "3");
  const Fields scalars = summary_of(events[2]);
  REQUIRE(scalars.count(1) == 2);
  const Fields first = fields_of(scalars.begin()->second), second = fields_of(std::next(scalars.begin())->second);
  CHECK(at(first, 1) == "loss/l1");
  CHECK(real_at(first, 2) == 0.25F);
  CHECK(at(second, 1) == "loss/ae");
  CHECK(real_at(second, 2) == -1e30F);

  CHECK(at(events[3], 2) == "300");
  const Fields value = fields_of(at(summary_of(events[3]), 1)), shown = fields_of(at(value, 4));
  CHECK(at(value, 1) == "pictures/1");
  CHECK(at(shown, 1) == "2");
  CHECK(at(shown, 2) == "3");
  CHECK(at(shown, 3) == "3");
  CHECK(decode_image(at(shown, 4), "x").samples == picture.samples);

  const Fields text = fields_of(at(summary_of(events[4]), 1)), tensor = fields_of(at(text, 8));
  CHECK(at(tensor, 1) == "7");
  CHECK(at(tensor, 8) == "some *text*");
  CHECK(at(fields_of(at(fields_of(at(text, 9)), 1)), 1) == "text");
}

TEST_CASE("event file: each sorts behind those that are there") {
  const test::TemporaryFolder folder;
  folder.file("events.out.tfevents.notes", "");
  folder.file("events.out.tfevents.5000000000.other.1", "");
  const EventFile a(folder / ".", 1), b(folder / ".", 1);
  CHECK(a.path().filename().string().starts_with("events.out.tfevents.5000000001."));
  CHECK(b.path().filename().string() > a.path().filename().string());
  fs::remove_all(folder / "gone");
  CHECK(test::error_of([&] { EventFile(folder / "gone", 1); }) != "");
}

TEST_CASE("run log: tags") {
  CHECK(event_tag("l1") == "loss/l1");
  CHECK(event_tag("loss") == "loss/all");
  CHECK(event_tag("critic_local") == "critic_local/loss");
  CHECK(event_tag("critic_global_penalty") == "critic_global/penalty");
  CHECK(event_tag("gradient_gan") == "gradient/gan");
  CHECK(event_tag("critic_lr") == "learning_rate/critics");
}

}  // namespace lacuna
