#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tensor/image.h"

namespace lacuna {

/// The pictures that a report embeds, as JPEG files in memory: small ones of all (of every n-th, where they would be
/// too many for one page) and large ones of the best and the worst. In a list of pictures the original comes first,
/// then the one with its hole, then the fills in the methods' order.
class ReportPictures {
 public:
  /// `total` pictures are to come, `extremes` best and as many worst ones are kept.
  ReportPictures(size_t total, size_t extremes);

  /// Picture number `index`; `error` ranks it, lower is better, and without one it is neither best nor worst.
  void add(size_t index, std::optional<double> error, const Image& original, const Tensor& mask,
           const std::vector<Image>& fills);

  struct Shown {
    size_t index = 0;
    std::vector<std::string> files;
  };
  /// Worst first; together at most as many as there are pictures, half of them worst.
  std::vector<Shown> worst() const;
  /// Best first.
  std::vector<Shown> best() const;
  /// By picture number.
  const std::map<size_t, std::vector<std::string>>& small() const { return small_; }

 private:
  void forget_the_middle();

  size_t every_, extremes_;
  std::map<size_t, std::vector<std::string>> small_;
  std::multimap<double, Shown> ranked_;
};

}  // namespace lacuna
