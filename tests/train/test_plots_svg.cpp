#include <cmath>
#include <limits>

#include "tests/support/compare.h"
#include "train/plots_svg.h"

namespace lacuna {
namespace {

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Every number of an attribute.
std::vector<double> values_of(const std::string& svg, const std::string& attribute) {
  std::vector<double> values;
  const std::string start = " " + attribute + "=\"";
  for (size_t at = svg.find(start); at != std::string::npos; at = svg.find(start, at + 1)) {
    values.push_back(std::stod(svg.substr(at + start.size())));
  }
  return values;
}

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("plots: axes have round ticks that cover the data") {
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
      if (std::abs(a[i] - b[i]) > 1e-9) return false;
    }
    return true;
  };
  const Axis tens = Axis::over(3, 42, 5);
  CHECK(tens.low == 0);
  CHECK(tens.high == 50);
  CHECK(near(tens.ticks, {0, 10, 20, 30, 40, 50}));
  CHECK(tens.label(20) == "20");
  const Axis small = Axis::over(0.7512, 0.9341, 4);
  CHECK(near(small.ticks, {0.75, 0.8, 0.85, 0.9, 0.95}));
  CHECK(small.label(0.8) == "0.80");
  const Axis snug = Axis::over(130, 6400, 5, true);
  CHECK(snug.low == 130);
  CHECK(near(snug.ticks, {1000, 2000, 3000, 4000, 5000, 6000}));
  CHECK(Axis::over(0, 200000, 4).label(50000) == "50k");
  CHECK(Axis::over(0, 3e-6, 3).label(1e-6) == "1e-06");
  for (const double alone : {0.0, 5.0, -1e-3, 1e6}) {
    const Axis axis = Axis::over(alone, alone, 4);
    CHECK(axis.low < alone);
    CHECK(axis.high > alone);
    CHECK(axis.ticks.size() >= 2);
    CHECK(axis.ticks.size() < 12);
  }
  CHECK(test::error_of([] { Axis::over(0, infinity, 4); }).starts_with("[plot] no axis from"));
}

TEST_CASE("plots: a scatter plot puts its points where they belong") {
  const ScatterPlot plot{.title = "a & b",
                         .x_title = "<b>",
                         .y_title = "a",
                         .points = {{0, 10, 7}, {10, 0, 8}, {5, 5, 9}, {infinity, 1, 10}},
                         .better = ScatterPlot::Better::below,
                         .better_note = "here",
                         .colour = 3};
  const std::string svg = scatter_svg(plot);
  CHECK(count_of(svg, "<circle class=\"m3\"") == 3);
  CHECK(count_of(svg, "data-i=\"10\"") == 0);
  const auto xs = values_of(svg, "cx"), ys = values_of(svg, "cy");
  CHECK(xs[1] > xs[0]);
  CHECK(ys[1] > ys[0]);  // down the page is less
  CHECK(xs[2] == doctest::Approx((xs[0] + xs[1]) / 2).epsilon(0.01));
  CHECK(ys[2] == doctest::Approx((ys[0] + ys[1]) / 2).epsilon(0.01));
  CHECK(count_of(svg, "aria-label=\"a &amp; b\"") == 1);
  CHECK(count_of(svg, ">&lt;b&gt;<") == 1);
  CHECK(count_of(svg, "class=\"better\"") == 1);
  CHECK(count_of(scatter_svg({.title = "", .x_title = "", .y_title = "", .points = {}, .better_note = ""}), "circle") ==
        0);
}

TEST_CASE("plots: curves") {
  LinePlot plot{.title = "t", .x_title = "step", .curves = {}};
  plot.curves.push_back({.colour = -1, .points = {{0, 1}, {1, 2}}});
  plot.curves.push_back({.colour = 2, .points = {{0, 3}, {0.5, std::nan("")}, {1, 4}}, .thin = true});
  const std::string svg = lines_svg(plot);
  CHECK(count_of(svg, "class=\"curve original\"") == 1);
  CHECK(count_of(svg, "class=\"curve m2 thin\"") == 1);
  CHECK(count_of(svg, "nan") == 0);
  CHECK(count_of(svg, "<svg") == count_of(svg, "</svg>"));

  // A robust axis is not stretched by one outlier.
  LinePlot spike{.title = "", .x_title = "", .curves = {{.colour = 0, .points = {}}}, .robust = true};
  for (int i = 0; i < 1000; ++i) spike.curves[0].points.emplace_back(i, i == 500 ? 1e6 : i / 1000.0);
  CHECK(count_of(lines_svg(spike), ">1.0<") == 1);
}

TEST_CASE("plots: thinning and smoothing keep means") {
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 10; ++i) points.emplace_back(i, i % 2);
  CHECK(thinned(points, 20) == points);
  const auto few = thinned(points, 5);
  REQUIRE(few.size() == 5);
  CHECK(few[0] == std::pair(0.5, 0.5));
  CHECK(few[4] == std::pair(8.5, 0.5));
  const auto smooth = smoothed(points, 0.4);
  REQUIRE(smooth.size() == 10);
  CHECK(smooth[0] == points[0]);
  CHECK(smooth[5].second == doctest::Approx(0.6));
  CHECK(smoothed({}, 0.5).empty());
}

TEST_CASE("plots: text is escaped") {
  CHECK(html_escaped("<a href=\"x\">'&'") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
}

}  // namespace lacuna
