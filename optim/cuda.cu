#include "optim/kernels.h"
#include "tensor/cuda.h"

// Many tensors are worked on by one launch, whose arguments name them: what is passed by value needs no copy that would
// have to be waited for.
namespace lacuna::kernels {
namespace {

constexpr int threads = 256;
constexpr size_t tensors_at_once = 48;  // whose addresses fit into a kernel's arguments, 4 KiB

/// Some tensors of type T, each of which has `roles` arrays of n elements.
template <class T, int roles>
struct Pieces {
  int64_t n[tensors_at_once];
  T* data[roles][tensors_at_once];
};

/// Calls f(first, count, largest): tensors [first, first + count) in turn, the largest of which has so many elements.
template <class F>
void for_each_group(const std::vector<Tensor>& tensors, F f) {
  for (size_t first = 0, count; first < tensors.size(); first += count) {
    const DType dtype = tensors[first].dtype();
    int64_t largest = 0;
    for (count = 0; count < tensors_at_once && first + count < tensors.size(); ++count) {
      const Tensor& tensor = tensors[first + count];
      if (tensor.dtype() != dtype) break;
      largest = std::max(largest, tensor.numel());
    }
    visit_float(dtype, "adam", [&]<class T>(T type) { f(type, first, count, largest); });
  }
}

/// The lists' tensors [first, first + count); what is only read is not written through these pointers either.
template <class T, class... Lists>
Pieces<T, sizeof...(Lists)> pieces_of(size_t first, size_t count, const Lists&... lists) {
  Pieces<T, sizeof...(Lists)> pieces;
  for (size_t k = 0; k < count; ++k) {
    int role = 0;
    const auto add = [&](const std::vector<Tensor>& list) {
      pieces.n[k] = list[first + k].numel();
      pieces.data[role++][k] = const_cast<T*>(list[first + k].template data<T>());
    };
    (add(lists), ...);
  }
  return pieces;
}

Grid grid_for(size_t count, int64_t largest) {
  constexpr int64_t each = 4, most = 1024;  // elements of a thread; blocks for a tensor
  const int64_t blocks = std::min(most, std::max<int64_t>(1, (largest + threads * each - 1) / (threads * each)));
  return {dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(count)), threads};
}

/// What a thread goes through of the tensor that blockIdx.y names.
__device__ int64_t first_element() { return int64_t{blockIdx.x} * threads + threadIdx.x; }
__device__ int64_t element_step() { return int64_t{gridDim.x} * threads; }

/// What the update needs, rounded as on the CPU.
template <class T>
struct Factors {
  T b1, b2, a1, a2, rate, epsilon;
};

__device__ float root(float x) { return sqrtf(x); }
__device__ double root(double x) { return sqrt(x); }

template <class T>
__global__ void adam_kernel(Pieces<T, 4> pieces, Factors<T> f) {
  const T* g = pieces.data[0][blockIdx.y];
  T *m = pieces.data[1][blockIdx.y], *v = pieces.data[2][blockIdx.y], *p = pieces.data[3][blockIdx.y];
  for (int64_t i = first_element(); i < pieces.n[blockIdx.y]; i += element_step()) {
    m[i] = f.b1 * m[i] + f.a1 * g[i];
    v[i] = f.b2 * v[i] + f.a2 * (g[i] * g[i]);
    p[i] -= f.rate * m[i] / (root(v[i]) + f.epsilon);
  }
}

template <class T>
__global__ void scale_kernel(Pieces<T, 2> pieces, T factor) {
  const T* x = pieces.data[0][blockIdx.y];
  T* y = pieces.data[1][blockIdx.y];
  for (int64_t i = first_element(); i < pieces.n[blockIdx.y]; i += element_step()) {
    y[i] = factor * x[i];
  }
}

struct Square {
  template <class T>
  __device__ double operator()(T x) const {
    return static_cast<double>(x) * static_cast<double>(x);
  }
};

struct NotFinite {
  template <class T>
  __device__ double operator()(T x) const {
    return x - x == T(0) ? 0 : 1;  // infinity less itself is not a number
  }
};

/// sums[tensor, part] = the sum of f over that part of the tensor, in a fixed order.
template <class T, class F>
__global__ void sum_kernel(Pieces<T, 1> pieces, F f, double* sums) {
  __shared__ double shared[threads];
  const T* x = pieces.data[0][blockIdx.y];
  double sum = 0;
  for (int64_t i = first_element(); i < pieces.n[blockIdx.y]; i += element_step()) sum += f(x[i]);
  shared[threadIdx.x] = sum;
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
  }
  if (threadIdx.x == 0) sums[int64_t{blockIdx.y} * gridDim.x + blockIdx.x] = shared[0];
}

template <class F>
void sum_up(const CudaStream& stream, const std::vector<Tensor>& tensors, Tensor& sums, F f) {
  for_each_group(tensors, [&]<class T>(T, size_t first, size_t count, int64_t) {
    const Grid grid{dim3(static_cast<unsigned>(sum_parts), static_cast<unsigned>(count)), threads};
    launch(stream, grid, sum_kernel<T, F>, pieces_of<T>(first, count, tensors), f,
           sums.data<double>() + static_cast<int64_t>(first) * sum_parts);
  });
}

}  // namespace

void adam(const CudaStream& stream, const AdamStep& step, const std::vector<Tensor>& gradients,
          std::vector<Tensor>& means, std::vector<Tensor>& squares, std::vector<Tensor>& parameters) {
  for_each_group(gradients, [&]<class T>(T, size_t first, size_t count, int64_t largest) {
    const Factors<T> factors{static_cast<T>(step.beta1),     static_cast<T>(step.beta2), static_cast<T>(1 - step.beta1),
                             static_cast<T>(1 - step.beta2), static_cast<T>(step.rate),  static_cast<T>(step.epsilon)};
    launch(stream, grid_for(count, largest), adam_kernel<T>,
           pieces_of<T>(first, count, gradients, means, squares, parameters), factors);
  });
}

void count_not_finite(const CudaStream& stream, const std::vector<Tensor>& tensors, Tensor& sums) {
  sum_up(stream, tensors, sums, NotFinite{});
}

void sum_squares(const CudaStream& stream, const std::vector<Tensor>& tensors, Tensor& sums) {
  sum_up(stream, tensors, sums, Square{});
}

void scale(const CudaStream& stream, double factor, const std::vector<Tensor>& from, std::vector<Tensor>& to) {
  for_each_group(from, [&]<class T>(T, size_t first, size_t count, int64_t largest) {
    launch(stream, grid_for(count, largest), scale_kernel<T>, pieces_of<T>(first, count, from, to),
           static_cast<T>(factor));
  });
}

}  // namespace lacuna::kernels
