#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/image.h"

namespace lacuna {

/// Figures by name, see metrics_of.
using Metrics = std::vector<std::pair<std::string, double>>;

/// How a figure is shown: `name` as in metrics_of without "hole_".
struct MetricInfo {
  enum class Better : uint8_t { lower, higher, as_original };

  const char* name;
  const char* title;
  const char* unit;
  int digits;
  Better better;
};
/// All of metrics_of's, in its order.
const std::vector<MetricInfo>& metric_infos();
/// The one of that name, with or without "hole_".
const MetricInfo& metric_info(const std::string& name);

std::optional<double> value_of(const Metrics& metrics, const std::string& name);
/// "10.71": a number with so many digits behind the point.
std::string fixed(double x, int digits);
/// The figure with its digits; "-" if there is none.
std::string figure(const Metrics& metrics, const std::string& name);

/// The mean of each name over the pictures that have it, in order of first appearance.
Metrics mean_of(const std::vector<Metrics>& pictures);

/// A way to fill holes.
struct FillMethod {
  std::string name;
  /// The picture with its hole, mask (1,H,W,1), filled; `path` is the picture's below its folder.
  std::function<Image(const Image& picture, const Tensor& mask, const std::filesystem::path& path)> fill;
  bool timed = true;  ///< whether the time that `fill` takes is the method's
};

/// The picture with its hole in the mean colour of what is known. Throws Error if nothing is known.
Image fill_with_mean(const Image& picture, const Tensor& mask);

/// One method's figures for each picture.
struct MethodFigures {
  std::string name;
  std::vector<Metrics> pictures = {};
  double seconds = 0;  ///< that its fills took in all; 0 of a method that is not timed

  double seconds_each() const { return pictures.empty() ? 0 : seconds / static_cast<double>(pictures.size()); }
};

/// What was measured of several methods on the same pictures and holes.
struct Evaluation {
  std::vector<std::string> pictures = {};
  std::vector<MethodFigures> methods = {};
  MethodFigures originals = {"originals"};  ///< of the pictures themselves: for their total variation
};

/// Fills the hole by each method and adds the figures. Returns the fills, in the methods' order. `evaluation` has the
/// methods' names already, see evaluation_of. Where a method fails, its Error is thrown and nothing is added.
std::vector<Image> evaluate(const std::vector<FillMethod>& methods, const std::filesystem::path& path,
                            const Image& picture, const Tensor& mask, Evaluation& evaluation);

/// An empty evaluation of these methods.
Evaluation evaluation_of(const std::vector<FillMethod>& methods);

/// How two methods compare picture by picture, in one figure.
struct Comparison {
  int64_t pictures = 0;    ///< that both have the figure for
  int64_t better = 0;      ///< of these, where the first method is better
  double difference = 0;   ///< mean of first - second
  double uncertainty = 0;  ///< half the width of the 95 % interval of that mean: 1.96 standard errors
};
Comparison compare(const Evaluation& evaluation, size_t first, size_t second, const std::string& metric);

}  // namespace lacuna
