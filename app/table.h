#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace lacuna {

/// Rows of text in aligned columns; the first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// A number with three significant digits: "1.3e-16".
std::string short_number(double x);
/// With thousands separated: "3,601,542".
std::string grouped(int64_t n);

}  // namespace lacuna
