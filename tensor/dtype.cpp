#include "tensor/dtype.h"

namespace lacuna {

int64_t size_of(DType dtype) {
  int64_t size = 0;
  visit_any(dtype, [&]<class T>(T) { size = sizeof(T); });
  return size;
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::bf16:
      return "bf16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
  }
  return "?";
}

}  // namespace lacuna
