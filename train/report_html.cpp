#include "train/report_html.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "train/plots_svg.h"
#include "train/report_page.h"
#include "train/report_parts.h"

namespace lacuna {
namespace {

using Better = MetricInfo::Better;

/// The figures that the plots show.
constexpr const char* plot_metrics[] = {"hole_l1", "hole_psnr", "ssim", "hole_tv"};

std::string scatter(const Evaluation& e, size_t other, const std::string& metric) {
  const std::string a = e.methods[0].name, b = e.methods[other].name, title = title_of(metric);
  ScatterPlot plot{.title = title + ": " + a + " against " + b,
                   .x_title = b + ": " + title,
                   .y_title = a + ": " + title,
                   .points = {},
                   .better = ScatterPlot::Better::neither,
                   .better_note = "here " + a + " is better",
                   .colour = colour_of(0)};
  const Better better = metric_info(metric).better;
  if (better == Better::lower) plot.better = ScatterPlot::Better::below;
  if (better == Better::higher) plot.better = ScatterPlot::Better::above;
  for (size_t i = 0; i < e.pictures.size(); ++i) {
    const auto y = value_of(e.methods[0].pictures[i], metric), x = value_of(e.methods[other].pictures[i], metric);
    if (x && y) plot.points.push_back({*x, *y, i});
  }
  if (plot.points.empty()) return "";
  const Comparison c = compare(e, 0, other, metric);
  const int digits = metric_info(metric).digits;
  return "<figure class=\"scatter\" tabindex=\"0\" data-other=\"" + std::to_string(other) + "\" data-metric=\"" +
         metric + "\"" + (other == 1 && metric == plot_metrics[0] ? "" : " hidden") + ">" + scatter_svg(plot) +
         "<figcaption><b>" + html_escaped(a) + "</b> is better on " + std::to_string(c.better) + " of " +
         count_of(static_cast<size_t>(c.pictures), "picture") + "; mean difference " + (c.difference > 0 ? "+" : "−") +
         fixed(std::abs(c.difference), digits) + " ± " + fixed(c.uncertainty, digits) +
         " (95&nbsp;%).</figcaption></figure>";
}

std::string scatter_section(const Evaluation& e) {
  if (e.methods.size() < 2) return "";
  std::string plots, others, metrics;
  for (size_t m = 1; m < e.methods.size(); ++m) {
    others += "<option value=\"" + std::to_string(m) + "\">" + html_escaped(e.methods[m].name) + "</option>";
    for (const std::string metric : plot_metrics) plots += scatter(e, m, metric);
  }
  for (const std::string metric : plot_metrics) {
    metrics += "<option value=\"" + metric + "\">" + title_of(metric) + "</option>";
  }
  if (plots.empty()) return "";
  return "<section><h2>Picture by picture</h2><p class=\"soft\">A point is a picture. Point at one, or walk with the "
         "arrow "
         "keys, to see it; a click on a picture enlarges it.</p><div class=\"picker\"><label>" +
         html_escaped(e.methods[0].name) + " against <select id=\"other\">" + others +
         "</select></label><label>by <select id=\"metric\">" + metrics +
         "</select></label></div><div class=\"beside\"><div>" + plots +
         "</div><div id=\"picture\" aria-live=\"polite\"><noscript>The pictures of the points are shown by a "
         "script.</noscript></div></div></section>";
}

std::string legend(const Evaluation& e) {
  std::string items;
  for (size_t m = 0; m < e.methods.size(); ++m) {
    items += "<li><span class=\"swatch " + colour_class(m) + "\"></span>" + html_escaped(e.methods[m].name) + "</li>";
  }
  return "<ul class=\"legend\">" + items +
         "<li><span class=\"swatch original\"></span>the originals (TV alone)</li></ul>";
}

/// One method's values of a figure in ascending order, over the share of pictures that have at most that value.
SvgCurve sorted_curve(const MethodFigures& figures, const std::string& metric, int colour) {
  std::vector<double> values;
  for (const Metrics& metrics : figures.pictures) {
    if (const auto value = value_of(metrics, metric)) values.push_back(*value);
  }
  std::sort(values.begin(), values.end());
  SvgCurve curve{.colour = colour, .points = {}};
  const double n = static_cast<double>(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    curve.points.emplace_back(n > 1 ? 100 * static_cast<double>(i) / (n - 1) : 50, values[i]);
  }
  curve.points = thinned(curve.points, 400);
  return curve;
}

std::string spread_section(const Evaluation& e) {
  if (e.pictures.size() < 2) return "";
  std::string plots;
  for (const std::string metric : plot_metrics) {
    LinePlot plot{
        .title = title_of(metric) + " of each method, sorted", .x_title = "% of the pictures, sorted", .curves = {}};
    if (metric_info(metric).better == Better::as_original) plot.curves.push_back(sorted_curve(e.originals, metric, -1));
    for (size_t m = e.methods.size(); m-- > 0;) plot.curves.push_back(sorted_curve(e.methods[m], metric, colour_of(m)));
    if (plot.curves.back().points.empty()) continue;
    plots += "<figure><figcaption>" + title_of(metric) + " <span class=\"soft\">" + direction(metric) +
             "</span></figcaption>" + lines_svg(plot) + "</figure>";
  }
  return "<section><h2>How the figures spread</h2><p class=\"soft\">Each method's pictures, sorted by the figure: a "
         "curve "
         "tells how a method does on its easy and on its hard pictures, where a mean does not.</p>" +
         legend(e) + "<div class=\"small-plots\">" + plots + "</div></section>";
}

std::string rows_of(const Evaluation& e, const std::vector<ReportPictures::Shown>& pictures) {
  std::string rows;
  for (const ReportPictures::Shown& shown : pictures) {
    const std::string name = html_escaped(e.pictures[shown.index]);
    rows += "<div class=\"row\"><h3>" + name + "</h3><div class=\"strip\">";
    for (size_t k = 0; k < shown.files.size(); ++k) {
      const std::string what = k == 0 ? "Original" : k == 1 ? "Hole" : html_escaped(e.methods[k - 2].name);
      rows += "<figure><button><img loading=\"lazy\" alt=\"" + what + " of " + name +
              "\" src=\"data:image/jpeg;base64," + base64(shown.files[k]) + "\"></button><figcaption><b>" + what +
              "</b>" + (k > 1 ? "<br>" + note_of(e.methods[k - 2].pictures[shown.index]) : "") +
              "</figcaption></figure>";
    }
    rows += "</div></div>";
  }
  return rows;
}

std::string fills_section(const Report& report) {
  const Evaluation& e = report.evaluation;
  const auto worst = report.pictures.worst(), best = report.pictures.best();
  const std::string by =
      "by the L1 in the hole of " + html_escaped(e.methods[0].name) + ". The figures are those of the hole.";
  std::string section;
  if (!worst.empty()) {
    section +=
        "<section><h2>Worst fills</h2><p class=\"soft\">Worst first, " + by + "</p>" + rows_of(e, worst) + "</section>";
  }
  if (!best.empty()) {
    section +=
        "<section><h2>Best fills</h2><p class=\"soft\">Best first, " + by + "</p>" + rows_of(e, best) + "</section>";
  }
  return section;
}

/// A curve's heading: the title of a figure that is measured; else the log's name with what it means.
std::string heading_of(const LogCurve& curve) {
  const std::string name = html_escaped(curve.name);
  if (curve.kind == "validation") {
    for (const MetricInfo& info : metric_infos()) {
      if (curve.name == info.name || curve.name == std::string("hole_") + info.name) {
        return title_of(curve.name) + " <span class=\"soft\">" + direction(curve.name) + "</span>";
      }
    }
    return name;
  }
  static const std::map<std::string, std::string> meanings{{"loss", "the generator's, of all parts"},
                                                           {"l1", "in the hole"},
                                                           {"ae", "outside the hole"},
                                                           {"gan", "how little the critics are deceived"},
                                                           {"critic_local", "the hole's critic"},
                                                           {"critic_global", "the whole picture's critic"},
                                                           {"lr", "learning rate"},
                                                           {"critic_lr", "the critics' learning rate"}};
  const auto meaning = meanings.find(curve.name);
  return meaning == meanings.end() ? name : name + " <span class=\"soft\">" + meaning->second + "</span>";
}

std::string curve_figure(const LogCurve& curve) {
  const auto points = thinned(curve.points, 500);
  LinePlot plot{.title = curve.name + " by step", .x_title = "step", .curves = {}, .robust = points.size() >= 100};
  if (points.size() >= 30) {
    plot.curves.push_back({.colour = 0, .points = points, .thin = true});
    plot.curves.push_back({.colour = 0, .points = smoothed(points, 0.06)});
  } else {
    plot.curves.push_back({.colour = 0, .points = points});
  }
  return "<figure><figcaption>" + heading_of(curve) + "</figcaption>" + lines_svg(plot) + "</figure>";
}

/// Losses and what was measured on the validation pictures in full, the rest to be opened.
std::string training_section(const std::vector<LogCurve>& curves) {
  if (curves.empty()) return "";
  const std::vector<std::string> rates{"lr", "critic_lr", "pictures_per_second"};
  const std::vector<std::string> validation{"hole_l1", "hole_psnr", "ssim", "hole_tv"};
  std::string losses, measured, rest;
  for (const LogCurve& curve : curves) {
    const auto is_in = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), curve.name) != names.end();
    };
    std::string& group = curve.kind == "validation"                            ? (is_in(validation) ? measured : rest)
                         : is_in(rates) || curve.name.starts_with("gradient_") ? rest
                                                                               : losses;
    group += curve_figure(curve);
  }
  const auto plots = [](const std::string& figures) { return "<div class=\"small-plots\">" + figures + "</div>"; };
  std::string section = "<section><h2>How the model was trained</h2>";
  if (!losses.empty()) section += "<h3>Losses</h3>" + plots(losses);
  if (!measured.empty()) section += "<h3>On the validation pictures</h3>" + plots(measured);
  if (!rest.empty())
    section += "<details><summary>Rates, gradients and all other figures</summary>" + plots(rest) + "</details>";
  return section + "</section>";
}

