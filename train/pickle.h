#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "train/byte_reader.h"

namespace lacuna {

/// A value of a pickle. Values refer to each other by address and may refer to themselves in a circle.
struct PickleValue {
  enum class Kind : uint8_t {
    none,
    truth,       ///< integer is 0 or 1
    integer,     ///< integer
    real,        ///< real
    text,        ///< text; bytes, too
    sequence,    ///< items: a tuple's or a list's
    dictionary,  ///< items: keys and values in turn
    global,      ///< text: "module.name"
    call,        ///< text: the global that is called, items: the arguments
    persistent,  ///< items: the identifier of something outside of the pickle
  };

  Kind kind = Kind::none;
  int64_t integer = 0;
  double real = 0;
  std::string text{};
  std::vector<const PickleValue*> items{};
};

/// A Python pickle (protocols 0 to 5, the instructions that plain data need) read as data: nothing in it is ever
/// imported or executed. A global that is not among `globals` is an error, and so is any other instruction.
class Pickle {
 public:
  /// Reads one pickle from the front of `bytes`. Throws Error with the reason.
  Pickle(ByteReader& bytes, const std::vector<std::string>& globals);

  const PickleValue& value() const { return *value_; }
  /// Every value there is in it, in the order of their making.
  const std::deque<PickleValue>& all() const { return values_; }

 private:
  PickleValue* add(PickleValue value);
  PickleValue* add_text(std::string_view text);
  PickleValue* add_integer(uint64_t value) {
    return add({.kind = PickleValue::Kind::integer, .integer = static_cast<int64_t>(value)});
  }
  PickleValue* add_global(std::string_view module, std::string_view name);
  PickleValue* pop();
  PickleValue* top();
  /// All values above the topmost mark, which goes, too.
  std::vector<const PickleValue*> pop_to_mark();
  PickleValue* remembered(uint64_t key) const;
  void step(uint8_t instruction, ByteReader& bytes);
  bool step_atom(uint8_t instruction, ByteReader& bytes);
  bool step_memory(uint8_t instruction, ByteReader& bytes);
  bool step_container(uint8_t instruction);
  void add_items(std::vector<const PickleValue*> items, PickleValue::Kind kind);
  void call();
  /// Keeps account of the items copied, so that a small pickle cannot ask for much memory.
  void count(size_t items);

  const std::vector<std::string>& globals_;
  std::deque<PickleValue> values_;  // all of them: their links own nothing
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, PickleValue*> memory_;
  size_t copied_ = 0;
  const PickleValue* value_ = nullptr;
};

}  // namespace lacuna
