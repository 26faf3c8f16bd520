#include <tuple>

#include "autograd/tape.h"
#include "nets/generator.h"
#include "nets/strips.h"
#include "ops/cases.h"
#include "ops/conv2d/path.h"
#include "tensor/memory.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

constexpr Activation elu{.kind = Activation::Kind::elu};

ConvLayer layer(const std::string& name, int64_t kernel, int64_t in, int64_t out, Conv2dOptions options,
                bool upsample = false) {
  return {name, kernel, in, out, options, elu, upsample};
}

Tensor picture(int64_t n, int64_t height, int64_t width, int64_t channels) {
  return case_values({n, height, width, channels}, 4).to(DType::f32);
}

}  // namespace

TEST_CASE("strips: the bits of the whole picture, for every padding, stride, dilation and kernel") {
  const NoGrad no_grad;
  kernels::Conv2dPath path = kernels::Conv2dPath::direct;  // which is fastest may depend on a strip's size
  SUBCASE("direct") {}
  SUBCASE("winograd") { path = kernels::Conv2dPath::winograd; }
  const kernels::ForceConv2dPath forced(path);
  for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
    const std::vector<ConvLayers> nets = {
        {layer("a", 5, 5, 16, {.padding = padding}), layer("b", 3, 16, 32, {.stride = 2, .padding = padding}),
         layer("c", 3, 32, 32, {.padding = padding}), layer("d", 3, 32, 16, {.stride = 2, .padding = padding})},
        {layer("a", 3, 16, 32, {.padding = padding}, true), layer("b", 3, 32, 32, {.padding = padding}),
         layer("c", 3, 32, 16, {.padding = padding}, true), layer("d", 3, 16, 3, {.padding = padding})},
        {layer("a", 3, 16, 16, {.dilation = 2, .padding = padding}),
         layer("b", 5, 16, 16, {.stride = 2, .padding = padding}),
         layer("c", 3, 16, 16, {.dilation = 4, .padding = padding})},
    };
    for (const ConvLayers& layers : nets) {
      Params params;
      add_params(params, layers, 5, DType::f32);
      for (const auto& [n, height, width] : {std::tuple<int64_t, int64_t, int64_t>{1, 136, 24}, {2, 96, 16}}) {
        const Variable x = picture(n, height, width, layers[0].in);
        const Tensor whole = apply(layers, params, x).value();
        for (const int64_t strips : {1, 3, 50}) {
          CAPTURE(layers.size());
          CAPTURE(strips);
          CHECK(test::same_bits(apply_in_strips(layers, params, x, strips).value(), whole));
        }
      }
    }
  }
}

TEST_CASE("strips: the generator's output has the same bits in any number of strips, in less memory") {
  const NoGrad no_grad;
  const Generator generator({.attention = GeneratorOptions::Attention::none}, 3);
  const Tensor image = picture(1, 515, 130, 3);
  Tensor mask = Tensor::zeros({1, 515, 130, 1});
  for (int64_t i = 30000; i < 50000; ++i) mask.data<float>()[i] = 1;
  const auto run = [&](int64_t strips) {
    reset_peak_memory();
    const int64_t before = memory_stats().in_use;
    const GeneratorOutput output = generator(image, mask, {.strips = strips});
    return std::pair(output, memory_stats().peak - before);
  };
  const auto [whole, peak] = run(1);
  for (const int64_t strips : {0, 2, 5}) {
    const auto [output, strip_peak] = run(strips);
    CHECK(test::same_bits(output.coarse.value(), whole.coarse.value()));
    CHECK(test::same_bits(output.fine.value(), whole.fine.value()));
    if (strips > 0) CHECK(strip_peak < 0.9 * peak);
  }
}

TEST_CASE("generator: what it needs is known beforehand") {
  const NoGrad no_grad;
  for (const bool attends : {false, true}) {
    using Attention = GeneratorOptions::Attention;
    const Generator generator({.attention = attends ? Attention::contextual : Attention::none}, 3);
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{256, 256}, {160, 300}}) {
      const Tensor image = picture(1, height, width, 3), mask = Tensor::zeros({1, height, width, 1});
      int64_t before_fewer = 0;
      for (const int64_t strips : {1, 4}) {
        CAPTURE(attends);
        CAPTURE(height);
        CAPTURE(strips);
        const MemoryOptions memory{.strips = strips};
        const int64_t needed = generator.bytes_needed(height, width, memory);
        reset_peak_memory();
        const int64_t before = memory_stats().in_use;
        generator(image, mask, memory);
        const int64_t peak = memory_stats().peak - before;
        CHECK(peak <= needed);
        CHECK(needed <= 1.5 * peak + (int64_t{24} << 20));
        if (before_fewer > 0 && !attends && height == 256) CHECK(needed < before_fewer);
        before_fewer = needed;
      }
    }
  }
  const Generator generator({}, 3);
  const int64_t usual = generator.bytes_needed(1024, 1024);
  CHECK(generator.within(usual, 1024, 1024).strips == 1);
  const MemoryOptions tight = generator.within(usual * 4 / 5, 1024, 1024);
  CHECK(generator.bytes_needed(1024, 1024, tight) <= usual * 4 / 5);
  const MemoryOptions least = generator.within(0, 1024, 1024);
  CHECK(generator.bytes_needed(1024, 1024, least) < usual * 3 / 4);
}

}  // namespace lacuna