std::string facts_section(const Report& report) {
  std::string facts;
  for (const auto& [what, value] : report.facts) {
    facts += "<dt>" + html_escaped(what) + "</dt><dd>" +
             (what == "Command" ? "<pre>" + html_escaped(value) + "</pre>" : html_escaped(value)) + "</dd>";
  }
  return "<section><h2>How this was measured</h2><p>The completed picture, which is the original outside the hole, is "
         "compared with the original, both in 8 bits. Hole figures run over the hole's pixels, the others over the "
         "whole "
         "picture; all are means over the pictures. L1 is the mean absolute difference in % of the value range; TV is "
         "the "
         "total variation, no error but a measure of texture: a good fill has as much as the original, a blurred one "
         "less.</p><dl>" +
         facts + "</dl></section>";
}

/// What the page's script needs: names, notes and small pictures.
std::string script_data(const Report& report) {
  const Evaluation& e = report.evaluation;
  nlohmann::ordered_json data{
      {"first", -1}, {"methods", nlohmann::json::array()}, {"pictures", nlohmann::json::array()}};
  for (const MethodFigures& m : e.methods) data["methods"].push_back(m.name);
  const auto worst = report.pictures.worst();
  if (!worst.empty()) data["first"] = worst[0].index;
  for (size_t i = 0; i < e.pictures.size(); ++i) {
    nlohmann::ordered_json picture{{"name", e.pictures[i]}, {"notes", nlohmann::json::array()}};
    for (const MethodFigures& m : e.methods) picture["notes"].push_back(note_of(m.pictures[i]));
    if (const auto small = report.pictures.small().find(i); small != report.pictures.small().end()) {
      for (const std::string& file : small->second) picture["files"].push_back(base64(file));
    }
    data["pictures"].push_back(picture);
  }
  std::string text = data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos;) text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace

