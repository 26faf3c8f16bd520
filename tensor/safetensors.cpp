#include "tensor/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "tensor/file.h"
#include "tensor/half.h"

namespace lacuna {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian and copied as it is");

using Json = nlohmann::ordered_json;

constexpr uint64_t largest_header = 100'000'000;  // bytes; the limit of the format's reference implementation
constexpr size_t header_alignment = 8;
constexpr const char* metadata_key = "__metadata__";

/// A type on file: how wide, and what a tensor holds once read.
struct FileType {
  const char* name;
  int64_t size;
  DType dtype;
};

constexpr FileType file_types[] = {
    {"F32", 4, DType::f32}, {"F64", 8, DType::f64}, {"BF16", 2, DType::bf16}, {"I32", 4, DType::i32},
    {"U8", 1, DType::u8},   {"F16", 2, DType::f32}, {"I64", 8, DType::i32},
};

/// The type that a tensor is written as: the first of its DType, which holds the same bytes.
const FileType& file_type(DType dtype) {
  return *std::find_if(std::begin(file_types), std::end(file_types),
                       [&](const FileType& t) { return t.dtype == dtype; });
}

/// In double quotes, with control characters escaped: fit for a one-line message whatever a file holds.
std::string in_quotes(std::string_view name) {
  return Json(std::string(name)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct Entry {
  std::string name;
  const FileType* type = nullptr;
  Shape shape;
  uint64_t begin = 0, end = 0;  // in the data after the header
};

/// Reads and validates one file; every complaint names it.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {}

  Safetensors read() {
    Safetensors content;
    for (const Entry& e : read_entries(content.metadata)) content.tensors.emplace_back(e.name, read_tensor(e));
    return content;
  }

  SafetensorsHeader read_header_alone() {
    SafetensorsHeader header;
    for (const Entry& e : read_entries(header.metadata)) {
      header.tensors.push_back({e.name, e.type->name, e.shape, static_cast<int64_t>(e.end - e.begin)});
    }
    return header;
  }

 private:
  std::vector<Entry> read_entries(std::map<std::string, std::string>& metadata) {
    open();
    std::vector<Entry> entries = parse(read_header(), metadata);
    check_layout(entries);
    return entries;
  }

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    check(condition, "[safetensors] ", path_.string(), ": ", parts...);
  }

  void open() {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    require(std::filesystem::exists(status), "there is no such file");
    require(std::filesystem::is_regular_file(status), "is a folder or device, not a file");
    size_ = std::filesystem::file_size(path_, error);
    require(!error, "cannot open: ", error.message());
    file_.open(path_, std::ios::binary);
    require(file_.is_open(), "cannot open: ", std::strerror(errno));
  }

  void read_bytes(void* to, uint64_t bytes) {
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    require(file_.good(), "cannot read: the file ended or failed while it was read");
  }

  std::string read_header() {
    uint64_t length = 0;
    require(size_ >= sizeof length, "has ", size_, " bytes, too few for a safetensors file");
    read_bytes(&length, sizeof length);
    require(length <= largest_header, "announces a header of ", length, " bytes: not a safetensors file");
    require(length <= size_ - sizeof length, "is truncated: the header has ", length, " bytes, the file ", size_);
    std::string header(length, '\0');
    read_bytes(header.data(), length);
    data_begin_ = sizeof length + length;
    require(!header.empty() && header[0] == '{', "the header does not begin with '{': not a safetensors file");
    return header;
  }

  Json parse_json(const std::string& header) const {
    std::vector<std::set<std::string>> keys;  // of the objects that are open
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
      require(depth <= 3, "the header is nested too deeply");
      if (event == Json::parse_event_t::object_start) keys.emplace_back();
      if (event == Json::parse_event_t::object_end) keys.pop_back();
      if (event == Json::parse_event_t::key) {
        const auto& key = value.get_ref<const std::string&>();
        require(keys.back().insert(key).second, "the header has the key ", in_quotes(key), " twice");
      }
      return true;
    };
    try {
      return Json::parse(header, watch);
    } catch (const Json::parse_error& e) {
      fail("[safetensors] ", path_.string(), ": the header is not valid JSON (byte ", e.byte, ")");
    }
  }

