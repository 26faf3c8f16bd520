#include <cmath>
#include <tuple>

#include "autograd/grad.h"
#include "autograd/tape.h"
#include "nets/generator.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/concat/concat.h"
#include "ops/pad/pad.h"
#include "ops/reduce/reduce.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

GeneratorOptions tiny(DType dtype = DType::f64) { return {.cnum = 4, .dtype = dtype}; }

/// (n,height,width,1) with a hole in each sample, another one each.
Tensor holes(int64_t n, int64_t height, int64_t width, DType dtype = DType::f64) {
  Tensor mask = Tensor::zeros({n, height, width, 1}, DType::f64);
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t r = height / 4; r < height / 2 + k; ++r) {
      for (int64_t c = width / 3 - k; c < 2 * width / 3; ++c) mask.data<double>()[(k * height + r) * width + c] = 1;
    }
  }
  return mask.to(dtype);
}

Variable sample(const Variable& x, int64_t k) { return slice(x, 0, k, 1); }

}  // namespace

TEST_CASE("generator: parameters have the released names, shapes and number") {
  const Generator generator({});
  CHECK(generator.params().count() == 3601542);
  CHECK(generator.params().items().size() == 84);
  CHECK(generator.params().items().front().first == "inpaint_net/conv1/kernel");
  CHECK(generator.params().items().back().first == "inpaint_net/allconv17/bias");
  const auto shape = [&](const char* name) {
    return generator.params().at(std::string("inpaint_net/") + name).shape();
  };
  CHECK(shape("conv1/kernel") == Shape{5, 5, 5, 32});
  CHECK(shape("conv13_upsample/conv13_upsample_conv/kernel") == Shape{3, 3, 128, 64});
  CHECK(shape("conv16/bias") == Shape{16});
  CHECK(shape("xconv2_downsample/kernel") == Shape{3, 3, 32, 32});
  CHECK(shape("xconv4_downsample/kernel") == Shape{3, 3, 64, 64});
  CHECK(shape("xconv10_atrous/kernel") == Shape{3, 3, 128, 128});
  CHECK(shape("pmconv4_downsample/kernel") == Shape{3, 3, 64, 128});
  CHECK(shape("allconv11/kernel") == Shape{3, 3, 256, 128});
  CHECK(shape("allconv15_upsample/allconv15_upsample_conv/bias") == Shape{32});
  CHECK(shape("allconv17/kernel") == Shape{3, 3, 16, 3});

  const Generator one_stage({.one_stage = true});
  CHECK(one_stage.params().items().size() == 34);
  CHECK(one_stage.params().items().back().first == "inpaint_net/conv17/bias");
}

TEST_CASE("generator: the same seed gives the same network") {
  const Generator a(tiny(), 1), b(tiny(), 1), c(tiny(), 2);
  const std::string name = "inpaint_net/xconv5/kernel";
  CHECK(test::same_bits(a.params().at(name).value(), b.params().at(name).value()));
  CHECK_FALSE(test::same_bits(a.params().at(name).value(), c.params().at(name).value()));
  CHECK_FALSE(test::same_bits(a.params().at("inpaint_net/xconv5/kernel").value(),
                              a.params().at("inpaint_net/xconv6/kernel").value()));
}

TEST_CASE("generator: a picture of any size comes out at its size") {
  const Generator generator(tiny(DType::f32));
  const NoGrad no_grad;
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 9}, {8, 8}, {13, 21}, {24, 15}, {31, 40}}) {
    CAPTURE(height);
    CAPTURE(width);
    const Tensor image = case_values({1, height, width, 3}, 4).to(DType::f32);
    const GeneratorOutput output = generator(image, holes(1, height, width, DType::f32));
    CHECK(output.coarse.shape() == image.shape());
    CHECK(output.fine.shape() == image.shape());
    for (const double v : output.fine.value().to_vector()) CHECK(std::abs(v) <= 1);
    const Shape padded{1, (height + 7) / 8, (width + 7) / 8, 2};
    CHECK(output.offsets.shape() == padded);
  }
}

