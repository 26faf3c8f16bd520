#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/evaluation.h"
#include "train/log_curves.h"
#include "train/report_pictures.h"

namespace lacuna {

/// What a report tells.
struct Report {
  const Evaluation& evaluation;
  const ReportPictures& pictures;
  std::vector<LogCurve> training;                          ///< of the run that made the model; may be empty
  std::vector<std::pair<std::string, std::string>> facts;  ///< how it was made: what, value
};

/// The report as one HTML page that needs nothing beside itself: pictures as data URIs, plots as inline SVG, light and
/// dark by the reader's preference, fit for a phone and for printing. The first method is the one that the others are
/// compared with: the scatter plots and the choice of best and worst fills go by it.
std::string report_html(const Report& report);

/// The table of figures as Markdown.
std::string figures_markdown(const Evaluation& evaluation);

/// Base64 (RFC 4648), with padding.
std::string base64(const std::string& bytes);

}  // namespace lacuna
