#include "train/torch_file.h"

#include <zip.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "tensor/file.h"
#include "tensor/half.h"
#include "train/pickle.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using Kind = PickleValue::Kind;
using Named = std::vector<std::pair<std::string, Tensor>>;
/// The bytes of the storage of that key, which has `bytes` of them.
using StorageBytes = std::function<std::string_view(const std::string& key, uint64_t bytes)>;

struct StorageType {
  uint64_t bytes;               // of an element
  std::optional<DType> stored;  // what it is read as, if it is read
};

const std::map<std::string, StorageType> storage_types{
    {"torch.FloatStorage", {4, DType::f32}}, {"torch.DoubleStorage", {8, DType::f64}},
    {"torch.HalfStorage", {2, DType::f32}},  {"torch.BFloat16Storage", {2, DType::bf16}},
    {"torch.LongStorage", {8, {}}},          {"torch.IntStorage", {4, {}}},
    {"torch.ShortStorage", {2, {}}},         {"torch.CharStorage", {1, {}}},
    {"torch.ByteStorage", {1, {}}},          {"torch.BoolStorage", {1, {}}},
};

constexpr const char* rebuild_tensor = "torch._utils._rebuild_tensor_v2";

const std::vector<std::string>& known_globals() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"collections.OrderedDict", rebuild_tensor};
    for (const auto& [name, type] : storage_types) all.push_back(name);
    return all;
  }();
  return names;
}

const PickleValue& item(const PickleValue& value, size_t index, Kind kind) {
  check(index < value.items.size() && value.items[index]->kind == kind, "is damaged: a tensor's description is wrong");
  return *value.items[index];
}

std::vector<int64_t> whole_numbers(const PickleValue& sequence) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < sequence.items.size(); ++i) {
    numbers.push_back(item(sequence, i, Kind::integer).integer);
    check(numbers.back() >= 0, "is damaged: a tensor's extent or stride is negative");
  }
  return numbers;
}

/// Element `from` of the storage, converted, to element `to` of the tensor.
void copy_element(std::string_view storage, const std::string& type, uint64_t from, Tensor& tensor, int64_t to) {
  if (type == "torch.HalfStorage") {
    uint16_t bits = 0;
    std::memcpy(&bits, storage.data() + 2 * from, 2);
    tensor.data<float>()[to] = half_to_float(bits);
    return;
  }
  const auto size = static_cast<size_t>(size_of(tensor.dtype()));
  std::memcpy(static_cast<char*>(tensor.raw()) + to * static_cast<int64_t>(size), storage.data() + from * size, size);
}

/// call: _rebuild_tensor_v2(storage, offset, size, stride, ...), the storage being ('storage', type, key, place,
/// count).
Tensor tensor_of(const PickleValue& call, const StorageBytes& bytes_of) {
  const PickleValue& id = item(item(call, 0, Kind::persistent), 0, Kind::sequence);
  check(item(id, 0, Kind::text).text == "storage", "is damaged: a tensor has no storage");
  const std::string& type_name = item(id, 1, Kind::global).text;
  const auto type = storage_types.find(type_name);
  check(type != storage_types.end(), "is damaged: a storage's type is ", type_name);
  if (!type->second.stored) return {};

  const int64_t count = item(id, 4, Kind::integer).integer, offset = item(call, 1, Kind::integer).integer;
  const std::vector<int64_t> sizes = whole_numbers(item(call, 2, Kind::sequence));
  const std::vector<int64_t> strides = whole_numbers(item(call, 3, Kind::sequence));
  check(sizes.size() == strides.size() && sizes.size() <= Shape::max_rank, "is damaged: a tensor of rank ",
        sizes.size());
  // Neither more elements than the storage has nor one beyond its end.
  int64_t total = 1, last = offset;
  bool sound = count >= 0 && offset >= 0;
  for (size_t k = 0; k < sizes.size(); ++k) {
    int64_t span = 0;
    sound = sound && !__builtin_mul_overflow(total, sizes[k], &total) &&
            !__builtin_mul_overflow(sizes[k] - 1, strides[k], &span) && !__builtin_add_overflow(last, span, &last);
  }
  sound = sound && total <= count && (total == 0 || last < count);
  check(sound, "is damaged: a tensor reaches beyond its storage");

  uint64_t bytes = 0;
  check(!__builtin_mul_overflow(static_cast<uint64_t>(count), type->second.bytes, &bytes),
        "is damaged: a storage is too large");
  const std::string_view storage = bytes_of(item(id, 2, Kind::text).text, bytes);
  Tensor tensor(Shape(sizes), *type->second.stored);
  std::vector<int64_t> at(sizes.size(), 0);
  int64_t from = offset;
  for (int64_t to = 0; to < total; ++to) {
    copy_element(storage, type_name, static_cast<uint64_t>(from), tensor, to);
    for (size_t k = sizes.size(); k-- > 0;) {
      from += strides[k];
      if (++at[k] < sizes[k]) break;
      from -= sizes[k] * strides[k];
      at[k] = 0;
    }
  }
  return tensor;
}

