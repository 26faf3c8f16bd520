#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// A tensor of a TensorFlow checkpoint, as the index describes it.
struct BundleEntry {
  std::string name;
  std::string type;  ///< TensorFlow's name of the element type: "float32"
  Shape shape;
  int64_t shard = 0, offset = 0, bytes = 0;  ///< where its values are
  uint32_t checksum = 0;                     ///< masked_crc32c of these bytes
};

/// What PREFIX.index of a TensorFlow checkpoint ("tensor bundle", tensorflow/core/util/tensor_bundle) tells.
struct BundleIndex {
  int64_t shards = 0;
  std::vector<BundleEntry> entries;  ///< sorted by name
};

/// The PREFIX that `given` means: itself, PREFIX.index, PREFIX.meta, PREFIX.data-00000-of-00001 or a folder with one
/// index in it.
/// Throws Error where the folder has none or several.
std::string bundle_prefix(const std::string& given);

/// Whether the file exists and ends as an index does.
bool is_bundle_index(const std::filesystem::path& path);

/// Reads an index: a LevelDB table (https://github.com/google/leveldb, doc/table_format.md) of protocol buffers
/// (tensorflow/core/protobuf/tensor_bundle.proto). Checks the blocks' checksums and that every tensor's bytes are its
/// shape times its type. Compressed tables, big-endian values and partitioned variables, none of which TensorFlow's
/// Saver makes of this network, are refused. Throws Error "[tensorflow] FILE: reason".
BundleIndex read_bundle_index(const std::filesystem::path& path);

/// Reads the values of these entries from PREFIX.data-SSSSS-of-NNNNN and checks their checksums: float32, float64,
/// bfloat16, int32 and uint8 as they are, int64 as i32 if it is in range. Throws Error "[tensorflow] FILE: reason".
std::vector<std::pair<std::string, Tensor>> read_bundle_tensors(const std::string& prefix, const BundleIndex& index,
                                                                const std::vector<BundleEntry>& entries);

}  // namespace lacuna
