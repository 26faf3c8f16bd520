#include "tensor/shape.h"

#include <algorithm>

#include "tensor/check.h"

namespace lacuna {

Shape::Shape(std::initializer_list<int64_t> dims) : Shape(std::vector<int64_t>(dims)) {}

Shape::Shape(const std::vector<int64_t>& dims) : rank_(static_cast<int>(dims.size())) {
  check(dims.size() <= max_rank, "[shape] at most ", int{max_rank}, " axes are supported, not ", dims.size());
  for (int64_t d : dims) check(d >= 0, "[shape] an extent cannot be negative: ", d);
  std::copy(dims.begin(), dims.end(), dims_.begin());
}

int64_t Shape::numel() const {
  int64_t n = 1;
  for (int64_t d : *this) n *= d;
  return n;
}

int Shape::normalize(int axis) const {
  const int from_first = axis < 0 ? axis + rank_ : axis;
  check(from_first >= 0 && from_first < rank_, "[shape] there is no axis ", axis, " in ", *this);
  return from_first;
}

std::string Shape::str() const {
  std::string s = "(";
  for (int i = 0; i < rank_; ++i) s += (i ? "," : "") + std::to_string(dims_[i]);
  return s + ")";
}

}  // namespace lacuna
