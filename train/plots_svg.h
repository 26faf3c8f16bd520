#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lacuna {

/// Plots as SVG elements to stand in an HTML page. They have no colours of their own: lines and points bear the classes
/// m0, m1, ... of their methods, all else "grid", "axis", "frame", "note", "diagonal", "better"; the page's style gives
/// the colours, for light and dark. Points that are not finite are left out.

/// The ends and the ticks of an axis.
struct Axis {
  double low = 0, high = 1;
  std::vector<double> ticks;
  int digits = 0;  ///< that the ticks' labels need

  /// Covers [low, high] with about `count` steps of 1, 2 or 5 times a power of ten; `snug` keeps the ends where they
  /// are, else they move out to ticks.
  static Axis over(double low, double high, int count, bool snug = false);
  std::string label(double tick) const;
};

/// Text that stands for itself in HTML and in attributes.
std::string html_escaped(const std::string& text);

struct SvgPoint {
  double x = 0, y = 0;
  size_t id = 0;  ///< goes into the circle's data-i
};

/// One point a picture: two methods' values of one figure, on axes alike, with the line where they are equal and the
/// side on which the method of the y axis is better.
struct ScatterPlot {
  std::string title;  ///< for readers that see no picture
  std::string x_title, y_title;
  std::vector<SvgPoint> points;
  enum class Better : unsigned char { neither, below, above } better = Better::neither;
  std::string better_note;  ///< written into that side
  int colour = 0;
};
std::string scatter_svg(const ScatterPlot& plot);

struct SvgCurve {
  int colour = 0;  ///< -1: the originals', grey and dashed
  std::vector<std::pair<double, double>> points;
  bool thin = false;  ///< a noisy curve behind its smoothed one
};
struct LinePlot {
  std::string title;
  std::string x_title;
  std::vector<SvgCurve> curves;
  bool robust = false;  ///< the y axis covers 99 % of the values, no outliers; what is beyond is cut off
};
std::string lines_svg(const LinePlot& plot);

/// At most `most` points: means of as many neighbours each.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points, size_t most);
/// The means over a window around each point, `share` of all points wide.
std::vector<std::pair<double, double>> smoothed(const std::vector<std::pair<double, double>>& points, double share);

}  // namespace lacuna