/// Collects the tensors of dictionaries within dictionaries.
class Collector {
 public:
  explicit Collector(const StorageBytes& bytes_of) : bytes_of_(bytes_of) {}

  Named collect(const PickleValue& root) {
    check(root.kind == Kind::dictionary,
          "holds no dictionary of weights; save model.state_dict() rather than the model or a tensor");
    visit(root, "", 0);
    return std::move(tensors_);
  }

 private:
  void visit(const PickleValue& dictionary, const std::string& prefix, int depth) {
    constexpr int deepest = 8;
    check(depth < deepest, "is damaged: its dictionaries are nested too deeply");
    for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      constexpr int64_t most = 1 << 20;
      check(++visited_ <= most, "is damaged: it has too many entries");
      const PickleValue &key = *dictionary.items[i], &value = *dictionary.items[i + 1];
      const bool is_tensor = value.kind == Kind::call && value.text == rebuild_tensor;
      if (!is_tensor && value.kind != Kind::dictionary) continue;
      const std::string name = prefix + (key.kind == Kind::integer ? std::to_string(key.integer) : key.text);
      for (const char c : name) {
        check(static_cast<uint8_t>(c) >= ' ' && c != '\x7f', "is damaged: a name holds control characters");
      }
      if (is_tensor) {
        tensors_.emplace_back(name, tensor_of(value, bytes_of_));
      } else {
        visit(value, name + ".", depth + 1);
      }
    }
  }

  const StorageBytes& bytes_of_;
  int64_t visited_ = 0;
  Named tensors_;
};

Named tensors_in(const PickleValue& root, const StorageBytes& bytes_of) { return Collector(bytes_of).collect(root); }

/// A zip archive in memory.
class Archive {
 public:
  explicit Archive(const std::string& bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source) archive_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    const std::string reason = archive_ ? "" : zip_error_strerror(&error);
    if (source && !archive_) zip_source_free(source);
    zip_error_fini(&error);
    check(archive_ != nullptr, "is truncated or damaged: ", reason);
  }

  /// The folder that data.pkl is in, with its slash.
  std::string folder() const {
    std::optional<std::string> found;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      const std::string name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0);
      constexpr std::string_view wanted = "data.pkl";
      if (!name.ends_with(wanted)) continue;
      const std::string before = name.substr(0, name.size() - wanted.size());
      if (before.empty() || (before.find('/') == before.size() - 1)) found = before;
    }
    check(found.has_value(), "is a zip archive, but not one of torch.save");
    return *found;
  }

  bool has(const std::string& name) const { return zip_name_locate(archive_.get(), name.c_str(), 0) >= 0; }

  std::string read(const std::string& name) const {
    zip_stat_t status;
    zip_stat_init(&status);
    check(zip_stat(archive_.get(), name.c_str(), 0, &status) == 0, "lacks ", name);
    // Stored, as torch.save does, a member is no larger than the file: nothing can swell on being read.
    check(status.comp_method == ZIP_CM_STORE && status.size == status.comp_size, "has ", name,
          " compressed, which torch.save does not do");
    std::string bytes(status.size, '\0');
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> member(zip_fopen_index(archive_.get(), status.index, 0),
                                                                   zip_fclose);
    check(member != nullptr, "is damaged: ", zip_strerror(archive_.get()));
    const zip_int64_t got = zip_fread(member.get(), bytes.data(), bytes.size());
    char beyond = 0;  // the checksum is compared at the end
    const bool ended = zip_fread(member.get(), &beyond, 1) == 0;
    check(got == static_cast<zip_int64_t>(bytes.size()) && ended, "is damaged: ", name, ": ",
          zip_file_strerror(member.get()));
    return bytes;
  }

 private:
  struct Closer {
    void operator()(zip_t* archive) const { zip_discard(archive); }
  };
  std::unique_ptr<zip_t, Closer> archive_;
};