TEST_CASE("generator: other sizes are those of the mirrored picture and mask") {
  const Generator generator(tiny(), 6);
  const Variable image = case_values({2, 27, 18, 3}, 4), mask = holes(2, 27, 18);
  const Padding2d padding{.bottom = 5, .right = 6};
  const GeneratorOutput direct = generator(image, mask);
  const GeneratorOutput mirrored =
      generator(pad(image, padding, PadMode::symmetric), pad(mask, padding, PadMode::symmetric));
  CHECK(test::same_bits(direct.fine.value(), crop(mirrored.fine, 0, 0, 27, 18).value()));
  CHECK(test::same_bits(direct.coarse.value(), crop(mirrored.coarse, 0, 0, 27, 18).value()));
}

TEST_CASE("generator: what the picture has in its hole does not matter") {
  const Generator generator(tiny(), 6);
  const Variable image = case_values({1, 16, 24, 3}, 4), mask = holes(1, 16, 24);
  const Variable other = complete(case_values({1, 16, 24, 3}, 5), image, mask);
  CHECK_FALSE(test::same_bits(image.value(), other.value()));
  CHECK(test::same_bits(generator(image, mask).fine.value(), generator(other, mask).fine.value()));
}

TEST_CASE("generator: a batch with its own masks is the single runs") {
  const Generator generator(tiny(), 3);
  const Variable image = case_values({3, 32, 24, 3}, 4), mask = holes(3, 32, 24);
  const GeneratorOutput batch = generator(image, mask);
  const auto close = [](const Variable& a, const Variable& b) { CHECK_CLOSE(a.value(), b.value(), 1e-13); };
  for (int64_t k = 0; k < 3; ++k) {
    const GeneratorOutput single = generator(sample(image, k), sample(mask, k));
    close(sample(batch.coarse, k), single.coarse);
    close(sample(batch.fine, k), single.fine);
    CHECK(test::same_bits(slice(batch.offsets, 0, k, 1).value(), single.offsets));
  }
  // One mask for all is the same as that mask for each.
  const Variable shared = sample(mask, 1);
  close(generator(image, shared).fine, generator(image, concat({shared, shared, shared}, 0)).fine);
}

TEST_CASE("generator: without gradients the result is the same") {
  const Generator generator(tiny(), 3);
  const Variable image = case_values({2, 16, 16, 3}, 4), mask = holes(2, 16, 16);
  const GeneratorOutput recorded = generator(image, mask);
  CHECK(recorded.fine.requires_grad());
  const NoGrad no_grad;
  const GeneratorOutput plain = generator(image, mask);
  CHECK_FALSE(plain.fine.requires_grad());
  CHECK_CLOSE(plain.fine.value(), recorded.fine.value(), 1e-13);
  CHECK(test::same_bits(plain.offsets, recorded.offsets));
}

TEST_CASE("generator: f32 follows f64") {
  const Generator exact(tiny(), 9);
  Generator single(tiny(DType::f32));
  single.params().assign(exact.params().tensors());
  const Tensor image = case_values({1, 32, 32, 3}, 4), mask = holes(1, 32, 32);
  const GeneratorOutput a = exact(image, mask), b = single(image.to(DType::f32), mask.to(DType::f32));
  CHECK_CLOSE(b.coarse.value().to(DType::f64), a.coarse.value(), 1e-4);
  CHECK_CLOSE(b.fine.value().to(DType::f64), a.fine.value(), 1e-4);
}

TEST_CASE("generator: gradients reach every parameter") {
  for (const Padding padding : {Padding::same, Padding::symmetric}) {
    GeneratorOptions options = tiny();
    options.padding = padding;
    const Generator generator(options, 2);
    const GeneratorOutput output = generator(case_values({1, 16, 16, 3}, 4), holes(1, 16, 16));
    const Variables gradients = grad(sum(output.fine), generator.params().variables());
    for (size_t k = 0; k < gradients.size(); ++k) {
      CHECK_MESSAGE(test::inner(gradients[k].value(), gradients[k].value()) > 0, generator.params().items()[k].first);
    }
  }
}

