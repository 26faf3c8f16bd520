#include "train/plots_svg.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tensor/check.h"

namespace lacuna {
namespace {

std::string number(double x, int digits) {
  std::ostringstream out;
  out.precision(digits);
  out << std::fixed << x;
  std::string text = out.str();
  if (text.find_first_not_of("-0.") == std::string::npos && text.starts_with('-')) text.erase(0, 1);
  return text;
}

/// A coordinate: a tenth of a pixel is enough.
std::string at(double x) { return number(x, 1); }

/// The area that data is drawn in, in pixels, and how values map to it.
struct Frame {
  double left, top, right, bottom;
  Axis x, y;

  double px(double v) const { return left + (v - x.low) / (x.high - x.low) * (right - left); }
  double py(double v) const { return bottom - (v - y.low) / (y.high - y.low) * (bottom - top); }
};

std::string open_svg(double width, double height, const std::string& title) {
  return "<svg viewBox=\"0 0 " + at(width) + " " + at(height) + "\" role=\"img\" aria-label=\"" + html_escaped(title) +
         "\">";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line class=\"" + style + "\" x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" +
         at(y2) + "\"/>";
}

std::string text(double x, double y, const std::string& anchor, const std::string& style, const std::string& words,
                 const std::string& more = "") {
  return "<text class=\"" + style + "\" x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + anchor + "\"" + more +
         ">" + html_escaped(words) + "</text>";
}

std::string axes(const Frame& f) {
  std::string svg;
  for (const double tick : f.x.ticks) {
    svg += line(f.px(tick), f.top, f.px(tick), f.bottom, "grid");
    svg += text(f.px(tick), f.bottom + 16, "middle", "axis", f.x.label(tick));
  }
  for (const double tick : f.y.ticks) {
    svg += line(f.left, f.py(tick), f.right, f.py(tick), "grid");
    svg += text(f.left - 7, f.py(tick) + 4, "end", "axis", f.y.label(tick));
  }
  return svg;
}

std::string polyline(const Frame& f, const SvgCurve& curve) {
  std::string d;
  for (const auto& [x, y] : curve.points) {
    if (!std::isfinite(x) || !std::isfinite(y)) continue;
    d += (d.empty() ? "M" : " ") + at(f.px(x)) + " " +
         at(f.py(std::clamp(y, f.y.low - f.y.high, 2 * f.y.high - f.y.low)));
  }
  const std::string colour = curve.colour < 0 ? "original" : "m" + std::to_string(curve.colour);
  return d.empty() ? "" : "<path class=\"curve " + colour + (curve.thin ? " thin" : "") + "\" d=\"" + d + "\"/>";
}

/// The lowest and highest of the values, or what holds 99 % of them.
std::pair<double, double> range_of(std::vector<double> values, bool robust) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  if (values.empty()) return {0, 1};
  std::sort(values.begin(), values.end());
  const size_t cut = robust ? values.size() / 200 : 0;
  return {values[cut], values[values.size() - 1 - cut]};
}

}  // namespace

Axis Axis::over(double low, double high, int count, bool snug) {
  check(std::isfinite(low) && std::isfinite(high) && low <= high && count > 0, "[plot] no axis from ", low, " to ",
        high);
  if (high - low <= 1e-9 * std::max(std::abs(low), std::abs(high))) {
    const double half = low == 0 ? 1 : std::abs(low) / 10;
    low -= half;
    high += half;
  }
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough <= 1.5 * power ? 1 : rough <= 3.5 * power ? 2 : rough <= 7.5 * power ? 5 : 10);
  const double slack = 1e-9;
  Axis axis;
  axis.low = snug ? low : step * std::floor(low / step + slack);
  axis.high = snug ? high : step * std::ceil(high / step - slack);
  for (double k = std::ceil(axis.low / step - slack); k <= std::floor(axis.high / step + slack); ++k) {
    axis.ticks.push_back(k * step);
  }
  axis.digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + slack)));
  return axis;
}

std::string Axis::label(double tick) const {
  const double size = std::max(std::abs(low), std::abs(high));
  if (size >= 1e7 || (size < 1e-4 && size > 0)) {
    std::ostringstream out;
    out.precision(2);
    out << tick;
    return out.str();
  }
  if (size >= 10000) return number(tick / 1000, std::max(digits - 3, 0)) + "k";
  return number(tick, digits);
}

