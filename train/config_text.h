#pragma once

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/check.h"

namespace lacuna {

/// A bound of whole numbers that have none.
constexpr int64_t unlimited = int64_t{1} << 53;

/// What the words of a choice stand for.
template <class E>
using Names = std::vector<std::pair<const char*, E>>;

/// Visits a configuration's keys and takes those that a TOML table has. A value of another type or out of range is an
/// Error "[config] FILE:LINE: ..."; what is not visited is one, too, in finish().
class ConfigReader {
 public:
  ConfigReader(const toml::table& root, std::string file) : root_(root), file_(std::move(file)) {}

  void section(const char* name) {
    section_ = name;
    sections_.insert(name);
    table_ = nullptr;
    if (const toml::node* node = root_.get(name)) {
      table_ = node->as_table();
      if (!table_) complain(*node, std::string("[") + name + "] must be a table");
    }
  }

  template <class T>
  void number(const char* key, T& value, int64_t lo, int64_t hi) {
    const toml::node* node = find(key);
    if (!node) return;
    const auto given = node->is_integer() ? node->value<int64_t>() : std::nullopt;
    if (!given || *given < lo || *given > hi) {
      wrong(*node, key,
            hi < unlimited ? "a whole number from " + std::to_string(lo) + " to " + std::to_string(hi)
                           : "a whole number of at least " + std::to_string(lo));
    }
    value = static_cast<T>(*given);
  }

  void numbers(const char* key, std::vector<int64_t>& values, int64_t lo, int64_t hi) {
    const toml::node* node = find(key);
    if (!node) return;
    const std::string wanted = "a list of whole numbers of at least " + std::to_string(lo);
    const toml::array* array = node->as_array();
    if (!array) wrong(*node, key, wanted);
    values.clear();
    for (const toml::node& element : *array) {
      const auto given = element.is_integer() ? element.value<int64_t>() : std::nullopt;
      if (!given || *given < lo || *given > hi) wrong(*node, key, wanted);
      values.push_back(*given);
    }
  }

  void real(const char* key, double& value, double lo, double hi) {
    const toml::node* node = find(key);
    if (!node) return;
    const double given = node->is_number() ? node->value<double>().value_or(std::nan("")) : std::nan("");
    std::ostringstream range;
    range << "a number from " << lo << " to " << hi;
    if (!(given >= lo && given <= hi)) wrong(*node, key, range.str());
    value = given;
  }

  void flag(const char* key, bool& value) {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_boolean()) wrong(*node, key, "true or false");
    value = **node->as_boolean();
  }

  void text(const char* key, std::string& value) {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_string()) wrong(*node, key, "a string");
    value = **node->as_string();
  }

  void texts(const char* key, std::vector<std::string>& value) {
    const toml::node* node = find(key);
    if (!node) return;
    value.clear();
    if (node->is_string()) {
      value.push_back(**node->as_string());
      return;
    }
    const toml::array* array = node->as_array();
    if (!array) wrong(*node, key, "a path or a list of paths");
    for (const toml::node& element : *array) {
      if (!element.is_string()) wrong(element, key, "a path or a list of paths");
      value.push_back(**element.as_string());
    }
  }

  template <class E>
  void choice(const char* key, E& value, const Names<E>& names) {
    const toml::node* node = find(key);
    if (!node) return;
    std::string known;
    for (const auto& [name, meaning] : names) {
      if (node->is_string() && **node->as_string() == name) {
        value = meaning;
        return;
      }
      known += (known.empty() ? "\"" : ", \"") + std::string(name) + "\"";
    }
    wrong(*node, key, "one of " + known);
  }

  /// Complains about what no visit asked for.
  void finish() const {
    for (const auto& [key, node] : root_) {
      const std::string name(key.str());
      if (!sections_.contains(name)) complain(node, "there is no section [" + name + "]");
      for (const auto& [inner, value] : *node.as_table()) {
        const std::string full = name + "." + std::string(inner.str());
        if (!keys_.contains(full)) complain(value, "there is no key " + full);
      }
    }
  }

 private:
  const toml::node* find(const char* key) {
    keys_.insert(section_ + "." + key);
    return table_ ? table_->get(key) : nullptr;
  }

  [[noreturn]] void wrong(const toml::node& node, const char* key, const std::string& expected) const {
    std::ostringstream given;
    node.visit([&](const auto& value) { given << value; });
    std::string shown = given.str();
    std::replace(shown.begin(), shown.end(), '\n', ' ');
    complain(node, section_ + "." + key + " must be " + expected + ", not " + shown);
  }

  [[noreturn]] void complain(const toml::node& node, const std::string& reason) const {
    fail("[config] ", file_, ":", node.source().begin.line, ": ", reason);
  }

  const toml::table& root_;
  std::string file_, section_;
  const toml::table* table_ = nullptr;
  std::set<std::string> sections_, keys_;
};

/// Visits a configuration's keys and writes them all, as TOML.
class ConfigWriter {
 public:
  void section(const char* name) { out_ << (out_.str().empty() ? "" : "\n") << "[" << name << "]\n"; }
  template <class T>
  void number(const char* key, T& value, int64_t, int64_t) {
    out_ << key << " = " << value << "\n";
  }
  void numbers(const char* key, std::vector<int64_t>& values, int64_t, int64_t) {
    toml::array array;
    for (const int64_t value : values) array.push_back(value);
    put(key, array);
  }
  void real(const char* key, double& value, double, double) {
    char digits[32];
    const auto end =
        std::to_chars(digits, digits + sizeof(digits), value).ptr;  // the shortest that reads back the same
    out_ << key << " = " << std::string_view(digits, static_cast<size_t>(end - digits)) << "\n";
  }
  void flag(const char* key, bool& value) { out_ << key << " = " << (value ? "true" : "false") << "\n"; }
  void text(const char* key, std::string& value) { put(key, toml::value<std::string>(value)); }
  void texts(const char* key, std::vector<std::string>& value) {
    toml::array array;
    for (const std::string& element : value) array.push_back(element);
    put(key, array);
  }
  template <class E>
  void choice(const char* key, E& value, const Names<E>& names) {
    for (const auto& [name, meaning] : names) {
      if (meaning == value) out_ << key << " = \"" << name << "\"\n";
    }
  }

  std::string str() const { return out_.str(); }

 private:
  template <class Node>
  void put(const char* key, const Node& node) {
    out_ << key << " = " << toml::toml_formatter(node) << "\n";
  }

  std::ostringstream out_;
};

}  // namespace lacuna
