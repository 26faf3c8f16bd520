#include "ops/attention/kernels.h"
#include "ops/attention/matrix.h"
#include "ops/matmul/kernels.h"

namespace lacuna::kernels {
namespace attention {
namespace {

/// Where one sample's cotangents are added; null where not wanted.
template <class T>
struct Wanted {
  T *f, *b, *picture;
};

/// The backward pass of one sample. A block are rows of the grid whose cotangent of G it makes; what is in between is
/// computed for those rows and what the sums reach around them.
template <class T>
class Backward {
 public:
  Backward(const CpuStream& stream, const Geometry& g, const Sample<T>& sample, const ColumnMasks<T>& masks,
           double softmax_scale, const T* cotangent, const Wanted<T>& wanted)
      : stream_(stream),
        g_(g),
        sample_(sample),
        stages_(stream, g, sample, masks),
        loops_(row_loops<T>()),
        scale_(static_cast<T>(softmax_scale)),
        cotangent_(cotangent),
        wanted_(wanted),
        l_(g.positions()),
        pixels_({1, std::max<int64_t>(1, sample.kept_count), g.block()}, dtype_of<T>()) {
    parallel_for(stream, sample.kept_count, 64, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        T* block = pixels_.template data<T>() + k * g.block();
        gather_block(g, sample.picture, kept_corner(sample.kept, k), block);
        for (int64_t i = 0; i < g.block(); ++i) block[i] /= 4;
      }
    });
    find_available();
    norm_products_.assign(static_cast<size_t>(l_ + row_slack), T(0));
    if (wanted_.picture) pixel_sums_ = Tensor::zeros(pixels_.shape(), dtype_of<T>());
  }

  void run(int64_t block_rows) {
    for (int64_t begin = 0; begin < g_.h; begin += block_rows) rows(begin, std::min(g_.h, begin + block_rows));
    if (wanted_.picture) {
      for (int64_t k = 0; k < sample_.kept_count; ++k) {
        T* block = pixel_sums_.template data<T>() + k * g_.block();
        for (int64_t i = 0; i < g_.block(); ++i) block[i] /= 4;
        scatter_block(g_, block, kept_corner(sample_.kept, k), wanted_.picture);
      }
    }
    if (wanted_.b) through_norms();
  }

 private:
  /// Available positions side by side, and where their corners are among the kept: those above and those below.
  struct Stretch {
    int64_t row, column, length, above, below;
  };

  void find_available() {
    std::vector<int64_t> at(static_cast<size_t>(g_.corners()), -1);
    for (const Run& run : sample_.kept) {
      for (int64_t k = 0; k < run.length; ++k) at[static_cast<size_t>(run.begin + k)] = run.at + k;
    }
    for (int64_t r = 0; r < g_.h; ++r) {
      for (int64_t c = 0; c < g_.w; ++c) {
        if (sample_.available[static_cast<size_t>(r * g_.w + c)] == 0) continue;
        const bool continues = !stretches_.empty() && stretches_.back().row == r &&
                               stretches_.back().column + stretches_.back().length == c;
        const auto corner = static_cast<size_t>(r * g_.corner_columns() + c);
        if (!continues)
          stretches_.push_back({r, c, 0, at[corner], at[corner + static_cast<size_t>(g_.corner_columns())]});
        ++stretches_.back().length;
      }
    }
  }

  void rows(int64_t begin, int64_t end) {
    const int64_t beyond = (g_.fuse + g_.w - 1) / g_.w;  // rows that a sum along rows reaches
    const RowSet own(g_.h, begin, end), patches = own.widened(g_.patch), along = patches.widened(beyond);
    const RowSet softmax = along.wrapped(g_.fuse).with(own.widened(1));
    const RowSet before = softmax.wrapped(g_.fuse), sums = before.widened(beyond);

    const bool matching = wanted_.f || wanted_.b;
    Matrix<T> patch_sums =
        stages_.patch_sums(stages_.scores(sums.widened(g_.patch)), sums, sample_.inverse_norms.data());
    Matrix<T> weights = stages_.weights(stages_.along_rows(patch_sums, before), softmax);
    if (!matching) patch_sums = {};

    if (wanted_.picture) add_pixels(weights, begin, end == g_.h ? g_.corner_rows() : end);
    if (!matching) return;

    Matrix<T> d = through_softmax(weights, softmax);
    weights = {};
    d = stages_.along_columns(d, along);
    d = stages_.along_rows(d, patches);
    if (wanted_.b) add_norm_products(d, patch_sums, begin, end);
    patch_sums = {};
    stages_.divide(d);
    Tensor scores = stages_.patch_sums_in_order(d, begin, end);
    d = {};
    add_features(scores, begin, end);
  }

