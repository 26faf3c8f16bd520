#include "train/tensor_bundle.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <optional>

#include "tensor/file.h"
#include "train/byte_reader.h"
#include "train/crc32c.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t table_magic = 0xdb4775248b80fb57u;
constexpr size_t footer_bytes = 48, trailer_bytes = 5;

struct ElementType {
  const char* name;
  int64_t bytes;                // 0: not of fixed size
  std::optional<DType> stored;  // what it is read as, if it can be
};

/// By DataType of tensorflow/core/framework/types.proto.
const std::map<uint64_t, ElementType> element_types{
    {1, {"float32", 4, DType::f32}},
    {2, {"float64", 8, DType::f64}},
    {3, {"int32", 4, DType::i32}},
    {4, {"uint8", 1, DType::u8}},
    {5, {"int16", 2, {}}},
    {6, {"int8", 1, {}}},
    {7, {"string", 0, {}}},
    {8, {"complex64", 8, {}}},
    {9, {"int64", 8, DType::i32}},
    {10, {"bool", 1, {}}},
    {14, {"bfloat16", 2, DType::bf16}},
    {17, {"uint16", 2, {}}},
    {18, {"complex128", 16, {}}},
    {19, {"float16", 2, {}}},
    {22, {"uint32", 4, {}}},
    {23, {"uint64", 8, {}}},
};

/// Calls f and puts the file's name before what it complains about.
template <class F>
auto about(const fs::path& path, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    const std::string_view reason = error.what();
    if (reason.starts_with("[")) throw;
    fail("[tensorflow] ", path.string(), ": ", reason);
  }
}

struct BlockHandle {
  uint64_t offset, size;
};

BlockHandle block_handle(ByteReader& reader) {
  const uint64_t offset = reader.varint();
  return {offset, reader.varint()};
}

/// The keys and values of a block.
std::vector<std::pair<std::string, std::string_view>> block_entries(std::string_view file, const BlockHandle& handle) {
  check(handle.offset <= file.size() && handle.size <= file.size() - handle.offset &&
            trailer_bytes <= file.size() - handle.offset - handle.size,
        "is truncated or damaged: a block reaches beyond the end");
  const std::string_view block = file.substr(handle.offset, handle.size);
  ByteReader trailer(file.substr(handle.offset + handle.size, trailer_bytes));
  const uint64_t compression = trailer.fixed(1);
  check(trailer.fixed32() == masked_crc32c(file.substr(handle.offset, handle.size + 1)),
        "is damaged: the checksum of a block is wrong");
  check(compression == 0, "is compressed (", compression == 1 ? "Snappy" : "unknown kind",
        "), which is not supported; TensorFlow's own Saver writes it uncompressed");

  ByteReader counter(block);
  check(block.size() >= 4, "is damaged: a block is too short");
  counter.take(block.size() - 4);
  const uint64_t restarts = counter.fixed32();
  check(restarts <= (block.size() - 4) / 4, "is damaged: a block is too short");
  ByteReader reader(block.substr(0, block.size() - 4 - 4 * restarts));
  std::vector<std::pair<std::string, std::string_view>> entries;
  std::string key;
  while (!reader.done()) {
    const uint64_t shared = reader.varint(), unshared = reader.varint(), value = reader.varint();
    check(shared <= key.size(), "is damaged: a key shares more than there is");
    std::string next = key.substr(0, shared) + std::string(reader.take(unshared));
    check(entries.empty() || next > key, "is damaged: its keys are not sorted");
    key = std::move(next);
    entries.emplace_back(key, reader.take(value));
  }
  return entries;
}

/// Calls field(number, reader) or field(number, value) for each field of a protocol buffer.
template <class OnBytes, class OnNumber>
void each_field(std::string_view message, OnBytes&& on_bytes, OnNumber&& on_number) {
  ByteReader reader(message);
  while (!reader.done()) {
    const uint64_t tag = reader.varint(), field = tag >> 3;
    switch (tag & 7) {
      case 0:
        on_number(field, reader.varint());
        break;
      case 1:
        on_number(field, reader.fixed(8));
        break;
      case 2:
        on_bytes(field, reader.take(reader.varint()));
        break;
      case 5:
        on_number(field, reader.fixed(4));
        break;
      default:
        fail("is damaged: a field of unknown kind");
    }
  }
}

