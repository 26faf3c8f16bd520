#pragma once

#include <string>
#include <vector>

namespace lacuna {

/// "; did you mean 'NAME'?" with the known name nearest to `word`, or "" if none is near. Near is an edit distance
/// (Levenshtein, with neighbours exchanged counted as one) of at most a third of the longer word; a word that begins a
/// name is near, too.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

/// "a, b, c"; if `columns` > 0, on as many lines as keep to that width.
std::string joined(const std::vector<std::string>& words, size_t columns = 0);

}  // namespace lacuna
