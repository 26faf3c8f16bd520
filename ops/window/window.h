#pragma once

#include "autograd/variable.h"

namespace lacuna {

// A rectangle of each picture of a batch, whose places are data: they lie in memory beside the pictures, so that a
// recorded plan can be run again with others.

/// Windows (N,height,width,C) of pictures x (N,H,W,C): that of sample n has its first row and column at corners[n].
/// corners (N,2) i32, on the device of x. Zeros where a window goes beyond its picture. VJP: place_windows.
Variable take_windows(const Variable& x, const Tensor& corners, int64_t height, int64_t width);
/// The adjoint: windows y (N,h,w,C) in their places in pictures (N,height,width,C), zeros around them; what lies beyond
/// a picture is dropped. VJP: take_windows.
Variable place_windows(const Variable& y, const Tensor& corners, int64_t height, int64_t width);

}  // namespace lacuna
