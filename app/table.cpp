#include "app/table.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace lacuna {

void Table::print(std::ostream& out) const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t k = 0; k < widths.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t k = 0; k < row.size(); ++k) {
      line += row[k];
      if (k + 1 < row.size()) line.append(widths[k] - row[k].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", x);
  return text;
}

std::string grouped(int64_t n) {
  std::string text = std::to_string(n);
  for (auto k = static_cast<int64_t>(text.size()) - 3; k > (n < 0 ? 1 : 0); k -= 3) {
    text.insert(static_cast<size_t>(k), ",");
  }
  return text;
}

}  // namespace lacuna