  std::vector<Entry> parse(const std::string& header, std::map<std::string, std::string>& metadata) const {
    const Json json = parse_json(header);
    std::vector<Entry> entries;
    for (const auto& [name, value] : json.items()) {
      if (name != metadata_key) {
        entries.push_back(parse_entry(name, value));
        continue;
      }
      require(value.is_object(), metadata_key, " is not an object of strings");
      for (const auto& [key, text] : value.items()) {
        require(text.is_string(), metadata_key, ": the value of ", in_quotes(key), " is not a string");
        metadata.emplace(key, text.get<std::string>());
      }
    }
    return entries;
  }

  Entry parse_entry(const std::string& name, const Json& value) const {
    const std::string who = "tensor " + in_quotes(name);
    require(value.is_object() && value.size() == 3 && value.contains("dtype") && value.contains("shape") &&
                value.contains("data_offsets"),
            who, " needs exactly the fields dtype, shape and data_offsets");
    Entry entry;
    entry.name = name;

    require(value["dtype"].is_string(), who, ": dtype is not a string");
    const auto& type = value["dtype"].get_ref<const std::string&>();
    for (const FileType& t : file_types) {
      if (type == t.name) entry.type = &t;
    }
    require(entry.type, who, " has the type ", in_quotes(type), "; known are F16, F32, F64, BF16, U8, I32 and I64");

    const std::vector<uint64_t> dims = integers(value["shape"], who, "shape");
    require(dims.size() <= Shape::max_rank, who, " has ", dims.size(), " axes, more than ", int{Shape::max_rank});
    // Extents of 0 count as 1 here, so that no order of multiplication overflows later.
    uint64_t bound = static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / entry.type->size);
    for (uint64_t d : dims) {
      require(d <= bound, who, ": its shape is larger than any memory");
      bound /= std::max<uint64_t>(d, 1);
    }
    entry.shape = Shape(std::vector<int64_t>(dims.begin(), dims.end()));

    const std::vector<uint64_t> offsets = integers(value["data_offsets"], who, "data_offsets");
    require(offsets.size() == 2 && offsets[0] <= offsets[1], who, ": data_offsets are not [begin, end]");
    entry.begin = offsets[0];
    entry.end = offsets[1];
    const uint64_t data_bytes = size_ - data_begin_;
    require(entry.end <= data_bytes, who, " ends at byte ", entry.end, " of the data, which has ", data_bytes,
            ": the file is truncated or corrupt");
    const uint64_t expected = static_cast<uint64_t>(entry.shape.numel() * entry.type->size);
    require(entry.end - entry.begin == expected, who, ": ", entry.type->name, " ", entry.shape, " takes ", expected,
            " bytes, data_offsets span ", entry.end - entry.begin);
    return entry;
  }

  std::vector<uint64_t> integers(const Json& value, const std::string& who, const char* field) const {
    require(value.is_array(), who, ": ", field, " is not an array");
    std::vector<uint64_t> numbers;
    for (const Json& item : value) {
      require(item.is_number_unsigned(), who, ": ", field, " holds something else than non-negative integers");
      numbers.push_back(item.get<uint64_t>());
    }
    return numbers;
  }

  /// Sorts by place and refuses holes, overlaps and a rest.
  void check_layout(std::vector<Entry>& entries) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t end = 0;
    for (const Entry& e : entries) {
      require(e.begin >= end, "tensor ", in_quotes(e.name), " overlaps the one before it at byte ", e.begin);
      require(e.begin <= end, "there is a hole of ", e.begin - end, " bytes before tensor ", in_quotes(e.name));
      end = e.end;
    }
    const uint64_t data_bytes = size_ - data_begin_;
    require(end == data_bytes, "has ", data_bytes - end, " bytes after the last tensor");
  }

  Tensor read_tensor(const Entry& entry) {
    Tensor tensor(entry.shape, entry.type->dtype);
    const std::string_view type = entry.type->name;
    if (type == "F16") {
      const auto halves = read_values<uint16_t>(entry);
      std::transform(halves.begin(), halves.end(), tensor.data<float>(), half_to_float);
    } else if (type == "I64") {
      const auto values = read_values<int64_t>(entry);
      for (int64_t v : values) {
        require(v == static_cast<int32_t>(v), "tensor ", in_quotes(entry.name), ": ", v, " does not fit into 32 bits");
      }
      std::transform(values.begin(), values.end(), tensor.data<int32_t>(),
                     [](int64_t v) { return static_cast<int32_t>(v); });
    } else {
      read_bytes(tensor.raw(), entry.end - entry.begin);
    }
    return tensor;
  }

  template <class T>
  std::vector<T> read_values(const Entry& entry) {
    std::vector<T> values(static_cast<size_t>(entry.shape.numel()));
    read_bytes(values.data(), entry.end - entry.begin);
    return values;
  }

  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t size_ = 0;        // of the file
  uint64_t data_begin_ = 0;  // in the file
};

