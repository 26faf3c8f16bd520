#pragma once

#include <cstdint>
#include <type_traits>

#include "tensor/check.h"
#include "tensor/functor.h"

namespace lacuna {

/// Element types. f32 and f64 are complete in every op; bf16 is storage with conversion; i32 holds
/// indices, u8 pictures.
enum class DType : uint8_t { f32, f64, bf16, i32, u8 };

/// bfloat16: the upper half of an IEEE f32, rounded to nearest even.
struct bf16 {
  uint16_t bits = 0;

  bf16() = default;
  LACUNA_HD explicit bf16(float x) {
    const uint32_t u = bit_cast<uint32_t>(x);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  LACUNA_HD explicit operator float() const { return bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

int64_t size_of(DType dtype);
const char* name_of(DType dtype);

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) {
    return DType::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return DType::f64;
  } else if constexpr (std::is_same_v<T, bf16>) {
    return DType::bf16;
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return DType::i32;
  } else {
    static_assert(std::is_same_v<T, uint8_t>, "no tensor holds this type");
    return DType::u8;
  }
}

/// Calls f with a value of the arithmetic type that `dtype` names: visit_float(x.dtype(), "elu",
/// [&]<class T>(T) { ... }). Throws for types without arithmetic.
template <class F>
void visit_float(DType dtype, const char* op, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    default:
      fail("[", op, "] works on f32 and f64, not ", name_of(dtype));
  }
}

/// Calls f with a value of the element type that `dtype` names, whatever it is.
template <class F>
void visit_any(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::bf16:
      return f(bf16{});
    case DType::i32:
      return f(int32_t{});
    case DType::u8:
      return f(uint8_t{});
  }
}

}  // namespace lacuna
