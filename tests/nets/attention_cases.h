#pragma once

#include <vector>

#include "nets/contextual_attention.h"

/// Small instances of contextual attention, f64.
namespace lacuna::test {

struct Hole {
  int64_t top, left, height, width;
};

/// (samples,height,width,1) with the given holes in each sample.
inline Tensor mask_of(int64_t height, int64_t width, const std::vector<std::vector<Hole>>& samples) {
  Tensor mask = Tensor::zeros({static_cast<int64_t>(samples.size()), height, width, 1}, DType::f64);
  for (size_t k = 0; k < samples.size(); ++k) {
    double* m = mask.data<double>() + static_cast<int64_t>(k) * height * width;
    for (const Hole& hole : samples[k]) {
      for (int64_t r = hole.top; r < hole.top + hole.height; ++r) {
        for (int64_t c = hole.left; c < hole.left + hole.width; ++c) m[r * width + c] = 1;
      }
    }
  }
  return mask;
}

struct AttentionCase {
  const char* name;
  Shape shape;
  Tensor mask;
  AttentionOptions options;
};

inline std::vector<AttentionCase> attention_cases() {
  return {
      {"rate 2, one hole", {1, 10, 14, 3}, mask_of(10, 14, {{{2, 4, 4, 5}}}), {}},
      {"rate 2, several holes, a mask each",
       {2, 14, 10, 2},
       mask_of(14, 10, {{{0, 0, 5, 3}, {9, 6, 4, 4}}, {{6, 2, 3, 5}}}),
       {}},
      {"rate 2, no hole, shared mask", {2, 6, 10, 2}, mask_of(6, 10, {{}}), {}},
      {"rate 1", {2, 5, 7, 3}, mask_of(5, 7, {{{1, 2, 2, 2}}}), {.rate = 1}},
      {"rate 1, no fuse", {1, 7, 5, 2}, mask_of(7, 5, {{{0, 3, 3, 2}}}), {.rate = 1, .fuse = false}},
      {"rate 2, no fuse", {2, 6, 10, 2}, mask_of(6, 10, {{{1, 3, 2, 4}}}), {.fuse = false}},
      {"rate 3, ksize 5, fuse 5",
       {1, 12, 15, 2},
       mask_of(12, 15, {{{3, 5, 3, 4}}}),
       {.ksize = 5, .rate = 3, .fuse_k = 5, .softmax_scale = 3}},
      {"rate 4, fuse longer than a column", {1, 8, 16, 2}, mask_of(8, 16, {{{0, 12, 2, 2}}}), {.rate = 4, .fuse_k = 7}},
      {"rate 1, single pixels, no fuse by its length",
       {2, 4, 6, 3},
       mask_of(4, 6, {{{1, 1, 1, 2}}, {{2, 5, 1, 1}}}),
       {.ksize = 1, .rate = 1, .fuse_k = 1}},
      {"rate 3, single pixels", {1, 9, 15, 2}, mask_of(9, 15, {{{0, 9, 4, 6}}}), {.ksize = 1, .rate = 3, .fuse_k = 5}},
      {"a row", {1, 1, 7, 2}, mask_of(1, 7, {{{0, 2, 1, 1}}}), {.rate = 1}},
      {"a column", {1, 14, 2, 2}, mask_of(14, 2, {{{4, 0, 2, 1}}}), {.fuse_k = 5}},
      {"all hole", {1, 6, 6, 2}, mask_of(6, 6, {{{0, 0, 6, 6}}}), {.rate = 1}},
  };
}

}  // namespace lacuna::test