Named read_zip(const std::string& file) {
  const Archive archive(file);
  const std::string folder = archive.folder();
  check(!archive.has(folder + "constants.pkl"), "is a TorchScript program; save model.state_dict() instead");
  const std::string byte_order = folder + "byteorder";
  check(!archive.has(byte_order) || archive.read(byte_order) == "little",
        "holds big-endian values, which are not supported");
  const std::string pickled = archive.read(folder + "data.pkl");
  ByteReader reader(pickled);
  const Pickle pickle(reader, known_globals());
  std::map<std::string, std::string> storages;
  return tensors_in(pickle.value(), [&](const std::string& key, uint64_t bytes) -> std::string_view {
    auto found = storages.find(key);
    if (found == storages.end()) found = storages.emplace(key, archive.read(folder + "data/" + key)).first;
    check(found->second.size() == bytes, "is damaged: ", folder, "data/", key, " has ", found->second.size(),
          " bytes, not ", bytes);
    return found->second;
  });
}

/// The pickle of the number that files of the older format begin with.
constexpr std::string_view old_magic{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15};

/// Five pickles: the magic number, the version, the system, the object and the storages' keys; then, in the keys'
/// order, each storage's count of elements (8 bytes) and its elements.
Named read_old(std::string_view file) {
  const std::vector<std::string> none;
  ByteReader reader(file);
  reader.take(old_magic.size());
  const Pickle version(reader, none);
  check(version.value().kind == Kind::integer && version.value().integer == 1001,
        "is of an unknown version of torch.save's old format");
  const Pickle system(reader, none);
  for (size_t i = 0; i + 1 < system.value().items.size(); i += 2) {
    const PickleValue &key = *system.value().items[i], &value = *system.value().items[i + 1];
    check(key.text != "little_endian" || value.integer == 1, "holds big-endian values, which are not supported");
  }
  const Pickle object(reader, known_globals());
  const Pickle keys(reader, none);
  std::map<std::string, uint64_t> element_bytes;  // of the storages, by key
  for (const PickleValue& value : object.all()) {
    if (value.kind != Kind::persistent) continue;
    const PickleValue& id = item(value, 0, Kind::sequence);
    const auto type = storage_types.find(item(id, 1, Kind::global).text);
    if (type != storage_types.end()) element_bytes[item(id, 2, Kind::text).text] = type->second.bytes;
  }
  std::map<std::string, std::string_view> storages;
  for (size_t i = 0; i < keys.value().items.size(); ++i) {
    const std::string& key = item(keys.value(), i, Kind::text).text;
    const auto size = element_bytes.find(key);
    check(size != element_bytes.end(), "is damaged: nothing is known of storage ", i);
    uint64_t bytes = 0;
    check(!__builtin_mul_overflow(reader.fixed(8), size->second, &bytes), "is damaged: a storage is too large");
    storages[key] = reader.take(bytes);
  }
  return tensors_in(object.value(), [&](const std::string& key, uint64_t bytes) {
    const auto found = storages.find(key);
    check(found != storages.end() && found->second.size() == bytes, "is damaged: a storage is missing or too short");
    return found->second;
  });
}

constexpr std::string_view zip_magic{"PK"};

}  // namespace

bool is_torch_file(const fs::path& path) {
  std::string begin(old_magic.size(), '\0');
  std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin.starts_with(zip_magic) || begin == old_magic;
}

Named read_torch_file(const fs::path& path) {
  const std::string file = read_file(path, "pytorch");
  try {
    if (file.starts_with(zip_magic)) return read_zip(file);
    if (file.starts_with(old_magic)) return read_old(file);
    fail("is no file of PyTorch's torch.save");
  } catch (const Error& error) {
    fail("[pytorch] ", path.string(), ": ", error.what());
  }
}

}  // namespace lacuna