TEST_CASE("generator: one stage, and no attention") {
  GeneratorOptions options = tiny();
  options.one_stage = true;
  const Variable image = case_values({1, 16, 16, 3}, 4), mask = holes(1, 16, 16);
  const GeneratorOutput one = Generator(options, 5)(image, mask), two = Generator(tiny(), 5)(image, mask);
  CHECK(test::same_bits(one.coarse.value(), one.fine.value()));
  CHECK(test::same_bits(one.coarse.value(), two.coarse.value()));
  CHECK_FALSE(one.offsets.defined());

  options = tiny();
  options.attention = GeneratorOptions::Attention::none;
  const Generator plain(options, 5);
  CHECK(plain.params().items().size() == 84);
  const GeneratorOutput without = plain(image, mask);
  CHECK_FALSE(without.offsets.defined());
  CHECK_FALSE(test::same_bits(without.fine.value(), two.fine.value()));
}

TEST_CASE("generator: appearance flow and a spatial transformer in the attention's place") {
  using Attention = GeneratorOptions::Attention;
  const Variable image = case_values({2, 19, 17, 3}, 4), mask = holes(1, 19, 17);
  for (const auto& [attention, more] :
       {std::pair{Attention::appearance_flow, 4}, {Attention::spatial_transformer, 6}}) {
    GeneratorOptions options = tiny();
    options.attention = attention;
    const Generator generator(options, 5);
    CHECK(generator.params().items().size() == static_cast<size_t>(84 + more));
    CHECK(generator.layers_for(16, 16).size() == static_cast<size_t>(42 + more / 2));
    const GeneratorOutput output = generator(image, mask);
    CHECK(output.fine.shape() == image.shape());
    CHECK(output.offsets.shape() == Shape{2, 3, 3, 2});
    CHECK_FALSE(test::same_bits(output.fine.value(), Generator(tiny(), 5)(image, mask).fine.value()));
    const Variables gradients = grad(sum(output.fine * output.fine), generator.params().variables());
    for (size_t k = 0; k < gradients.size(); ++k) {
      const std::string& name = generator.params().items()[k].first;
      // A spatial transformer begins with a linear layer of zeros, behind which nothing is felt yet.
      const bool unfelt = name.find("transformer1") != name.npos || name.find("transformer2") != name.npos;
      CHECK_MESSAGE((test::inner(gradients[k].value(), gradients[k].value()) > 0) == !unfelt, name);
    }
    const NoGrad no_grad;
    CHECK(test::same_bits(generator(image, mask).fine.value(), output.fine.value()));
  }
}

TEST_CASE("generator: complete keeps the known pixels' bits") {
  const Variable image = case_values({2, 16, 16, 3}, 4), mask = holes(1, 16, 16);
  const Variable generated = case_values({2, 16, 16, 3}, 5);
  const Tensor y = complete(generated, image, mask).value();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const bool hole = mask.value().at(i / 3 % 256) == 1;
    CHECK(y.at(i) == (hole ? generated : image).value().at(i));
  }
}

TEST_CASE("generator: errors name what is wrong") {
  const Generator generator(tiny(DType::f32));
  const Tensor image = Tensor::zeros({2, 16, 16, 3}), mask = Tensor::zeros({1, 16, 16, 1});
  CHECK(test::error_of([&] {
          generator(Tensor::zeros({16, 16, 3}), mask);
        }) == "[generator] the picture must be (N,H,W,3), not (16,16,3)");
  CHECK(test::error_of([&] {
          generator(image, Tensor::zeros({1, 16, 8, 1}));
        }) == "[generator] the mask must be (N or 1,H,W,1) for a picture (2,16,16,3), not (1,16,8,1)");
  CHECK(test::error_of([&] { generator(image, mask.to(DType::f64)); }) ==
        "[generator] the parameters are f32, the picture f32 and the mask f64; convert them first");
  CHECK(test::error_of([] { Generator({.cnum = 3}); }) == "[generator] cnum is an even number of channels, not 3");
  CHECK(test::error_of([] { Generator({.padding = Padding::valid}); }) ==
        "[generator] the padding must be same, reflect or symmetric");
}

