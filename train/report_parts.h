#pragma once

#include <string>

#include "train/evaluation.h"

namespace lacuna {

// What the sections of a report share; all texts are HTML unless said otherwise.

/// The number of a method's colour, and its class.
int colour_of(size_t method);
std::string colour_class(size_t method);
/// "Hole L1, %": a figure's name for a heading.
std::string title_of(const std::string& metric);
/// "lower is better"
std::string direction(const std::string& metric);
/// "1 picture", "3 pictures"
std::string count_of(size_t n, const std::string& thing);
/// "L1 10.71 %, 17.18 dB": a picture's figures in a caption; plain text.
std::string note_of(const Metrics& metrics);

/// Methods by figures, the best of each column bold.
std::string figures_table_html(const Evaluation& evaluation);
/// The sentences that say what came out.
std::string summary_html(const Evaluation& evaluation);

}  // namespace lacuna