std::string header_of(const std::filesystem::path& path, const Safetensors& content, bool half) {
  const std::string where = "[safetensors] " + path.string() + ": ";
  Json json = Json::object();
  if (!content.metadata.empty()) json[metadata_key] = content.metadata;
  std::set<std::string_view> names;
  int64_t offset = 0;
  for (const auto& [name, tensor] : content.tensors) {
    check(name != metadata_key, where, "no tensor can be named ", metadata_key);
    check(names.insert(name).second, where, "two tensors are named ", in_quotes(name));
    check(tensor.defined(), where, "tensor ", in_quotes(name), " is undefined");
    check(tensor.device() == Device{}, where, "tensor ", in_quotes(name), " lies on ", tensor.device(),
          ", not on the cpu");
    const bool as_half = half && tensor.dtype() == DType::f32;
    const int64_t bytes = as_half ? tensor.numel() * static_cast<int64_t>(sizeof(uint16_t)) : tensor.nbytes();
    json[name] = {{"dtype", as_half ? "F16" : file_type(tensor.dtype()).name},
                  {"shape", tensor.shape().dims()},
                  {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string header;
  try {
    header = json.dump();
  } catch (const Json::type_error&) {
    fail(where, "a name or text is not valid UTF-8");
  }
  header.append((header_alignment - header.size() % header_alignment) % header_alignment, ' ');
  return header;
}

std::vector<uint16_t> halves_of(const std::filesystem::path& path, const std::string& name, const Tensor& tensor) {
  const float* values = tensor.data<float>();
  std::vector<uint16_t> halves(static_cast<size_t>(tensor.numel()));
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = float_to_half(values[i]);
    check(!std::isfinite(values[i]) || std::isfinite(half_to_float(halves[i])), "[safetensors] ", path.string(),
          ": tensor ", in_quotes(name), " holds ", values[i], ", which is beyond the range of F16");
  }
  return halves;
}

void write(const std::filesystem::path& path, const Safetensors& content, bool half) {
  const std::string header = header_of(path, content, half);
  const uint64_t length = header.size();
  std::vector<std::string_view> parts{{reinterpret_cast<const char*>(&length), sizeof length}, header};
  std::vector<std::vector<uint16_t>> kept;  // what the parts view
  for (const auto& [name, tensor] : content.tensors) {
    if (half && tensor.dtype() == DType::f32) {
      const auto& halves = kept.emplace_back(halves_of(path, name, tensor));
      parts.emplace_back(reinterpret_cast<const char*>(halves.data()), halves.size() * sizeof(uint16_t));
    } else {
      parts.emplace_back(static_cast<const char*>(tensor.raw()), static_cast<size_t>(tensor.nbytes()));
    }
  }
  write_file_atomically(path, parts, "safetensors");
}

}  // namespace

bool Safetensors::has(std::string_view name) const {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
}

const Tensor& Safetensors::at(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
  if (it != tensors.end()) return it->second;
  constexpr size_t shown = 12;
  std::string names;
  for (size_t i = 0; i < std::min(tensors.size(), shown); ++i) names += (i ? ", " : "") + tensors[i].first;
  if (tensors.size() > shown) names += ", ... (" + std::to_string(tensors.size()) + " in all)";
  fail("[safetensors] there is no tensor ", in_quotes(name), "; there ",
       tensors.size() == 1 ? "is: " : "are: ", names.empty() ? "none" : names);
}

Safetensors read_safetensors(const std::filesystem::path& path) { return Reader(path).read(); }

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  return Reader(path).read_header_alone();
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& content) { write(path, content, false); }

void write_safetensors_half(const std::filesystem::path& path, const Safetensors& content) {
  write(path, content, true);
}

}  // namespace lacuna
