#pragma once

#include "ops/matmul/gemm.h"
#include "tensor/cuda.h"

/// How a launch of a matrix product is shared out between blocks.
namespace lacuna::kernels::gemm {

/// The shape of a block: its tile of the result, and the depth that it takes at a time.
template <int rows_, int columns_, int depth_, int threads_, bool a_by_depth_, bool b_by_depth_>
struct Block {
  static constexpr int rows = rows_, columns = columns_, depth = depth_, threads = threads_;
  static constexpr bool a_by_depth = a_by_depth_, b_by_depth = b_by_depth_;
};

/// What a block computes: which tile of which part, and the part of the depth.
template <class T, class Operand = T>
struct Work {
  const Part& part;
  const Operand *a, *b;
  T* y;
  int row, column, begin, end;

  template <class B>
  __device__ static Work of_block(const Problem<T, Operand>& problem, B) {
    int most_rows = 0;
    for (int i = 0; i < problem.parts; ++i) {
      most_rows = problem.part[i].rows > most_rows ? problem.part[i].rows : most_rows;
    }
    const int columns = (problem.n + B::columns - 1) / B::columns, rows = (most_rows + B::rows - 1) / B::rows;
    int block = static_cast<int>(blockIdx.x);
    const int column = block % columns;
    block /= columns;
    const int row = block % rows;
    block /= rows;
    const int split = block % problem.splits;
    block /= problem.splits;
    const int index = block % problem.parts, batch = block / problem.parts;
    const Part& part = problem.part[index];
    Work work{part,
              problem.a + batch * problem.a_batch,
              problem.b + batch * problem.b_batch,
              problem.y + batch * problem.y_batch + split * problem.y_split,
              row * B::rows,
              column * B::columns,
              0,
              part.depth};
    if (problem.splits > 1) {
      work.begin = split * problem.split_depth;
      work.end = work.begin + problem.split_depth < part.depth ? work.begin + problem.split_depth : part.depth;
    }
    return work;
  }
};

}  // namespace lacuna::kernels::gemm
