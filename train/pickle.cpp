#include "train/pickle.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace lacuna {

using Kind = PickleValue::Kind;

Pickle::Pickle(ByteReader& bytes, const std::vector<std::string>& globals) : globals_(globals) {
  constexpr uint8_t stop = '.';
  for (;;) {
    const auto instruction = static_cast<uint8_t>(bytes.fixed(1));
    if (instruction == stop) break;
    step(instruction, bytes);
  }
  value_ = pop();
}

PickleValue* Pickle::add(PickleValue value) {
  values_.push_back(std::move(value));
  stack_.push_back(&values_.back());
  return stack_.back();
}

PickleValue* Pickle::add_text(std::string_view text) { return add({.kind = Kind::text, .text = std::string(text)}); }

PickleValue* Pickle::add_global(std::string_view module, std::string_view name) {
  // Protocols before 3 name Python 2's module.
  std::string full = std::string(module == "__builtin__" ? "builtins" : module) + "." + std::string(name);
  const bool known = std::find(globals_.begin(), globals_.end(), full) != globals_.end();
  for (char& c : full) c = static_cast<uint8_t>(c) < ' ' || c == '\x7f' ? '?' : c;
  check(known, "refers to Python's ", full.substr(0, 80), ", which a file of weights has no need of");
  return add({.kind = Kind::global, .text = std::move(full)});
}

PickleValue* Pickle::top() {
  check(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "is damaged: its pickle takes what it has not put");
  return stack_.back();
}

PickleValue* Pickle::pop() {
  PickleValue* value = top();
  stack_.pop_back();
  return value;
}