TEST_CASE("generator: layers computed again give the gradients of layers kept, in less memory") {
  const Generator generator({.cnum = 8}, 3);
  const Tensor image = case_values({2, 64, 64, 3}, 4).to(DType::f32), mask = holes(2, 64, 64, DType::f32);
  const auto gradients = [&](bool recompute) {
    reset_peak_memory();
    const int64_t before = memory_stats().in_use;
    const GeneratorOutput output = generator(image, mask, {.recompute = recompute});
    const int64_t kept = memory_stats().in_use - before;
    Variables all = grad(sum(output.fine * output.coarse), generator.params().variables());
    return std::tuple(all, kept, memory_stats().peak - before);
  };
  const auto [again, kept_again, peak_again] = gradients(true);
  const auto [plain, kept, peak] = gradients(false);
  for (size_t i = 0; i < plain.size(); ++i) {
    CAPTURE(generator.params().items()[i].first);
    CHECK(test::same_bits(again[i].value(), plain[i].value()));
  }
  CHECK(kept_again < 0.6 * kept);
  CHECK(peak_again < 0.8 * peak);
}

TEST_CASE("generator: after the first pass no memory is taken from the system") {
  const Generator generator({.cnum = 8}, 3);
  const int threads = num_threads();
  set_num_threads(1);  // how many threads hold their scratch at the same time is up to chance
  const auto taken_by = [&](auto&& run) {
    const int64_t before = memory_stats().from_system;
    run();
    return memory_stats().from_system - before;
  };
  release_cached_memory();
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{64, 64}, {203, 301}}) {
    const Tensor image = case_values({1, height, width, 3}, 4).to(DType::f32);
    const Tensor mask = holes(1, height, width, DType::f32);
    const auto infer = [&] {
      const NoGrad no_grad;
      generator(image, mask);
    };
    const auto differentiate = [&] { grad(sum(generator(image, mask).fine), generator.params().variables()); };
    CHECK(taken_by(infer) > 0);
    CHECK(taken_by(infer) == 0);
    CHECK(taken_by(differentiate) > 0);
    for (int i = 0; i < 3; ++i) CHECK(taken_by(differentiate) == 0);
    CHECK(taken_by(infer) == 0);
  }
  set_num_threads(threads);
}

TEST_CASE("generator: filling computes in the hole what the whole pass does") {
  const auto hole = [](Tensor& mask, int64_t k, int64_t top, int64_t left, int64_t height, int64_t width) {
    for (int64_t r = top; r < top + height; ++r) {
      for (int64_t c = left; c < left + width; ++c) {
        mask.data<double>()[(k * mask.dim(1) + r) * mask.dim(2) + c] = 1;
      }
    }
  };
  for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
    for (const bool one_stage : {false, true}) {
      GeneratorOptions options = tiny();
      options.padding = padding;
      options.one_stage = one_stage;
      const Generator generator(options, 3);
      for (const auto& [height, width] : {std::pair<int64_t, int64_t>{96, 120}, {72, 64}, {70, 64}}) {
        const Variable image = case_values({3, height, width, 3}, 1);
        Tensor mask = Tensor::zeros({3, height, width, 1}, DType::f64);
        hole(mask, 0, 0, width - 17, 21, 17);  // in a corner
        hole(mask, 1, height / 2, 31, 9, 24);
        hole(mask, 1, height / 2 - 4, 40, 3, 3);  // the third has none
        for (const Tensor& m : {mask, slice(Variable(mask), 0, 1, 1).value()}) {
          const NoGrad no_grad;
          const Variable whole = complete(generator(image, m).fine, image, m);
          CHECK_CLOSE(generator.fill(image, m).value(), whole.value(), 1e-12);
        }
      }
    }
  }
  // With a tape, all of it is differentiable as ever.
  const Generator generator(tiny(), 3);
  const Variable image = case_values({1, 16, 16, 3}, 1);
  const Variable y = generator.fill(image, holes(1, 16, 16));
  CHECK(y.requires_grad());
}

}  // namespace lacuna