  /// (1, corners, block): the cotangent's pixels around the corners of the given rows of corners.
  Tensor cotangent_blocks(const std::vector<int64_t>& corner_rows) const {
    const int64_t columns = g_.corner_columns();
    Tensor blocks({1, static_cast<int64_t>(corner_rows.size()) * columns, g_.block()}, dtype_of<T>());
    for (size_t k = 0; k < corner_rows.size(); ++k) {
      for (int64_t x = 0; x < columns; ++x) {
        gather_block(g_, cotangent_, corner_rows[k] * columns + x,
                     blocks.data<T>() + (static_cast<int64_t>(k) * columns + x) * g_.block());
      }
    }
    return blocks;
  }

  /// The cotangent of the picture's pixels: Q^T g over the corners in rows [begin, end).
  void add_pixels(const Matrix<T>& weights, int64_t begin, int64_t end) {
    const int64_t columns = g_.corner_columns(), kept = sample_.kept_count;
    if (kept == 0) return;
    std::vector<int64_t> corner_rows;
    for (int64_t y = begin; y < end; ++y) corner_rows.push_back(y);
    Tensor q({1, (end - begin) * columns, kept}, dtype_of<T>());
    parallel_for(stream_, end - begin, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first * columns; i < last * columns; ++i) {
        sum_around(g_, sample_, weights, begin + i / columns, i % columns, q.data<T>() + i * kept);
      }
    });
    Tensor product({1, kept, g_.block()}, dtype_of<T>());
    kernels::matmul(stream_, q, cotangent_blocks(corner_rows), {.transpose_a = true}, product);
    add(product, pixel_sums_.template data<T>());
  }

  /// The cotangent of S': with dA(i,j) = sum over d of <g(i+d), picture(j+d)> / 4, it is scale A (dA - sum over j of
  /// A dA), and 0 where nothing is available.
  Matrix<T> through_softmax(const Matrix<T>& weights, const RowSet& rows) {
    const int64_t columns = g_.corner_columns(), kept = std::max<int64_t>(1, sample_.kept_count);
    const std::vector<int64_t> corner_rows = rows.corner_rows();
    Tensor products({1, static_cast<int64_t>(corner_rows.size()) * columns, kept}, dtype_of<T>());
    if (sample_.kept_count > 0) {
      kernels::matmul(stream_, cotangent_blocks(corner_rows), pixels_, {.transpose_b = true}, products);
    }
    const auto product = [&](int64_t y, int64_t x) {
      const auto k = std::lower_bound(corner_rows.begin(), corner_rows.end(), y) - corner_rows.begin();
      return products.data<T>() + (k * columns + x) * kept;
    };
    Matrix<T> d(stream_, g_, rows);
    rows.for_each(stream_, [&](int64_t row) {
      std::vector<T> cotangents(static_cast<size_t>(l_ + row_slack));
      for (int64_t c = 0; c < g_.w; ++c) {
        const T* around[4] = {product(row, c), product(row, c + 1), product(row + 1, c), product(row + 1, c + 1)};
        const T* a = weights(row, c);
        T* out = d(row, c);
        std::fill_n(out, l_, T(0));
        double mean = 0;
        for (const Stretch& s : stretches_) {
          const T* taps[4] = {around[0] + s.above, around[1] + s.above + 1, around[2] + s.below,
                              around[3] + s.below + 1};
          T* own = cotangents.data() + s.row * g_.w + s.column;
          loops_.sum(taps, 4, s.length, own);
          mean += loops_.dot(a + s.row * columns + s.column, own, s.length);
        }
        for (const Stretch& s : stretches_) {
          const int64_t j = s.row * g_.w + s.column;
          loops_.through_softmax(a + s.row * columns + s.column, cotangents.data() + j, static_cast<T>(mean), scale_,
                                 s.length, out + j);
        }
      }
    });
    return d;
  }

  /// For the norms: sum over own i of the cotangent of the scores S times S.
  void add_norm_products(const Matrix<T>& d, const Matrix<T>& patch_sums, int64_t begin, int64_t end) {
    constexpr int64_t chunk = 512, at_once = 64;
    parallel_for(stream_, l_, chunk, [&](int64_t first, int64_t last) {
      const T *left[at_once], *right[at_once];
      for (int64_t i = begin * g_.w; i < end * g_.w; i += at_once) {
        const int64_t count = std::min(at_once, end * g_.w - i);
        for (int64_t k = 0; k < count; ++k) {
          left[k] = d((i + k) / g_.w, (i + k) % g_.w) + first;
          right[k] = patch_sums((i + k) / g_.w, (i + k) % g_.w) + first;
        }
        loops_.add_products(left, right, count, last - first, norm_products_.data() + first);
      }
    });
  }

  /// From the cotangent of G for own rows to those of f and b.
  void add_features(const Tensor& scores, int64_t begin, int64_t end) {
    const int64_t c = g_.channels, count = (end - begin) * g_.w;
    const auto tensor_of = [&](const T* data, int64_t n) {
      Tensor t({1, n, c}, dtype_of<T>());
      std::copy_n(data, n * c, t.data<T>());
      return t;
    };
    if (wanted_.f) {
      Tensor product({1, count, c}, dtype_of<T>());
      kernels::matmul(stream_, scores, tensor_of(sample_.b, l_), {}, product);
      std::copy_n(product.data<T>(), count * c, wanted_.f + begin * g_.w * c);
    }
    if (wanted_.b) {
      Tensor product({1, l_, c}, dtype_of<T>());
      kernels::matmul(stream_, scores, tensor_of(sample_.f + begin * g_.w * c, count), {.transpose_a = true}, product);
      add(product, wanted_.b);
    }
  }

  /// b's share through the length n of its patches: b times the sum of -(products) / n^2 over the patches around.
  void through_norms() {
    for (int64_t p = 0; p < l_; ++p) {
      const int64_t r = p / g_.w, c = p % g_.w;
      double factor = 0;
      for (int64_t y = std::max<int64_t>(0, r - g_.patch); y <= std::min(g_.h - 1, r + g_.patch); ++y) {
        for (int64_t x = std::max<int64_t>(0, c - g_.patch); x <= std::min(g_.w - 1, c + g_.patch); ++x) {
          const auto j = static_cast<size_t>(y * g_.w + x);
          const auto inverse = static_cast<double>(sample_.inverse_norms[j]);
          if (sample_.measured[j]) factor -= static_cast<double>(norm_products_[j]) * inverse * inverse;
        }
      }
      T* out = wanted_.b + p * g_.channels;
      for (int64_t k = 0; k < g_.channels; ++k) {
        out[k] += static_cast<T>(factor * static_cast<double>(sample_.b[p * g_.channels + k]));
      }
    }
  }

  void add(const Tensor& product, T* sum) const {
    parallel_for(stream_, product.numel(), 1 << 16, [&](int64_t begin, int64_t end) {
      const T* x = product.data<T>();
      for (int64_t i = begin; i < end; ++i) sum[i] += x[i];
    });
  }

  const CpuStream& stream_;
  const Geometry& g_;
  const Sample<T>& sample_;
  Stages<T> stages_;
  const RowLoops<T>& loops_;
  T scale_;
  const T* cotangent_;
  Wanted<T> wanted_;
  int64_t l_;
  Tensor pixels_, pixel_sums_;  // (1,kept,block): the pixels / 4, and their cotangents
  std::vector<Stretch> stretches_;
  std::vector<T> norm_products_;
};

