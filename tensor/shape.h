#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace lacuna {

/// Extents of a tensor, outermost first. Images are (N,H,W,C), convolution kernels (kh,kw,Ci,Co).
/// A scalar has rank 0 and one element. Every extent is >= 0; rank is at most max_rank.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims);
  explicit Shape(const std::vector<int64_t>& dims);

  int rank() const { return rank_; }
  int64_t numel() const;

  /// Extent of `axis`; a negative axis counts from the last. Throws if there is no such axis.
  int64_t dim(int axis) const { return dims_[normalize(axis)]; }
  int64_t operator[](int axis) const { return dims_[axis]; }
  int64_t& operator[](int axis) { return dims_[axis]; }

  /// The axis counted from the first; throws if the shape has no such axis.
  int normalize(int axis) const;

  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  std::vector<int64_t> dims() const { return {begin(), end()}; }

  /// "(1,256,256,3)"
  std::string str() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::array<int64_t, max_rank> dims_{};
  int rank_ = 0;
};

}  // namespace lacuna