std::vector<const PickleValue*> Pickle::pop_to_mark() {
  check(!marks_.empty(), "is damaged: its pickle takes what it has not put");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<const PickleValue*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

PickleValue* Pickle::remembered(uint64_t key) const {
  const auto found = memory_.find(key);
  check(found != memory_.end(), "is damaged: its pickle takes what it has not put");
  return found->second;
}

void Pickle::step(uint8_t instruction, ByteReader& bytes) {
  if (step_atom(instruction, bytes) || step_memory(instruction, bytes) || step_container(instruction)) return;
  char code[8];
  std::snprintf(code, sizeof code, "0x%02x", instruction);
  fail("needs the pickle instruction ", code, ", which is not supported: only plain weights are read");
}

/// Numbers, texts and names.
bool Pickle::step_atom(uint8_t instruction, ByteReader& bytes) {
  switch (instruction) {
    case 0x80:  // PROTO
      check(bytes.fixed(1) <= 5, "is a pickle of an unknown protocol");
      return true;
    case 0x95:  // FRAME
      bytes.take(8);
      return true;
    case 'N':  // NONE
      add({});
      return true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      add({.kind = Kind::truth, .integer = instruction == 0x88});
      return true;
    case 'K':  // BININT1
      add_integer(bytes.fixed(1));
      return true;
    case 'M':  // BININT2
      add_integer(bytes.fixed(2));
      return true;
    case 'J':  // BININT
      add_integer(static_cast<uint64_t>(int64_t{static_cast<int32_t>(bytes.fixed32())}));
      return true;
    case 0x8a: {  // LONG1
      const uint64_t n = bytes.fixed(1);
      check(n <= 8, "holds a whole number of ", n, " bytes, which is too large");
      uint64_t value = bytes.fixed(static_cast<int>(n));
      if (n > 0 && n < 8 && (value >> (8 * n - 1) & 1)) value |= ~uint64_t{0} << (8 * n);
      add_integer(value);
      return true;
    }
    case 'G': {  // BINFLOAT: big-endian
      const std::string_view text = bytes.take(8);
      const std::string reversed(text.rbegin(), text.rend());
      double value = 0;
      std::memcpy(&value, reversed.data(), sizeof value);
      add({.kind = Kind::real, .real = value});
      return true;
    }
    case 'X':  // BINUNICODE
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
      add_text(bytes.take(bytes.fixed32()));
      return true;
    case 0x8c:  // SHORT_BINUNICODE
    case 'U':   // SHORT_BINSTRING
    case 'C':   // SHORT_BINBYTES
      add_text(bytes.take(bytes.fixed(1)));
      return true;
    case 'c': {  // GLOBAL
      const std::string_view module = bytes.until('\n');
      add_global(module, bytes.until('\n'));
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleValue *name = pop(), *module = pop();
      check(name->kind == Kind::text && module->kind == Kind::text, "is damaged: a name that is no text");
      add_global(module->text, name->text);
      return true;
    }
    default:
      return false;
  }
}

/// What is put aside and taken up again.
bool Pickle::step_memory(uint8_t instruction, ByteReader& bytes) {
  switch (instruction) {
    case 'q':  // BINPUT
      memory_[bytes.fixed(1)] = top();
      return true;
    case 'r':  // LONG_BINPUT
      memory_[bytes.fixed(4)] = top();
      return true;
    case 0x94:  // MEMOIZE
      memory_[memory_.size()] = top();
      return true;
    case 'h':  // BINGET
      stack_.push_back(remembered(bytes.fixed(1)));
      return true;
    case 'j':  // LONG_BINGET
      stack_.push_back(remembered(bytes.fixed(4)));
      return true;
    case '0':  // POP
      pop();
      return true;
    case '2':  // DUP
      stack_.push_back(top());
      return true;
    case '(':  // MARK
      marks_.push_back(stack_.size());
      return true;
    default:
      return false;
  }
}

bool Pickle::step_container(uint8_t instruction) {
  switch (instruction) {
    case ')':  // EMPTY_TUPLE
    case ']':  // EMPTY_LIST
      add({.kind = Kind::sequence});
      return true;
    case '}':  // EMPTY_DICT
      add({.kind = Kind::dictionary});
      return true;
    case 't':  // TUPLE
    case 'l':  // LIST
    case 'd':  // DICT
    {
      std::vector<const PickleValue*> items = pop_to_mark();
      add({.kind = instruction == 'd' ? Kind::dictionary : Kind::sequence});
      add_items(std::move(items), top()->kind);
      return true;
    }
    case 0x85:  // TUPLE1, 2, 3
    case 0x86:
    case 0x87: {
      std::vector<const PickleValue*> items(instruction - 0x84u);
      for (size_t i = items.size(); i-- > 0;) items[i] = pop();
      add({.kind = Kind::sequence, .items = std::move(items)});
      return true;
    }
    case 'a':  // APPEND
      add_items({pop()}, Kind::sequence);
      return true;
    case 'e':  // APPENDS
      add_items(pop_to_mark(), Kind::sequence);
      return true;
    case 's': {  // SETITEM
      const PickleValue *value = pop(), *key = pop();
      add_items({key, value}, Kind::dictionary);
      return true;
    }
    case 'u':  // SETITEMS
      add_items(pop_to_mark(), Kind::dictionary);
      return true;
    case 'b':  // BUILD: attributes, of which a dictionary of weights has nothing but remarks
      pop();
      check(top()->kind == Kind::dictionary, "gives attributes to something that is no dictionary");
      return true;
    case 'Q':  // BINPERSID
    {
      const PickleValue* id = pop();
      add({.kind = Kind::persistent, .items = {id}});
      return true;
    }
    case 'R':  // REDUCE
      call();
      return true;
    default:
      return false;
  }
}

void Pickle::add_items(std::vector<const PickleValue*> items, Kind kind) {
  PickleValue* container = top();
  check(container->kind == kind, "is damaged: items for something that holds none");
  check(kind != Kind::dictionary || items.size() % 2 == 0, "is damaged: a dictionary's key has no value");
  container->items.insert(container->items.end(), items.begin(), items.end());
}

void Pickle::call() {
  const PickleValue *arguments = pop(), *function = pop();
  check(function->kind == Kind::global && arguments->kind == Kind::sequence, "is damaged: a call of what is no name");
  if (function->text != "collections.OrderedDict") {
    count(arguments->items.size());
    add({.kind = Kind::call, .text = function->text, .items = arguments->items});
    return;
  }
  PickleValue* dictionary = add({.kind = Kind::dictionary});
  if (arguments->items.empty()) return;
  for (const PickleValue* pair : arguments->items[0]->items) {
    check(pair->kind == Kind::sequence && pair->items.size() == 2, "is damaged: a dictionary's item is no pair");
    count(2);
    dictionary->items.insert(dictionary->items.end(), pair->items.begin(), pair->items.end());
  }
}

void Pickle::count(size_t items) {
  constexpr size_t most = size_t{1} << 24;
  copied_ += items;
  check(copied_ <= most, "is damaged: its pickle is too large");
}

}  // namespace lacuna