std::string html_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string scatter_svg(const ScatterPlot& plot) {
  constexpr double side = 460;
  std::vector<double> values;
  for (const SvgPoint& p : plot.points) {
    values.push_back(p.x);
    values.push_back(p.y);
  }
  const auto [low, high] = range_of(values, false);
  const Axis axis = Axis::over(low, high, 5);
  const Frame f{58, 12, side - 12, side - 48, axis, axis};
  std::string svg = open_svg(side, side, plot.title);
  if (plot.better != ScatterPlot::Better::neither) {
    const bool below = plot.better == ScatterPlot::Better::below;
    svg += "<path class=\"better\" d=\"M" + at(f.left) + " " + at(f.bottom) + " L" + at(f.right) + " " + at(f.top) +
           " L" + (below ? at(f.right) + " " + at(f.bottom) : at(f.left) + " " + at(f.top)) + " Z\"/>";
  }
  svg += axes(f) + line(f.left, f.bottom, f.right, f.top, "diagonal");
  if (plot.better == ScatterPlot::Better::below)
    svg += text(f.right - 8, f.bottom - 10, "end", "note", plot.better_note);
  if (plot.better == ScatterPlot::Better::above)
    svg += text(f.left + 10, f.top + 20, "start", "note", plot.better_note);
  for (const SvgPoint& p : plot.points) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
    svg += "<circle class=\"m" + std::to_string(plot.colour) + "\" data-i=\"" + std::to_string(p.id) + "\" cx=\"" +
           at(f.px(p.x)) + "\" cy=\"" + at(f.py(p.y)) + "\" r=\"4.5\"/>";
  }
  const double middle = (f.top + f.bottom) / 2;
  svg += text((f.left + f.right) / 2, side - 10, "middle", "title", plot.x_title);
  svg += text(14, middle, "middle", "title", plot.y_title, " transform=\"rotate(-90 14 " + at(middle) + ")\"");
  return svg + "</svg>";
}

std::string lines_svg(const LinePlot& plot) {
  constexpr double width = 300, height = 205;
  std::vector<double> xs, ys;
  for (const SvgCurve& curve : plot.curves) {
    for (const auto& [x, y] : curve.points) {
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  const auto [left, right] = range_of(xs, false);
  const auto [low, high] = range_of(ys, plot.robust);
  const Frame f{52,
                10,
                width - 14,
                height - (plot.x_title.empty() ? 26 : 44),
                Axis::over(left, right, 4, true),
                Axis::over(low, high, 4)};
  std::string svg = open_svg(width, height, plot.title) + axes(f);
  // A viewport of its own cuts off what lies beyond the axes.
  svg += "<svg x=\"" + at(f.left) + "\" y=\"" + at(f.top - 2) + "\" width=\"" + at(f.right - f.left) + "\" height=\"" +
         at(f.bottom - f.top + 4) + "\" viewBox=\"" + at(f.left) + " " + at(f.top - 2) + " " + at(f.right - f.left) +
         " " + at(f.bottom - f.top + 4) + "\">";
  for (const SvgCurve& curve : plot.curves) svg += polyline(f, curve);
  svg += "</svg>";
  if (!plot.x_title.empty()) svg += text((f.left + f.right) / 2, height - 8, "middle", "title", plot.x_title);
  return svg + "</svg>";
}

std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points, size_t most) {
  check(most > 0, "[plot] cannot thin to no points");
  const size_t group = (points.size() + most - 1) / most;
  if (group <= 1) return points;
  std::vector<std::pair<double, double>> means;
  for (size_t begin = 0; begin < points.size(); begin += group) {
    const size_t end = std::min(begin + group, points.size());
    double x = 0, y = 0;
    for (size_t i = begin; i < end; ++i) {
      x += points[i].first;
      y += points[i].second;
    }
    means.emplace_back(x / static_cast<double>(end - begin), y / static_cast<double>(end - begin));
  }
  return means;
}

std::vector<std::pair<double, double>> smoothed(const std::vector<std::pair<double, double>>& points, double share) {
  const size_t n = points.size(), reach = static_cast<size_t>(static_cast<double>(n) * share / 2);
  std::vector<double> sums{0};
  for (const auto& [x, y] : points) sums.push_back(sums.back() + y);
  std::vector<std::pair<double, double>> means;
  for (size_t i = 0; i < n; ++i) {
    const size_t side = std::min({reach, i, n - 1 - i});  // even on both sides, so that the ends do not lean
    means.emplace_back(points[i].first, (sums[i + side + 1] - sums[i - side]) / static_cast<double>(2 * side + 1));
  }
  return means;
}

}  // namespace lacuna