/// Rows of a block for which what is held at a time stays within the bytes: about five matrices, with the rows around.
int64_t rows_within(const Geometry& g, int64_t bytes, int64_t element_size) {
  const int64_t row = 5 * g.w * g.row_step(element_size) * element_size;
  const int64_t around = 2 * (2 * g.patch + 2 * g.fuse + 2 * ((g.fuse + g.w - 1) / g.w));
  if (bytes / row >= g.h) return g.h;
  return std::max<int64_t>(1, bytes / row - around);
}

template <class T>
void attend_backward(const CpuStream& stream, const Tensor& cotangent, const AttentionOperands& operands,
                     const StreamOptions& options, AttentionCotangents& result) {
  constexpr int64_t usual_bytes = int64_t{1} << 29;
  const Geometry g(operands.f.shape(), operands.picture.dim(3), options);
  const ColumnMasks<T> masks(g);
  const int64_t samples = operands.f.dim(0), bytes = options.max_bytes > 0 ? options.max_bytes : usual_bytes;
  int64_t rows = rows_within(g, bytes, sizeof(T));
  if (options.block_rows > 0) rows = std::min(rows, options.block_rows);
  const auto part = [&](Tensor& t, int64_t k) {
    return t.defined() ? t.data<T>() + k * (t.numel() / samples) : nullptr;
  };
  const auto one = [&](const CpuStream& own, int64_t k) {
    const Sample<T> sample(own, g, operands, k, options.softmax_scale);
    const T* cotangent_k = cotangent.data<T>() + k * (cotangent.numel() / samples);
    Backward<T>(own, g, sample, masks, options.softmax_scale, cotangent_k,
                {part(result.f, k), part(result.b, k), part(result.picture, k)})
        .run(rows);
  };
  // Samples side by side, if what they hold together is allowed.
  if (samples >= stream.threads && rows_within(g, bytes / stream.threads, sizeof(T)) == g.h) {
    parallel_for(stream, samples, 1, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) one(stream, k);
    });
  } else {
    for (int64_t k = 0; k < samples; ++k) one(stream, k);
  }
}

}  // namespace
}  // namespace attention

void attend_backward(const CpuStream& stream, const Tensor& g, const AttentionOperands& operands,
                     const StreamOptions& options, AttentionCotangents& result) {
  visit_float(g.dtype(), "attend_backward",
              [&]<class T>(T) { attention::attend_backward<T>(stream, g, operands, options, result); });
}

}  // namespace lacuna::kernels
