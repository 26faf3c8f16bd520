#pragma once

#include "ops/matmul/gemm.h"
#include "tensor/cuda.h"

namespace lacuna::kernels::gemm {

template <class T, class Operand>
int64_t most_rows(const Problem<T, Operand>& problem) {
  int64_t rows = 0;
  for (int i = 0; i < problem.parts; ++i) rows = std::max<int64_t>(rows, problem.part[i].rows);
  return rows;
}

/// One block for each tile of each product.
template <class T, class Operand>
void launch_tiles(const CudaStream& stream, const Problem<T, Operand>& problem, int rows, int columns, int threads,
                  int shared, void (*kernel)(Problem<T, Operand>)) {
  const int64_t tiles = (most_rows(problem) + rows - 1) / rows * ((problem.n + columns - 1) / columns);
  const int64_t blocks = tiles * problem.splits * problem.parts * problem.batch;
  check(blocks < int64_t{1} << 31, "[", stream.op, "] ", blocks, " tiles of a matrix product are too many");
  if (blocks == 0) return;
  launch(stream, {static_cast<unsigned>(blocks), static_cast<unsigned>(threads), shared}, kernel, problem);
}

}  // namespace lacuna::kernels::gemm