const auto ignore = [](uint64_t, auto) {};

int64_t header_shards(std::string_view message) {
  uint64_t shards = 0, endianness = 0;
  each_field(message, ignore, [&](uint64_t field, uint64_t value) {
    if (field == 1) shards = value;
    if (field == 2) endianness = value;
  });
  check(endianness == 0, "holds big-endian values, which are not supported");
  check(shards >= 1 && shards <= 99999, "is damaged: it speaks of ", shards, " data files");
  return static_cast<int64_t>(shards);
}

Shape shape_of(std::string_view message, const std::string& name) {
  std::vector<int64_t> extents;
  each_field(
      message,
      [&](uint64_t field, std::string_view dim) {
        if (field != 2) return;
        uint64_t extent = 0;
        each_field(dim, ignore, [&](uint64_t inner, uint64_t value) {
          if (inner == 1) extent = value;
        });
        check(extent <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()), name, " has a negative extent");
        extents.push_back(static_cast<int64_t>(extent));
      },
      [&](uint64_t field, uint64_t unknown) { check(field != 3 || unknown == 0, name, " has no known rank"); });
  check(extents.size() <= Shape::max_rank, name, " has rank ", extents.size(), "; at most ", Shape::max_rank,
        " is supported");
  int64_t total = 1;
  for (const int64_t extent : extents) {
    check(!__builtin_mul_overflow(total, extent, &total), "is damaged: ", name, " is too large");
  }
  return Shape(extents);
}

BundleEntry entry_of(const std::string& name, std::string_view message, int64_t shards) {
  BundleEntry entry;
  entry.name = name;
  uint64_t type = 0, shard = 0, offset = 0, bytes = 0;
  each_field(
      message,
      [&](uint64_t field, std::string_view value) {
        if (field == 2) entry.shape = shape_of(value, name);
        check(field != 7, name, " is stored in slices (a partitioned variable), which is not supported");
      },
      [&](uint64_t field, uint64_t value) {
        if (field == 1) type = value;
        if (field == 3) shard = value;
        if (field == 4) offset = value;
        if (field == 5) bytes = value;
        if (field == 6) entry.checksum = static_cast<uint32_t>(value);
      });
  constexpr uint64_t largest = uint64_t{1} << 62;
  check(offset <= largest && bytes <= largest, "is damaged: the place of ", name, " is absurd");
  check(shard < static_cast<uint64_t>(shards), "is damaged: ", name, " is in data file ", shard, " of ", shards);
  entry.shard = static_cast<int64_t>(shard);
  entry.offset = static_cast<int64_t>(offset);
  entry.bytes = static_cast<int64_t>(bytes);
  const auto known = element_types.find(type);
  entry.type = known == element_types.end() ? "type " + std::to_string(type) : known->second.name;
  if (known != element_types.end() && known->second.bytes > 0) {
    int64_t expected = 0;
    check(!__builtin_mul_overflow(entry.shape.numel(), known->second.bytes, &expected) && expected == entry.bytes,
          "is damaged: ", name, " ", entry.shape, " ", entry.type, " has ", entry.bytes, " bytes");
  }
  return entry;
}

std::string shard_path(const std::string& prefix, int64_t shard, int64_t shards) {
  char suffix[64];
  std::snprintf(suffix, sizeof suffix, ".data-%05d-of-%05d", static_cast<int>(shard), static_cast<int>(shards));
  return prefix + suffix;
}

Tensor tensor_of(const BundleEntry& entry, std::string_view bytes) {
  const auto known = std::find_if(element_types.begin(), element_types.end(),
                                  [&](const auto& type) { return type.second.name == entry.type; });
  check(known != element_types.end() && known->second.stored, entry.name, " is ", entry.type,
        ", which is not supported");
  Tensor tensor(entry.shape, *known->second.stored);
  if (entry.type != "int64") {
    std::memcpy(tensor.raw(), bytes.data(), bytes.size());
    return tensor;
  }
  ByteReader reader(bytes);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const auto value = static_cast<int64_t>(reader.fixed(8));
    check(value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max(), entry.name,
          " holds ", value, ", which is too large");
    tensor.data<int32_t>()[i] = static_cast<int32_t>(value);
  }
  return tensor;
}

}  // namespace

