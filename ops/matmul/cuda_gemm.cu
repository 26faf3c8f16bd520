#include "ops/matmul/gemm.h"
#include "ops/matmul/gemm_pack.h"
#include "tensor/cuda.h"
#include "tensor/memory.h"

namespace lacuna::kernels::gemm {
namespace {

/// Packs both operands of a product.
struct PackOperands {
  PackPieces a, b;
  int32_t a_pieces;

  LACUNA_HD void operator()(int64_t i) const {
    const auto index = static_cast<int32_t>(i);
    index < a_pieces ? a(index) : b(index - a_pieces);
  }
};

bool has_warpgroup_products(int device) {
#ifdef LACUNA_SM90A
  return cuda_traits(device).capability == 90;
#else
  static_cast<void>(device);
  return false;
#endif
}

void run_on_tensor_units(const CudaStream& stream, const Problem<float>& problem) {
  PackedProblem packed(problem);
  const int64_t a_elements = packed.a.elements(), b_elements = packed.b.elements();
  const int64_t pieces = (a_elements + b_elements) / piece;
  check(pieces < int64_t{1} << 31, "[", stream.op, "] operands of ", a_elements, " and ", b_elements,
        " elements are too large for one product; take smaller batches");
  const bool high = stream.precision == Precision::high;
  const int terms = high ? 2 : 1;
  const int64_t term_bytes = sizeof(bf16);
  const auto memory = allocate((a_elements + b_elements) * terms * term_bytes, {Device::Kind::cuda, stream.device});
  bf16 *const a = static_cast<bf16*>(memory.get()), *const b = a + a_elements * terms;
  for_each(
      stream, pieces,
      PackOperands{
          {packed.a, problem.a, a, terms}, {packed.b, problem.b, b, terms}, static_cast<int32_t>(a_elements / piece)});
  packed.problem.a = a;
  packed.problem.b = b;
  if (warpgroup_products() && has_warpgroup_products(stream.device)) {
    high ? run_wgmma_high(stream, packed.problem) : run_wgmma_medium(stream, packed.problem);
  } else {
    high ? run_mma_high(stream, packed.problem) : run_mma_medium(stream, packed.problem);
  }
}

}  // namespace

void run(const CudaStream& stream, const Problem<double>& problem) { run_f64(stream, problem); }

void run(const CudaStream& stream, const Problem<float>& problem) {
  const bool has_bf16 = cuda_traits(stream.device).architecture >= 80;
  stream.precision == Precision::highest || !has_bf16 ? run_f32(stream, problem) : run_on_tensor_units(stream, problem);
}

}  // namespace lacuna::kernels::gemm
