#include "app/suggest.h"

#include <algorithm>

namespace lacuna {
namespace {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

/// How far apart, 0 for the same; over 1 for what is not worth suggesting.
double distance(const std::string& word, const std::string& name) {
  const size_t longer = std::max(word.size(), name.size());
  const double share = 3.0 * static_cast<double>(edit_distance(word, name)) / static_cast<double>(longer);
  return word.size() >= 3 && name.starts_with(word) ? std::min(share, 0.5) : share;
}

}  // namespace

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return distance(word, a) < distance(word, b);
  });
  if (nearest == known.end() || distance(word, *nearest) > 1) return "";
  return "; did you mean '" + *nearest + "'?";
}

std::string joined(const std::vector<std::string>& words, size_t columns) {
  std::string all;
  size_t line_begin = 0;
  for (const std::string& word : words) {
    if (!all.empty()) {
      all += ',';
      const bool breaks = columns > 0 && all.size() - line_begin + word.size() + 2 > columns;
      all += breaks ? '\n' : ' ';
      if (breaks) line_begin = all.size();
    }
    all += word;
  }
  return all;
}

}  // namespace lacuna
