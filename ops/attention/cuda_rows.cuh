#pragma once

#include "ops/attention/cuda_grid.h"
#include "ops/pointwise/functors.h"
#include "tensor/cuda.h"

/// The kernels of attention. A matrix between positions (or corners) is (samples, slots * w, L); one block of threads
/// makes one row of it: blockIdx.x is the row, blockIdx.y the sample.
namespace lacuna::kernels::attention {

constexpr int row_threads = 256;

template <class T>
__device__ T warp_sum(T v) {
  for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(~0u, v, step);
  return v;
}

template <class T>
__device__ T warp_max(T v) {
  for (int step = 16; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(~0u, v, step);
    v = other > v || other != other ? other : v;
  }
  return v;
}

/// The sum, or the largest, of every thread's value; to be called by all of them.
template <bool largest, class T>
__device__ T over_block(T v) {
  constexpr int warps = row_threads / 32;
  __shared__ T parts[warps];
  v = largest ? warp_max(v) : warp_sum(v);
  __syncthreads();  // the call before has been read
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
  __syncthreads();
  T all = parts[0];
  for (int k = 1; k < warps; ++k)
    all = largest ? (parts[k] > all || parts[k] != parts[k] ? parts[k] : all) : all + parts[k];
  return all;
}

/// The least of every thread's value.
__device__ inline int least_over_block(int v) { return -over_block<true>(-v); }

/// The sum over the patch's offsets d of x(p+d,q+d), times factor(q) (1 where null); x has the rows of `in`, y those of
/// `out`, and rows that x lacks count as zero.
template <class T>
__global__ void patch_sums(CudaGrid g, Window in, Window out, const T* x, const T* factor, T* y) {
  const int l = g.positions(), row = blockIdx.x, px = row % g.w, py = out.row_of(row / g.w);
  const int64_t sample = blockIdx.y;
  x += sample * in.rows * g.w * l;
  y += (sample * out.rows * g.w + row) * l;
  for (int q = threadIdx.x; q < l; q += row_threads) {
    const int qy = q / g.w, qx = q % g.w;
    T sum = 0;
    for (int dy = -g.patch; dy <= g.patch; ++dy) {
      if (py + dy < 0 || py + dy >= g.h || qy + dy < 0 || qy + dy >= g.h) continue;
      const int slot = in.slot_of(py + dy);
      if (slot >= in.rows) continue;
      for (int dx = -g.patch; dx <= g.patch; ++dx) {
        if (px + dx < 0 || px + dx >= g.w || qx + dx < 0 || qx + dx >= g.w) continue;
        sum += x[(int64_t{slot} * g.w + px + dx) * l + q + dy * g.w + dx];
      }
    }
    y[q] = factor ? sum * factor[sample * l + q] : sum;
  }
}

/// Both propagation sums at one element of a matrix with the rows of `in`: first those along columns, then those along
/// rows; as the adjoint the other way round.
template <bool adjoint, class T>
__device__ T propagated(const CudaGrid& g, const Window& in, const T* x, Place p, Place q) {
  T sum = 0;
  for (int outer = -g.fuse; outer <= g.fuse; ++outer) {
    const Place p1 = adjoint ? along_rows(g, p, outer) : down_columns(g, p, outer);
    const Place q1 = adjoint ? along_rows(g, q, outer) : down_columns(g, q, outer);
    if (!inside(g, p1) || !inside(g, q1)) continue;
    for (int inner = -g.fuse; inner <= g.fuse; ++inner) {
      const Place p2 = adjoint ? down_columns(g, p1, inner) : along_rows(g, p1, inner);
      const Place q2 = adjoint ? down_columns(g, q1, inner) : along_rows(g, q1, inner);
      if (!inside(g, p2) || !inside(g, q2)) continue;
      const int slot = in.slot_of(p2.y);
      if (slot < in.rows) sum += x[(int64_t{slot} * g.w + p2.x) * g.positions() + q2.y * g.w + q2.x];
    }
  }
  return sum;
}

/// The adjoint of both propagation sums, times factor(q).
template <class T>
__global__ void propagate_back(CudaGrid g, Window in, Window out, const T* x, const T* factor, T* y) {
  const int l = g.positions(), row = blockIdx.x;
  const Place p{out.row_of(row / g.w), row % g.w};
  const int64_t sample = blockIdx.y;
  x += sample * in.rows * g.w * l;
  y += (sample * out.rows * g.w + row) * l;
  for (int q = threadIdx.x; q < l; q += row_threads) {
    y[q] = propagated<true>(g, in, x, p, {q / g.w, q % g.w}) * factor[sample * l + q];
  }
}

/// Rows of weights from rows of scores: propagation, softmax(scale * . * m) * m, and where each row is largest.
/// available: m of the first sample, that of the next `available_step` further on. offsets may be null.
template <class T>
__global__ void weigh(CudaGrid g, Window in, Window out, const T* scores, const T* available, int64_t available_step,
                      T scale, T* weights, int32_t* offsets) {
  const int l = g.positions(), row = blockIdx.x;
  const Place p{out.row_of(row / g.w), row % g.w};
  const int64_t sample = blockIdx.y;
  scores += sample * in.rows * g.w * l;
  weights += (sample * out.rows * g.w + row) * l;
  available += sample * available_step;
  T largest = -INFINITY;
  for (int q = threadIdx.x; q < l; q += row_threads) {
    const T logit = scale * available[q] * propagated<false>(g, in, scores, p, {q / g.w, q % g.w});
    weights[q] = logit;
    largest = logit > largest || logit != logit ? logit : largest;
  }
  largest = over_block<true>(largest);
  T sum = 0;
  for (int q = threadIdx.x; q < l; q += row_threads) {
    const T e = lacuna::functors::exp(weights[q] - largest);
    weights[q] = e;
    sum += e;
  }
  const T inverse = 1 / over_block<false>(sum);
  T best = -1;
  int where = 0;
  for (int q = threadIdx.x; q < l; q += row_threads) {
    const T weight = weights[q] * inverse * available[q];
    weights[q] = weight;
    if (weight > best) best = weight, where = q;
  }
  if (!offsets) return;
  const T best_of_all = over_block<true>(best);
  const int first = least_over_block(best == best_of_all ? where : l);
  if (threadIdx.x == 0) {
    int32_t* own = offsets + 2 * (sample * l + p.y * g.w + p.x);
    own[0] = first < l ? first / g.w : 0;
    own[1] = first < l ? first % g.w : 0;
  }
}

/// For corners i' in rows [first_row, ...) and all corners j': the sum of A(i'+d,j'+d) over the four positions around
/// a corner. Rows of A that `in` lacks count as zero.
template <class T>
__global__ void corner_sums(CudaGrid g, Window in, int first_row, const T* weights, T* y) {
  const int l = g.positions(), wide = g.w + 1, row = blockIdx.x, corners = g.corners();
  const int cy = first_row + row / wide, cx = row % wide;
  const int64_t sample = blockIdx.y;
  weights += sample * in.rows * g.w * l;
  y += (sample * gridDim.x + row) * corners;
  for (int k = threadIdx.x; k < corners; k += row_threads) {
    const int ky = k / wide, kx = k % wide;
    T sum = 0;
    for (int dy = -1; dy <= 0; ++dy) {
      if (cy + dy < 0 || cy + dy >= g.h || ky + dy < 0 || ky + dy >= g.h) continue;
      const int slot = in.slot_of(cy + dy);
      if (slot >= in.rows) continue;
      for (int dx = -1; dx <= 0; ++dx) {
        if (cx + dx < 0 || cx + dx >= g.w || kx + dx < 0 || kx + dx >= g.w) continue;
        sum += weights[(int64_t{slot} * g.w + cx + dx) * l + (ky + dy) * g.w + kx + dx];
      }
    }
    y[k] = sum;
  }
}

/// The cotangent of the propagated scores of rows `out`, from those of the corner sums in rows [first_row, ...), which
/// are all around them.
template <class T>
__global__ void weigh_back(CudaGrid g, Window out, int first_row, int corner_rows, const T* corner_cotangents,
                           const T* weights, T scale, T* y) {
  const int l = g.positions(), wide = g.w + 1, row = blockIdx.x, px = row % g.w;
  const int cy = out.row_of(row / g.w) - first_row;
  const int64_t sample = blockIdx.y, corners = g.corners();
  corner_cotangents += sample * corner_rows * wide * corners;
  weights += (sample * out.rows * g.w + row) * l;
  y += (sample * out.rows * g.w + row) * l;
  T sum = 0;
  for (int q = threadIdx.x; q < l; q += row_threads) {
    const int qy = q / g.w, qx = q % g.w;
    T cotangent = 0;
    for (int dy = 0; dy <= 1; ++dy) {
      for (int dx = 0; dx <= 1; ++dx) {
        cotangent += corner_cotangents[(int64_t{cy + dy} * wide + px + dx) * corners + (qy + dy) * wide + qx + dx];
      }
    }
    y[q] = cotangent;
    sum += weights[q] * cotangent;
  }
  sum = over_block<false>(sum);
  for (int q = threadIdx.x; q < l; q += row_threads) y[q] = scale * weights[q] * (y[q] - sum);
}

/// y(q) = -(the sum over rows p of a(p,q) b(p,q)), plus what y held: threads take neighbouring columns, and rows in
/// turns that are joined in order.
template <class T>
__global__ void subtract_column_products(int rows, int l, const T* a, const T* b, T* y) {
  constexpr int columns = 32, turns = row_threads / columns;
  __shared__ T parts[turns][columns];
  const int column = threadIdx.x % columns, turn = threadIdx.x / columns, q = blockIdx.x * columns + column;
  const int64_t sample = blockIdx.y, start = sample * rows * l;
  T sum = 0;
  if (q < l) {
    for (int p = turn; p < rows; p += turns) sum += a[start + int64_t{p} * l + q] * b[start + int64_t{p} * l + q];
  }
  parts[turn][column] = sum;
  __syncthreads();
  if (turn > 0 || q >= l) return;
  for (int k = 1; k < turns; ++k) sum += parts[k][column];
  y[sample * l + q] -= sum;
}

/// e(q) = the square of b(q)'s length; a warp a position.
template <class T>
__global__ void energies(int64_t positions, int channels, const T* b, T* e) {
  const int64_t q = int64_t{blockIdx.x} * (row_threads / 32) + threadIdx.x / 32;
  if (q >= positions) return;
  T sum = 0;
  for (int c = threadIdx.x % 32; c < channels; c += 32) sum += b[q * channels + c] * b[q * channels + c];
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) e[q] = sum;
}

}  // namespace lacuna::kernels::attention