std::string bundle_prefix(const std::string& given) {
  if (fs::is_directory(given)) {
    std::vector<std::string> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(given)) {
      if (entry.path().extension() == ".index") found.push_back(entry.path().string());
    }
    check(!found.empty(), "[tensorflow] ", given, ": there is no .index file in this folder");
    check(found.size() == 1, "[tensorflow] ", given, ": there are ", found.size(),
          " .index files in this folder; name the one to read");
    return bundle_prefix(found.front());
  }
  const fs::path path(given);
  if (path.extension() == ".index" || path.extension() == ".meta" || path.extension().string().starts_with(".data-")) {
    return (path.parent_path() / path.stem()).string();
  }
  return given;
}

bool is_bundle_index(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  std::string magic(8, '\0');
  if (!file.seekg(-8, std::ios::end) || !file.read(magic.data(), 8)) return false;
  return ByteReader(magic).fixed(8) == table_magic;
}

BundleIndex read_bundle_index(const fs::path& path) {
  const std::string file = read_file(path, "tensorflow");
  return about(path, [&] {
    const size_t magic_at = file.size() < footer_bytes ? 0 : file.size() - 8;
    check(file.size() >= footer_bytes && ByteReader(std::string_view(file).substr(magic_at)).fixed(8) == table_magic,
          "is no index of a TensorFlow checkpoint, or is truncated");
    ByteReader footer(std::string_view(file).substr(file.size() - footer_bytes));
    block_handle(footer);  // of a block that says nothing of the tensors
    BundleIndex index;
    for (const auto& [last_key, value] : block_entries(file, block_handle(footer))) {
      ByteReader handle(value);
      for (const auto& [name, message] : block_entries(file, block_handle(handle))) {
        if (name.empty()) {
          index.shards = header_shards(message);
          continue;
        }
        check(index.shards > 0, "is damaged: it lacks its header");
        check(
            std::none_of(name.begin(), name.end(), [](char c) { return static_cast<uint8_t>(c) < ' ' || c == '\x7f'; }),
            "is damaged, or holds partitioned variables: a name holds control characters");
        check(index.entries.empty() || name > index.entries.back().name, "is damaged: its keys are not sorted");
        index.entries.push_back(entry_of(name, message, index.shards));
      }
    }
    check(index.shards > 0, "is damaged: it lacks its header");
    return index;
  });
}

std::vector<std::pair<std::string, Tensor>> read_bundle_tensors(const std::string& prefix, const BundleIndex& index,
                                                                const std::vector<BundleEntry>& entries) {
  std::vector<std::pair<std::string, Tensor>> tensors(entries.size());
  for (int64_t shard = 0; shard < index.shards; ++shard) {
    const auto in_shard = [&](const BundleEntry& entry) { return entry.shard == shard; };
    if (std::none_of(entries.begin(), entries.end(), in_shard)) continue;
    const std::string path = shard_path(prefix, shard, index.shards);
    const std::string file = read_file(path, "tensorflow");
    about(path, [&] {
      for (size_t i = 0; i < entries.size(); ++i) {
        const BundleEntry& entry = entries[i];
        if (!in_shard(entry)) continue;
        check(entry.offset + entry.bytes <= static_cast<int64_t>(file.size()), "is truncated: ", entry.name,
              " ends at byte ", entry.offset + entry.bytes, ", the file at ", file.size());
        const std::string_view bytes(file.data() + entry.offset, static_cast<size_t>(entry.bytes));
        check(masked_crc32c(bytes) == entry.checksum, "is damaged, or not of this index: the checksum of ", entry.name,
              " is wrong");
        tensors[i] = {entry.name, tensor_of(entry, bytes)};
      }
    });
  }
  return tensors;
}

}  // namespace lacuna
