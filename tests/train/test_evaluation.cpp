#include <cmath>

#include "tests/support/compare.h"
#include "train/evaluation.h"

namespace lacuna {
namespace {

/// `a` is 1, 2, 3 on three pictures by hole_l1, `b` 2, 1, nothing; by hole_tv both miss the originals by other amounts.
Evaluation small_evaluation() {
  Evaluation e;
  e.pictures = {"x", "y", "z"};
  e.methods = {{"a", {{{"hole_l1", 1}, {"hole_tv", 5}}, {{"hole_l1", 2}, {"hole_tv", 5}}, {{"hole_l1", 3}}}},
               {"b", {{{"hole_l1", 2}, {"hole_tv", 9}}, {{"hole_l1", 1}, {"hole_tv", 14}}, {{"psnr", 8}}}}};
  e.originals.pictures = {{{"hole_tv", 10}}, {{"hole_tv", 9}}, {}};
  return e;
}

}  // namespace

TEST_CASE("evaluation: means run over the pictures that have the figure") {
  const Evaluation e = small_evaluation();
  const Metrics b = mean_of(e.methods[1].pictures);
  CHECK(b == Metrics{{"hole_l1", 1.5}, {"hole_tv", 11.5}, {"psnr", 8}});
  CHECK(mean_of({}).empty());
  CHECK(value_of(b, "psnr") == 8.0);
  CHECK_FALSE(value_of(b, "ssim").has_value());
  CHECK(figure(b, "hole_l1") == "1.50");
  CHECK(figure(b, "hole_ssim") == "-");
  CHECK(figure({{"hole_ssim", 0.84567}}, "hole_ssim") == "0.846");
  CHECK(test::error_of([] { metric_info("taste"); }) == "[evaluation] there is no figure named taste");
}

TEST_CASE("evaluation: comparison picture by picture") {
  const Evaluation e = small_evaluation();
  const Comparison l1 = compare(e, 0, 1, "hole_l1");
  CHECK(l1.pictures == 2);
  CHECK(l1.better == 1);
  CHECK(l1.difference == 0);
  CHECK(l1.uncertainty == doctest::Approx(1.96 * std::sqrt(2.0 / 2)));  // differences -1 and 1
  const Comparison tv = compare(e, 0, 1, "hole_tv");                    // misses: 5 and 4 by a, 1 and 5 by b
  CHECK(tv.better == 1);
  CHECK(tv.difference == doctest::Approx(-6.5));
  CHECK(compare(e, 0, 1, "psnr").pictures == 0);
}

TEST_CASE("evaluation: methods are measured side by side") {
  const Image picture{2, 2, 1, 8, {0, 100, 100, 100}};
  Tensor mask = Tensor::zeros({1, 2, 2, 1});
  mask.data<float>()[0] = 1;
  const std::vector<FillMethod> methods{
      {"mean", [](const Image& p, const Tensor& m, const std::filesystem::path&) { return fill_with_mean(p, m); }},
      {"nothing", [](const Image& p, const Tensor&, const std::filesystem::path&) { return p; }, false}};
  Evaluation e = evaluation_of(methods);
  const std::vector<Image> fills = evaluate(methods, "below/p.png", picture, mask, e);
  REQUIRE(fills.size() == 2);
  CHECK(fills[0].samples == std::vector<uint16_t>{100, 100, 100, 100});
  CHECK(fills[1].samples == picture.samples);
  CHECK(e.pictures == std::vector<std::string>{"below/p.png"});
  CHECK(value_of(e.methods[0].pictures[0], "hole_l1") == doctest::Approx(100 * 100 / 255.0));
  CHECK(value_of(e.methods[1].pictures[0], "hole_l1") == 0.0);
  CHECK(value_of(e.originals.pictures[0], "tv").has_value());
  CHECK(e.methods[0].seconds_each() > 0);
  CHECK(e.methods[1].seconds_each() == 0);
  CHECK(test::error_of([&] {
          fill_with_mean(picture, Tensor::full({1, 2, 2, 1}, 1));
        }) == "[eval] the hole is the whole picture: nothing known has a mean colour");
}

}  // namespace lacuna
