#include <algorithm>

#include "ops/conv2d/winograd_kernel.h"
#include "ops/matmul/tile.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace lacuna::kernels::winograd {
namespace {

/// What was stored past the caches before it is seen by all threads before what is stored after it.
void store_fence() {
#ifdef __x86_64__
  _mm_sfence();
#endif
}

/// Where the taps between each two phases are: planes of (Ci,Co), -1 where there is none.
struct Planes {
  Tensor values;
  std::vector<int64_t> plane;  ///< [output phase][input phase][place]

  /// Taps that fall on the same place (of a doubled picture) are added up.
  template <class T>
  static Planes of(const CpuStream& stream, const Geometry& g, const Tensor& w) {
    const int64_t in_phases = g.input_phases(), slots = g.output_phases() * in_phases * taps;
    std::vector<std::vector<int64_t>> on(static_cast<size_t>(slots));
    for_each_tap(g, [&](int64_t place, int64_t in_phase, int64_t out_phase, int64_t tap) {
      on[static_cast<size_t>((out_phase * in_phases + in_phase) * taps + place)].push_back(tap);
    });
    Planes planes{w, std::vector<int64_t>(static_cast<size_t>(slots), -1)};
    const bool several = std::any_of(on.begin(), on.end(), [](const auto& tap) { return tap.size() > 1; });
    int64_t count = 0;
    for (size_t k = 0; k < on.size(); ++k) {
      if (!on[k].empty()) planes.plane[k] = several ? count++ : on[k].front();
    }
    if (!several) return planes;
    const int64_t size = w.dim(2) * w.dim(3);
    planes.values = Tensor({count, size}, w.dtype());
    const T* from = w.data<T>();
    T* to = planes.values.data<T>();
    parallel_for(stream, slots, 4, [&](int64_t begin, int64_t end) {
      for (auto k = static_cast<size_t>(begin); k < static_cast<size_t>(end); ++k) {
        if (on[k].empty()) continue;
        T* sum = to + planes.plane[k] * size;
        std::copy_n(from + on[k].front() * size, size, sum);
        for (size_t t = 1; t < on[k].size(); ++t) {
          const T* more = from + on[k][t] * size;
          for (int64_t i = 0; i < size; ++i) sum[i] += more[i];
        }
      }
    });
    return planes;
  }
};

/// Fills in the blocks; returns how many elements they hold.
template <class T>
int64_t lay_out(const Geometry& g, TransformedKernel<T>& kernel) {
  int64_t size = 0;
  for (int64_t panel = 0; panel < kernel.panels; ++panel) {
    const int64_t first = panel * kernel.tile_columns;
    const int64_t last = std::min(first + kernel.tile_columns, kernel.columns) - 1;
    for (int p = 0; p < points; ++p) {
      typename TransformedKernel<T>::Block block{size};
      for (int64_t in = 0; in < g.input_phases(); ++in) {
        bool live = false;
        for (int64_t out = first / kernel.channels; out <= last / kernel.channels; ++out) live |= g.live(out, in, p);
        if (live) block.phases[static_cast<size_t>(block.count++)] = static_cast<int8_t>(in);
      }
      kernel.blocks.push_back(block);
      // One vector more, so that the points' blocks do not all want the same lines of the cache.
      size += block.count * kernel.input_channels * kernel.tile_columns + transforms<T>().lanes;
    }
  }
  return size;
}

}  // namespace

template <class T>
TransformedKernel<T> transformed_kernel(const CpuStream& stream, const Geometry& g, const Tensor& w) {
  const int64_t ci = w.dim(2), co = w.dim(3), in_phases = g.input_phases(), out_phases = g.output_phases();
  const Planes planes = Planes::of<T>(stream, g, w);
  TransformedKernel<T> kernel;
  kernel.input_channels = ci;
  kernel.channels = out_phases > 1 ? up_to_multiple(co, transforms<T>().lanes) : co;
  kernel.columns = out_phases * kernel.channels;
  kernel.tile_columns = tile_kernels<T>(kernel.columns).columns;
  kernel.panels = (kernel.columns + kernel.tile_columns - 1) / kernel.tile_columns;
  kernel.values = Tensor({lay_out(g, kernel)}, dtype_of<T>());

  T* values = kernel.values.template data<T>();
  const T* from = planes.values.template data<T>();
  const std::vector<T> zeros(static_cast<size_t>(co + transforms<T>().lanes), T{0});
  // One that no cache keeps until it is read is not brought into them to be written either.
  constexpr int64_t second_cache = 1 << 20, grain = 32;
  const bool past_caches = kernel.values.nbytes() > second_cache;
  const int64_t pieces = (ci + grain - 1) / grain;
  parallel_for(stream, kernel.panels * in_phases * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task / (in_phases * pieces), in = task / pieces % in_phases;
      const int64_t last = std::min(ci, (task % pieces + 1) * grain);
      const int64_t first_column = panel * kernel.tile_columns;
      const int64_t end_column = std::min(first_column + kernel.tile_columns, kernel.columns);
      const bool whole = out_phases * co == kernel.columns && end_column - first_column == kernel.tile_columns;
      T* first_row[points];  // of this phase
      for (int p = 0; p < points; ++p) {
        const auto& block = kernel.block(panel, p);
        const auto* phases_end = block.phases.begin() + block.count;
        const auto* own = std::find(block.phases.begin(), phases_end, in);
        const int64_t offset = block.offset + (own - block.phases.begin()) * ci * kernel.tile_columns;
        first_row[p] = own == phases_end ? nullptr : values + offset;
      }
      for (int64_t c = task % pieces * grain; c < last; ++c) {
        T* to[points];
        for (int p = 0; p < points; ++p) {
          to[p] = first_row[p] ? first_row[p] + c * kernel.tile_columns : nullptr;
          if (!whole && to[p]) std::fill_n(to[p], kernel.tile_columns, T{0});
        }
        int64_t count;
        for (int64_t j = first_column; j < end_column; j += count) {
          const int64_t out = j / kernel.channels, o = j % kernel.channels;
          count = std::min(end_column - j, kernel.channels - o);
          if (o < co) {
            const T* rows[taps];
            for (int t = 0; t < taps; ++t) {
              const int64_t plane = planes.plane[static_cast<size_t>((out * in_phases + in) * taps + t)];
              rows[t] = plane < 0 ? zeros.data() : from + (plane * ci + c) * co + o;
            }
            transforms<T>().kernel(rows, std::min(count, co - o), to, past_caches);
          }
          for (T*& target : to) target = target ? target + count : nullptr;
        }
      }
    }
    if (past_caches) store_fence();
  });
  return kernel;
}

template TransformedKernel<float> transformed_kernel<float>(const CpuStream&, const Geometry&, const Tensor&);
template TransformedKernel<double> transformed_kernel<double>(const CpuStream&, const Geometry&, const Tensor&);

}  // namespace lacuna::kernels::winograd
