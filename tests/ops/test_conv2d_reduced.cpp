#include <cmath>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "ops/cases.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/path.h"
#include "ops/conv2d/reduced.h"
#include "ops/conv2d/reduced_bands.h"
#include "tensor/memory.h"
#include "tests/support/any_threads.h"
#include "tests/support/compare.h"
#include "tests/support/emulated_tiles.h"
#include "tests/support/reduced_bounds.h"

namespace lacuna {
namespace {

using kernels::reduced::Unit;
using test::check_within;
using test::magnitudes;
using test::reduced_bound;

/// Sets the precision and, for the convolutions of f32, the way of bf16 products by `unit`, while it lives.
class Setting {
 public:
  Setting(Precision precision, const Unit& unit)
      : before_(lacuna::precision()), unit_(unit), path_(kernels::Conv2dPath::reduced) {
    set_precision(precision);
  }
  ~Setting() { set_precision(before_); }

 private:
  Precision before_;
  kernels::reduced::ForceUnit unit_;
  kernels::ForceConv2dPath path_;
};

/// Calls f(unit, precision) for all of both, or says why not.
template <class F>
void for_each_setting(F f) {
  if (!kernels::reduced::possible({1, Precision::medium}, DType::f32)) {
    MESSAGE("skipped: no bf16 unit at level " << name_of(cpu_level()));
    return;
  }
  std::vector<const Unit*> units{&kernels::reduced::dot_unit, &test::emulated_tile_unit};
  if (cpu_level() == CpuLevel::amx) units.push_back(&kernels::reduced::tile_unit);
  for (const Unit* unit : units) {
    for (const Precision precision : {Precision::medium, Precision::high}) {
      CAPTURE(std::string(unit->name));
      CAPTURE((precision == Precision::high));
      f(*unit, precision);
    }
  }
}

struct Layer {
  Shape x, w;
  Conv2dOptions options;
};

std::vector<Layer> layers() {
  std::vector<Layer> all;
  for (const Padding padding : {Padding::same, Padding::valid, Padding::reflect, Padding::symmetric}) {
    all.push_back({{2, 9, 35, 5}, {5, 5, 5, 33}, {.padding = padding}});
    all.push_back({{2, 9, 8, 128}, {3, 3, 128, 20}, {.padding = padding}});
    all.push_back({{1, 11, 21, 16}, {3, 3, 16, 3}, {.stride = 2, .padding = padding}});
    all.push_back({{2, 12, 17, 3}, {5, 5, 3, 16}, {.stride = 2, .padding = padding}});
    all.push_back({{1, 13, 14, 33}, {3, 3, 33, 48}, {.dilation = 2, .padding = padding}});
    all.push_back({{2, 11, 12, 1}, {3, 3, 1, 5}, {.dilation = 4, .padding = padding}});
    all.push_back({{1, 14, 13, 5}, {4, 3, 5, 17}, {.stride = 3, .padding = padding}});
    all.push_back({{2, 13, 15, 16}, {3, 3, 16, 33}, {.stride = 2, .dilation = 2, .padding = padding}});
    all.push_back({{1, 16, 15, 9}, {3, 2, 9, 7}, {.stride = 3, .dilation = 2, .padding = padding}});
    all.push_back({{1, 16, 15, 3}, {2, 3, 3, 64}, {.stride = 2, .dilation = 3, .padding = padding}});
  }
  all.push_back({{2, 7, 6, 5}, {1, 1, 5, 128}, {}});
  all.push_back({{2, 7, 5, 12}, {2, 2, 12, 3}, {.stride = 3}});  // input positions that no tap reaches
  all.push_back({{1, 3, 1, 4}, {3, 3, 4, 4}, {}});
  all.push_back({{1, 4, 45, 16}, {1, 5, 16, 32}, {}});
  return all;
}

Tensor single(const Shape& shape, uint64_t seed) { return case_values(shape, seed).to(DType::f32); }

/// Every face at the precision in force against f64, element by element within the bound.
void check_faces(const Layer& l, Precision precision) {
  CAPTURE(l.x.str());
  CAPTURE(l.w.str());
  CAPTURE(static_cast<int>(l.options.padding));
  CAPTURE(l.options.stride);
  CAPTURE(l.options.dilation);
  const Tensor x = single(l.x, 1), w = single(l.w, 2);
  const Tensor x64 = x.to(DType::f64), w64 = w.to(DType::f64), ax = magnitudes(x64), aw = magnitudes(w64);
  const Tensor y = conv2d(x, w, l.options).value();
  check_within(y, conv2d(x64, w64, l.options).value(), conv2d(ax, aw, l.options).value(),
               reduced_bound(precision, l.w.numel() / l.w[3]));

  const Tensor g = single(y.shape(), 3), g64 = g.to(DType::f64), ag = magnitudes(g64);
  const auto input = [&](const Tensor& a, const Tensor& b) {
    return conv2d_input(a, b, l.x[1], l.x[2], l.options).value();
  };
  // Mirrored padding adds up to as many input gradients as there are pixels in the padded picture.
  check_within(input(g, w), input(g64, w64), input(ag, aw),
               reduced_bound(precision, l.w.numel() / l.w[2] + 4 * l.x[1] * l.x[2]));

  const auto weight = [&](const Tensor& a, const Tensor& b) {
    return conv2d_weight(a, b, l.w[0], l.w[1], l.options).value();
  };
  check_within(weight(x, g), weight(x64, g64), weight(ax, ag), reduced_bound(precision, g.numel() / g.dim(3)));
}

/// Bands for three taps: whether they are all rows, each once, and hold the rows that these taps read.
void check_bands(int64_t images, int64_t rows, int64_t stride, int64_t dilation, int64_t row_bytes) {
  constexpr int64_t reach = 2;
  const kernels::reduced::Bands bands(images, rows, reach, stride, dilation, row_bytes);
  std::vector<int> seen(static_cast<size_t>(images * rows), 0);
  for (int64_t index = 0; index < bands.count; ++index) {
    const kernels::reduced::Band band = bands.band(index);
    CHECK((band.count > 0 && band.count <= bands.height));
    for (int64_t i = 0; i < band.count; ++i) {
      const int64_t row = bands.output_row(band, i);
      REQUIRE(row < rows);
      ++seen[static_cast<size_t>(band.image * rows + row)];
      for (int64_t t = 0; t <= reach; ++t) {
        const int64_t r = i * stride + t * bands.tap_step;
        CHECK(r < bands.source_rows(band.count));
        CHECK(bands.source_row(band, r) == row * stride + t * dilation);
      }
    }
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
}

}  // namespace

TEST_CASE("reduced: every face of every geometry within the bound, in fenced memory") {
  for_each_setting([](const Unit& unit, Precision precision) {
    const Setting setting(precision, unit);
    const MemoryCheck memory;
    for (const Layer& l : layers()) check_faces(l, precision);
    CHECK(memory.violations() == 0);
  });
}

TEST_CASE("reduced: pictures of several bands") {
  if (!kernels::reduced::possible({1, Precision::medium}, DType::f32)) return;
  const Setting setting(Precision::high, kernels::reduced::dot_unit);
  check_faces({{1, 150, 300, 64}, {3, 3, 64, 3}, {.stride = 2}}, Precision::high);
  check_faces({{2, 80, 400, 48}, {3, 3, 48, 2}, {.dilation = 8, .padding = Padding::reflect}}, Precision::high);
  check_faces({{5, 60, 160, 64}, {1, 3, 64, 2}, {}}, Precision::high);
  check_faces({{1, 40, 520, 70}, {3, 3, 70, 20}, {.dilation = 3}}, Precision::high);
}

TEST_CASE("reduced: bands are all rows, each once, and hold the rows that their taps read") {
  for (const int64_t images : {1, 3, 7}) {
    for (const int64_t rows : {1, 10, 64}) {
      for (const int64_t row_bytes : {1, 1 << 16, 1 << 18, 1 << 25}) {
        for (const int64_t dilation : {1, 4, 16}) {
          check_bands(images, rows, 1, dilation, row_bytes);
          check_bands(images, rows, 2, dilation, row_bytes);
        }
      }
    }
  }
}

TEST_CASE("reduced: bias and activation follow in the same pass") {
  using Kind = Activation::Kind;
  for_each_setting([](const Unit& unit, Precision precision) {
    const Setting setting(precision, unit);
    for (const Kind kind : {Kind::none, Kind::elu, Kind::relu, Kind::leaky_relu}) {
      for (const int64_t channels : {3, 16, 37}) {
        const Activation activation{.kind = kind};
        const Tensor x = single({2, 6, 19, 7}, 1), w = single({3, 3, 7, channels}, 2), b = single({channels}, 3);
        const Tensor x64 = x.to(DType::f64), w64 = w.to(DType::f64), b64 = b.to(DType::f64);
        // No activation is steeper than 1, so errors do not grow; its own rounding is a few units of the last place of
        // a result or of 1.
        const Tensor sizes =
            conv2d_bias_act(magnitudes(x64), magnitudes(w64), Tensor::full({channels}, 1.0, DType::f64)).value();
        check_within(conv2d_bias_act(x, w, b, {}, activation).value(),
                     conv2d_bias_act(x64, w64, b64, {}, activation).value(), sizes,
                     reduced_bound(precision, 63) + 4 * 0x1p-23);
      }
    }
  });
}

TEST_CASE("reduced: gradient and second gradient") {
  for_each_setting([](const Unit& unit, Precision precision) {
    const Setting setting(precision, unit);
    for (const Padding padding : {Padding::same, Padding::reflect}) {
      const Conv2dOptions options{.stride = 2, .padding = padding};
      // All gradients of y = conv2d(x, w) with cotangent g, and of x' with cotangent r; `sign` false: of magnitudes,
      // whose sums bound the errors, since each result is one face of given operands.
      const auto run = [&](DType dtype, bool magnitude) {
        const auto leaf = [&](const Shape& shape, uint64_t seed) {
          const Tensor t = single(shape, seed).to(DType::f64);
          return Variable::leaf((magnitude ? magnitudes(t) : t).to(dtype));
        };
        const Variable x = leaf({2, 9, 8, 5}, 1), w = leaf({3, 3, 5, 18}, 2);
        const Variable y = conv2d(x, w, options), g = leaf(y.shape(), 3), r = leaf(x.shape(), 4);
        std::vector<Tensor> all{y.value()};
        const Variables first = grad(y, {x, w}, {.cotangent = g, .create_graph = true});
        for (const Variable& d : first) all.push_back(d.value());
        for (const Variable& d : grad(first[0], {g, w}, {.cotangent = r})) all.push_back(d.value());
        return all;
      };
      const std::vector<Tensor> actual = run(DType::f32, false), expected = run(DType::f64, false),
                                sizes = run(DType::f64, true);
      REQUIRE(actual.size() == 5);
      for (size_t i = 0; i < actual.size(); ++i) {
        check_within(actual[i], expected[i], sizes[i], reduced_bound(precision, 9 * 18 + 64));
      }
    }
  });
}

TEST_CASE("reduced: convolution of an upsampled picture") {
  for_each_setting([](const Unit& unit, Precision precision) {
    const Setting setting(precision, unit);
    for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
      const int64_t height = 5, width = 17;
      const Tensor x = single({2, height, width, 9}, 1), w = single({3, 3, 9, 20}, 2), b = single({20}, 3);
      const Tensor x64 = x.to(DType::f64), w64 = w.to(DType::f64), b64 = b.to(DType::f64);
      const auto upsampled = [&](const Tensor& small) {
        Tensor large({2, 2 * height, 2 * width, 9}, DType::f64);
        for (int64_t i = 0; i < large.numel(); ++i) {
          const int64_t c = i % 9, column = i / 9 % (2 * width), row = i / 9 / (2 * width);
          large.data<double>()[i] = small.data<double>()[(row / 2 * width + column / 2) * 9 + c];
        }
        return large;
      };
      const Conv2dOptions options{.padding = padding};
      const Activation activation{.kind = Activation::Kind::elu};
      Tensor y({2, 2 * height, 2 * width, 20});
      kernels::reduced::conv2d_upsampled({2, precision}, x, w, b, padding, activation, y);
      // Two summed kernels round once more each.
      const Tensor sizes =
          conv2d_bias_act(upsampled(magnitudes(x64)), magnitudes(w64), Tensor::full({20}, 1.0, DType::f64), options)
              .value();
      check_within(y, conv2d_bias_act(upsampled(x64), w64, b64, options, activation).value(), sizes,
                   reduced_bound(precision, 81) + 4 * 0x1p-23);
    }
  });
}

TEST_CASE("reduced: the same bits for any number of threads") {
  for_each_setting([](const Unit& unit, Precision precision) {
    const Setting setting(precision, unit);
    const Conv2dOptions options{.stride = 2};
    const Variable x = single({2, 40, 41, 24}, 1), w = single({3, 3, 24, 40}, 2);
    const Tensor y = test::on_any_threads([&] { return conv2d(x, w, options).value(); });
    const Variable g = single(y.shape(), 3);
    test::on_any_threads([&] { return conv2d_input(g, w, 40, 41, options).value(); });
    test::on_any_threads([&] { return conv2d_weight(x, g, 3, 3, options).value(); });
  });
}

TEST_CASE("reduced: a precision is never lower than named, and never slower than f32 arithmetic") {
  using kernels::reduced::unit_for;
  CHECK(unit_for({1, Precision::highest}, false) == nullptr);
  const Unit* medium = unit_for({1, Precision::medium}, true);
  const Unit* high = unit_for({1, Precision::high}, true);
  switch (cpu_level()) {
    case CpuLevel::amx:
      CHECK(medium == &kernels::reduced::tile_unit);
      CHECK(high == medium);
      break;
    case CpuLevel::avx512_bf16:
      CHECK(medium == &kernels::reduced::dot_unit);
      CHECK(high == nullptr);
      break;
    default:
      CHECK(medium == nullptr);
      CHECK(high == nullptr);
  }
  // Of few channels, so that Winograd's way is none.
  const Variable x = single({1, 6, 7, 5}, 1), w = single({3, 3, 5, 4}, 2);
  const Tensor highest = conv2d(x, w).value();
  for (const Precision p : {Precision::medium, Precision::high}) {
    set_precision(p);
    CHECK(test::same_bits(conv2d(x, w).value(), highest) == (unit_for({1, p}, true) == nullptr));
    set_precision(Precision::highest);
  }
  // f64 is exact at every precision.
  CHECK_FALSE(kernels::reduced::possible({1, Precision::medium}, DType::f64));
}

}  // namespace lacuna
