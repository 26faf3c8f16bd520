#include "ops/attention/kernels.h"
#include "ops/attention/plan.h"
#include "ops/attention/sweep.h"

namespace lacuna::kernels {
namespace attention {
namespace {

template <class T>
void attend(const CpuStream& stream, const AttentionOperands& operands, const StreamOptions& options,
            Attended& result) {
  const Geometry g(operands.f.shape(), operands.picture.dim(3), options);
  const ColumnMasks<T> masks(g);
  const int64_t samples = operands.f.dim(0);
  const int64_t group = samples_at_once(stream, g, samples, options, sizeof(T));
  const int64_t picture = operands.picture.numel() / samples, offsets = 2 * g.positions();
  for (int64_t first = 0; first < samples; first += group) {
    const int64_t count = std::min(group, samples - first);
    std::vector<Sample<T>> own;
    std::vector<PackedMatrix<T>> features, pixels;
    int64_t most_kept = 0;
    for (int64_t k = 0; k < count; ++k) {
      own.emplace_back(stream, g, operands, first + k, options.softmax_scale);
      features.push_back(pack_features(stream, g, own.back()));
      pixels.push_back(pack_pixels(stream, g, own.back()));
      most_kept = std::max(most_kept, own.back().kept_count);
    }
    const Plan cut = plan(stream, g, count, most_kept, options, sizeof(T));
    const int64_t down = (g.corner_rows() + cut.rows - 1) / cut.rows;
    const int64_t across = (g.corner_columns() + cut.columns - 1) / cut.columns;
    parallel_for(stream, count * down * across, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const auto k = static_cast<size_t>(task / (down * across));
        const int64_t top = task / across % down * cut.rows, left = task % across * cut.columns;
        const Area area{top, std::min(g.corner_rows(), top + cut.rows), left,
                        std::min(g.corner_columns(), left + cut.columns)};
        const int64_t sample = first + static_cast<int64_t>(k);
        Sweep<T>(g, own[k], masks, features[k], pixels[k], area)
            .run(result.y.data<T>() + sample * picture, result.offsets.data<int32_t>() + sample * offsets);
      }
    });
  }
}

}  // namespace
}  // namespace attention

void attend(const CpuStream& stream, const AttentionOperands& operands, const StreamOptions& options,
            Attended& result) {
  visit_float(operands.f.dtype(), "attend",
              [&]<class T>(T) { attention::attend<T>(stream, operands, options, result); });
}

int64_t attend_bytes(const CpuStream& stream, const Shape& f, int64_t picture_channels, DType dtype,
                     const StreamOptions& options) {
  const attention::Geometry g(f, picture_channels, options);
  const int64_t samples = attention::samples_at_once(stream, g, f[0], options, size_of(dtype));
  return samples * attention::packed_bytes(g, size_of(dtype)) +
         attention::plan(stream, g, samples, g.corners(), options, size_of(dtype)).bytes;
}

}  // namespace lacuna::kernels
