#pragma once

#include "tensor/stream.h"

namespace lacuna::test {

/// Sets the precision while it lives.
class AtPrecision {
 public:
  explicit AtPrecision(Precision p) : before_(precision()) { set_precision(p); }
  ~AtPrecision() { set_precision(before_); }
  AtPrecision(const AtPrecision&) = delete;
  AtPrecision& operator=(const AtPrecision&) = delete;

 private:
  Precision before_;
};

}  // namespace lacuna::test
