#include "train/report_parts.h"

#include <algorithm>
#include <cmath>

#include "train/plots_svg.h"
#include "train/report_html.h"

namespace lacuna {
namespace {

using Better = MetricInfo::Better;

/// The figures of the table, in its order.
constexpr const char* table_metrics[] = {"hole_l1", "hole_psnr", "psnr", "hole_ssim", "ssim", "hole_tv"};

/// For each method whether its figure is the best, to the digits that are shown.
std::vector<bool> best_of(const Evaluation& e, const std::vector<Metrics>& means, const std::string& metric) {
  const Metrics originals = mean_of(e.originals.pictures);
  const double scale = std::pow(10, metric_info(metric).digits);
  std::vector<double> errors;
  for (const Metrics& mean : means) {
    const auto value = value_of(mean, metric);
    double error = HUGE_VAL;
    if (value) {
      const double rounded = std::round(*value * scale);
      switch (metric_info(metric).better) {
        case Better::lower:
          error = rounded;
          break;
        case Better::higher:
          error = -rounded;
          break;
        case Better::as_original:
          error = std::abs(rounded - std::round(value_of(originals, metric).value_or(0) * scale));
      }
    }
    errors.push_back(error);
  }
  const double least = *std::min_element(errors.begin(), errors.end());
  std::vector<bool> best;
  for (const double error : errors) best.push_back(means.size() > 1 && error == least && std::isfinite(error));
  return best;
}

std::vector<Metrics> means_of(const Evaluation& e) {
  std::vector<Metrics> means;
  for (const MethodFigures& m : e.methods) means.push_back(mean_of(m.pictures));
  return means;
}

}  // namespace

int colour_of(size_t method) { return static_cast<int>(method % 8); }
std::string colour_class(size_t method) { return "m" + std::to_string(colour_of(method)); }

std::string title_of(const std::string& metric) {
  const MetricInfo& info = metric_info(metric);
  const bool hole = metric.starts_with("hole_");
  return (hole ? std::string("Hole ") : "") + info.title + (*info.unit ? std::string(", ") + info.unit : "");
}

std::string direction(const std::string& metric) {
  switch (metric_info(metric).better) {
    case Better::lower:
      return "lower is better";
    case Better::higher:
      return "higher is better";
    case Better::as_original:
      return "best as the originals";
  }
  return "";
}

std::string count_of(size_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

std::string note_of(const Metrics& metrics) {
  if (!value_of(metrics, "hole_l1")) return "PSNR " + figure(metrics, "psnr") + " dB";
  return "L1 " + figure(metrics, "hole_l1") + " %, " + figure(metrics, "hole_psnr") + " dB";
}

std::string figures_table_html(const Evaluation& e) {
  const std::vector<Metrics> means = means_of(e);
  const Metrics originals = mean_of(e.originals.pictures);
  std::string head = "<th>Method</th>", original;
  std::vector<std::string> rows;
  for (size_t m = 0; m < means.size(); ++m) {
    rows.push_back("<th><span class=\"swatch " + colour_class(m) + "\"></span>" + html_escaped(e.methods[m].name) +
                   "</th>");
  }
  for (const std::string metric : table_metrics) {
    const bool as_original = metric_info(metric).better == Better::as_original;
    head += "<th title=\"" + direction(metric) + "\">" + title_of(metric) +
            (as_original                                   ? ""
             : metric_info(metric).better == Better::lower ? " ↓"
                                                           : " ↑") +
            "</th>";
    const std::vector<bool> best = best_of(e, means, metric);
    for (size_t m = 0; m < means.size(); ++m) {
      rows[m] += std::string("<td") + (best[m] ? " class=\"best\">" : ">") + figure(means[m], metric) + "</td>";
    }
    original += "<td>" + (as_original ? figure(originals, metric) : "") + "</td>";
  }
  std::string html = "<div class=\"scroll\"><table><thead><tr>" + head + "<th>s / picture</th></tr></thead><tbody>";
  for (size_t m = 0; m < means.size(); ++m) {
    const double seconds = e.methods[m].seconds_each();
    html += "<tr>" + rows[m] + "<td>" + (seconds > 0 ? fixed(seconds, seconds < 1 ? 3 : 1) : "–") + "</td></tr>";
  }
  return html + "<tr class=\"original\"><th><span class=\"swatch original\"></span>the originals</th>" + original +
         "<td></td></tr></tbody></table></div>";
}

std::string summary_html(const Evaluation& e) {
  const std::vector<Metrics> means = means_of(e);
  std::vector<size_t> order;
  for (size_t m = 0; m < means.size(); ++m) {
    if (value_of(means[m], "hole_l1")) order.push_back(m);
  }
  if (order.empty()) return "";
  const auto l1 = [&](size_t m) { return *value_of(means[m], "hole_l1"); };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return l1(a) < l1(b); });
  const size_t best = order[0];
  const auto name = [&](size_t m) { return "<b>" + html_escaped(e.methods[m].name) + "</b>"; };
  std::string text = order.size() == 1 ? name(best) + " is" : "Closest to what was there is " + name(best) + ":";
  text += " off by " + figure(means[best], "hole_l1") + " % of the value range in the hole, on average";
  if (order.size() > 1) {
    const Comparison c = compare(e, best, order[1], "hole_l1");
    text += ", " + fixed(-c.difference, 2) + " less than " + name(order[1]) + ", the next, and better on " +
            std::to_string(c.better) + " of " + count_of(static_cast<size_t>(c.pictures), "picture");
  }
  const auto tv = value_of(means[best], "hole_tv"), truth = value_of(mean_of(e.originals.pictures), "hole_tv");
  if (tv && truth && *truth > 0) {
    text += ". Its fills have " + fixed(100 * *tv / *truth, 0) + " % of the originals' texture (total variation)";
  }
  return text + ".";
}

std::string figures_markdown(const Evaluation& e) {
  const std::vector<Metrics> means = means_of(e);
  std::string head = "| fill |", rule = "|---|", original = "| the originals |";
  std::vector<std::string> rows;
  for (const MethodFigures& m : e.methods) rows.push_back("| " + m.name + " |");
  for (const std::string metric : table_metrics) {
    head += " " + title_of(metric) + " |";
    rule += "---|";
    const std::vector<bool> best = best_of(e, means, metric);
    for (size_t m = 0; m < rows.size(); ++m) {
      const std::string value = figure(means[m], metric);
      rows[m] += " " + (best[m] ? "**" + value + "**" : value) + " |";
    }
    const bool as_original = metric_info(metric).better == Better::as_original;
    original += as_original ? " " + figure(mean_of(e.originals.pictures), metric) + " |" : " |";
  }
  std::string table = head + "\n" + rule + "\n";
  for (const std::string& row : rows) table += row + "\n";
  return table + original + "\n";
}

}  // namespace lacuna
