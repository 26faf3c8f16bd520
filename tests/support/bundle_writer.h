#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"
#include "train/crc32c.h"

namespace lacuna::test {

/// Writes TensorFlow checkpoints as TensorFlow does, or wrong in the one respect that a test wants.
struct BundleWriter {
  int64_t shards = 1;
  size_t block_size = 4096;         // bytes after which a table's block ends
  int restart_every = 16;           // keys that share their beginnings
  uint64_t endianness = 0;          // of the header
  uint8_t compression = 0;          // named by every block; the content is never compressed
  std::string sliced;               // name of a tensor that is said to be in slices
  std::map<std::string, int> type;  // of tensors, instead of their own

  static void varint(std::string& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
  }
  static void fixed32(std::string& out, uint32_t value) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  }
  static void number(std::string& out, uint64_t field, uint64_t value) {
    if (value == 0) return;
    varint(out, field << 3);
    varint(out, value);
  }
  static void bytes(std::string& out, uint64_t field, const std::string& value) {
    varint(out, field << 3 | 2);
    varint(out, value.size());
    out += value;
  }

  /// The block of these entries.
  std::string block(const std::vector<std::pair<std::string, std::string>>& entries) const {
    std::string out, last, restarts;
    uint32_t count = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      const auto& [key, value] = entries[i];
      size_t shared = 0;
      if (i % static_cast<size_t>(restart_every) == 0) {
        fixed32(restarts, static_cast<uint32_t>(out.size()));
        ++count;
      } else {
        while (shared < std::min(last.size(), key.size()) && last[shared] == key[shared]) ++shared;
      }
      varint(out, shared);
      varint(out, key.size() - shared);
      varint(out, value.size());
      out += key.substr(shared) + value;
      last = key;
    }
    out += restarts;
    fixed32(out, count);
    return out;
  }

  /// Adds a block with its trailer to a table and returns its handle.
  std::string place(std::string& table, const std::string& content) const {
    std::string handle;
    varint(handle, table.size());
    varint(handle, content.size());
    const std::string body = content + static_cast<char>(compression);
    table += body;
    fixed32(table, masked_crc32c(body));
    return handle;
  }

  std::string table(const std::vector<std::pair<std::string, std::string>>& entries) const {
    std::string out;
    std::vector<std::pair<std::string, std::string>> index, part;
    size_t size = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      part.push_back(entries[i]);
      size += entries[i].first.size() + entries[i].second.size();
      if (size < block_size && i + 1 < entries.size()) continue;
      index.emplace_back(part.back().first, place(out, block(part)));
      part.clear();
      size = 0;
    }
    std::string footer = place(out, block({}));
    footer += place(out, block(index));
    footer.resize(40, '\0');
    for (const uint8_t byte : {0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb}) footer += static_cast<char>(byte);
    return out + footer;
  }

  static int type_of(DType dtype) {
    switch (dtype) {
      case DType::f32:
        return 1;
      case DType::f64:
        return 2;
      case DType::i32:
        return 3;
      case DType::u8:
        return 4;
      case DType::bf16:
        return 14;
    }
    return 0;
  }

  void write(const std::string& prefix, std::vector<std::pair<std::string, Tensor>> tensors) const {
    std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> data(static_cast<size_t>(shards));
    std::string header, version;
    number(header, 1, static_cast<uint64_t>(shards));
    number(header, 2, endianness);
    number(version, 1, 1);
    bytes(header, 3, version);
    std::vector<std::pair<std::string, std::string>> entries{{"", header}};
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto& [name, tensor] = tensors[i];
      const size_t shard = i % data.size();
      const std::string values(static_cast<const char*>(tensor.raw()), static_cast<size_t>(tensor.nbytes()));
      std::string entry, shape;
      number(entry, 1, static_cast<uint64_t>(type.contains(name) ? type.at(name) : type_of(tensor.dtype())));
      for (const int64_t extent : tensor.shape()) {
        std::string dim;
        number(dim, 1, static_cast<uint64_t>(extent));
        bytes(shape, 2, dim);
      }
      bytes(entry, 2, shape);
      number(entry, 3, shard);
      number(entry, 4, data[shard].size());
      number(entry, 5, values.size());
      varint(entry, 6 << 3 | 5);
      fixed32(entry, masked_crc32c(values));
      if (name == sliced) bytes(entry, 7, "");
      entries.emplace_back(name, entry);
      data[shard] += values;
    }
    std::ofstream(prefix + ".index", std::ios::binary) << table(entries);
    for (size_t shard = 0; shard < data.size(); ++shard) {
      char suffix[64];
      std::snprintf(suffix, sizeof suffix, ".data-%05d-of-%05d", static_cast<int>(shard), static_cast<int>(shards));
      std::ofstream(prefix + suffix, std::ios::binary) << data[shard];
    }
  }
};

}  // namespace lacuna::test
