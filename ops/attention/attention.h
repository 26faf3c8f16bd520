#pragma once

#include "tensor/tensor.h"

namespace lacuna {

struct StreamOptions {
  int64_t ksize = 3;   ///< side of the matched patches (odd)
  int64_t fuse_k = 3;  ///< length of the propagation sums (odd); 1: none
  int64_t rate = 2;    ///< pixels of the picture per position, along an axis
  double softmax_scale = 10;
  int64_t block_rows = 0;  ///< rows that are gone through at a time, at most; 0: chosen by size
  int64_t max_bytes = 0;   ///< of what is held beside operands and results, as far as that is possible; 0: by size
};

/// Patches of b shorter than this are divided by it instead of their length.
constexpr double least_patch_length = 1e-4;

/// What attention works on. Positions i of the foreground and j of the background are those of one h x w grid,
/// L = h * w in row-major order.
struct AttentionOperands {
  Tensor f, b;       ///< (N,h,w,C): features to match, at the grid's resolution
  Tensor picture;    ///< (N,h*rate,w*rate,P): what is pasted
  Tensor available;  ///< (N or 1,L): 1 where position j may be pasted, else 0
};

struct Attended {
  Tensor y;        ///< like picture
  Tensor offsets;  ///< (N,h,w,2) i32: row and column of the largest weight
};

/// Contextual attention (METHOD section 3, steps 2 to 6) on f32 or f64, never holding the L x L matrix.
///
/// With G(i,j) = <f(i), b(j)>, the rows of G are made a row of the grid at a time, and each of the sums along diagonals
/// (patches, and both propagations) keeps the few rows that it reaches. Corners between positions number
/// (h+1) x (w+1); around corner i' lie four positions i'+d, which are those whose patches cover its rate x rate pixels.
/// With Q(i',j') = sum over d of A(i'+d, j'+d), pixels y(i') = sum over j' of Q(i',j') picture(j') / 4: one product.
/// Corners j' without an available position around them are left out, unless their pixels are not finite.
///
/// Results have the same bits whatever the options say about blocks and memory, and for any number of threads.
Attended attend(const AttentionOperands& operands, const StreamOptions& options);

/// Bytes that attend() holds beside operands and results, at most, with f of this shape and so many channels pasted.
int64_t attend_bytes(const Shape& f, int64_t picture_channels, DType dtype, const StreamOptions& options);

/// Which cotangents are wanted.
struct AttentionNeeds {
  bool f = true, b = true, picture = true;
};

struct AttentionCotangents {
  Tensor f, b, picture;  ///< undefined where not wanted
};

/// The cotangents of attend()'s operands for the cotangent g of y, computing the weights again, in blocks of rows. A
/// block computes also what its sums reach around it. The last bits of the sums over all rows depend on the blocks, but
/// not on the number of threads.
AttentionCotangents attend_backward(const Tensor& g, const AttentionOperands& operands, const StreamOptions& options,
                                    const AttentionNeeds& needs = {});

}  // namespace lacuna
