#include "train/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>

#include "train/inpaint.h"
#include "train/metrics.h"

namespace lacuna {

const std::vector<MetricInfo>& metric_infos() {
  using Better = MetricInfo::Better;
  static const std::vector<MetricInfo> infos{{"l1", "L1", "%", 2, Better::lower},
                                             {"l2", "L2", "%", 2, Better::lower},
                                             {"l1_relative", "L1, relative", "%", 2, Better::lower},
                                             {"l2_relative", "L2, relative", "%", 2, Better::lower},
                                             {"psnr", "PSNR", "dB", 2, Better::higher},
                                             {"ssim", "SSIM", "", 3, Better::higher},
                                             {"tv", "TV", "%", 2, Better::as_original}};
  return infos;
}

const MetricInfo& metric_info(const std::string& name) {
  const std::string short_name = name.starts_with("hole_") ? name.substr(5) : name;
  for (const MetricInfo& info : metric_infos()) {
    if (info.name == short_name) return info;
  }
  fail("[evaluation] there is no figure named ", name);
}

std::optional<double> value_of(const Metrics& metrics, const std::string& name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(), [&](const auto& m) { return m.first == name; });
  return found == metrics.end() ? std::nullopt : std::optional(found->second);
}

std::string fixed(double x, int digits) {
  std::ostringstream out;
  out.precision(digits);
  out << std::fixed << x;
  return out.str();
}

std::string figure(const Metrics& metrics, const std::string& name) {
  const auto value = value_of(metrics, name);
  return value ? fixed(*value, metric_info(name).digits) : "-";
}

Metrics mean_of(const std::vector<Metrics>& pictures) {
  Metrics means;
  std::vector<double> counts;
  for (const Metrics& metrics : pictures) {
    for (const auto& [name, value] : metrics) {
      const auto same = [&, n = name](const auto& m) { return m.first == n; };
      auto entry = std::find_if(means.begin(), means.end(), same);
      if (entry == means.end()) {
        entry = means.insert(means.end(), {name, 0});
        counts.push_back(0);
      }
      entry->second += value;
      ++counts[entry - means.begin()];
    }
  }
  for (size_t i = 0; i < means.size(); ++i) means[i].second /= counts[i];
  return means;
}

Image fill_with_mean(const Image& picture, const Tensor& mask) {
  const Tensor x = to_tensor(picture);
  const float *values = x.data<float>(), *hole = mask.data<float>();
  double sum[3] = {}, known = 0;
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (hole[p] > 0.5f) continue;
    ++known;
    for (int64_t c = 0; c < 3; ++c) sum[c] += values[3 * p + c];
  }
  check(known > 0, "[eval] the hole is the whole picture: nothing known has a mean colour");
  Tensor mean = empty_like(x);
  float* to = mean.data<float>();
  for (int64_t e = 0; e < mean.numel(); ++e) to[e] = static_cast<float>(sum[e % 3] / known);
  return composite(picture, mean, mask);
}

Evaluation evaluation_of(const std::vector<FillMethod>& methods) {
  Evaluation evaluation;
  for (const FillMethod& method : methods) evaluation.methods.push_back({method.name});
  return evaluation;
}

std::vector<Image> evaluate(const std::vector<FillMethod>& methods, const std::filesystem::path& path,
                            const Image& picture, const Tensor& mask, Evaluation& evaluation) {
  using Clock = std::chrono::steady_clock;
  const Tensor truth = to_tensor(picture);
  std::vector<Image> fills;
  std::vector<Metrics> metrics;
  std::vector<double> seconds;
  for (const FillMethod& method : methods) {
    const auto start = Clock::now();
    fills.push_back(method.fill(picture, mask, path));
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    metrics.push_back(metrics_of(truth, to_tensor(fills.back()), mask));
  }
  for (size_t m = 0; m < methods.size(); ++m) {
    if (methods[m].timed) evaluation.methods[m].seconds += seconds[m];
    evaluation.methods[m].pictures.push_back(std::move(metrics[m]));
  }
  evaluation.originals.pictures.push_back(metrics_of(truth, truth, mask));
  evaluation.pictures.push_back(path.string());
  return fills;
}

Comparison compare(const Evaluation& evaluation, size_t first, size_t second, const std::string& metric) {
  const auto& as = evaluation.methods.at(first).pictures;
  const auto& bs = evaluation.methods.at(second).pictures;
  const MetricInfo::Better better = metric_info(metric).better;
  Comparison result;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < as.size(); ++i) {
    const auto a = value_of(as[i], metric), b = value_of(bs[i], metric);
    if (!a || !b) continue;
    const double truth = value_of(evaluation.originals.pictures[i], metric).value_or(0);
    const bool wins = better == MetricInfo::Better::lower    ? *a < *b
                      : better == MetricInfo::Better::higher ? *a > *b
                                                             : std::abs(*a - truth) < std::abs(*b - truth);
    ++result.pictures;
    result.better += wins;
    sum += *a - *b;
    squares += (*a - *b) * (*a - *b);
  }
  const double n = static_cast<double>(result.pictures);
  if (result.pictures > 0) result.difference = sum / n;
  if (result.pictures > 1) {
    const double variance = std::max(squares - n * result.difference * result.difference, 0.0) / (n - 1);
    result.uncertainty = 1.96 * std::sqrt(variance / n);
  }
  return result;
}

}  // namespace lacuna