std::string base64(const std::string& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(bytes.size() - i, 3);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text += k <= n ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string report_html(const Report& report) {
  const Evaluation& e = report.evaluation;
  check(!e.methods.empty() && !e.pictures.empty(), "[report] nothing was measured: there is nothing to report");
  const std::string title = "Holes in " + count_of(e.pictures.size(), "picture") +
                            (e.methods.size() == 1 ? ", filled by " + e.methods[0].name
                                                   : ", filled by " + std::to_string(e.methods.size()) + " methods");
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\">\n<title>" +
         html_escaped(title) + "</title>\n<style>" + report_style +
         "</style>\n</head>\n<body><main>\n<header><p class=\"eyebrow\">" + "Lacuna · evaluation</p><h1>" +
         html_escaped(title) + "</h1><p class=\"lede\">" + summary_html(e) +
         "</p></header>\n<section><h2>Figures</h2>" + figures_table_html(e) +
         "<p class=\"soft\">Means over all pictures; the best of each column is bold, for TV the one nearest to the "
         "originals. Times are of this machine, with the program's threads; files made by others have none of their "
         "own.</p></section>\n" +
         scatter_section(e) + "\n" + spread_section(e) + "\n" + fills_section(report) + "\n" +
         training_section(report.training) + "\n" + facts_section(report) +
         "\n</main>\n<dialog><img alt=\"\"><p></p></dialog>\n<script type=\"application/json\" id=\"data\">" +
         script_data(report) + "</script>\n<script>" + report_script + "</script>\n</body>\n</html>\n";
}

}  // namespace lacuna
