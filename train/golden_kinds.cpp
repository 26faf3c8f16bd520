#include <array>
#include <optional>

#include "nets/contextual_attention.h"
#include "nets/critics.h"
#include "nets/generator.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/matmul/matmul.h"
#include "ops/pad/pad.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pool/pool.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/sample/sample.h"
#include "ops/softmax/softmax.h"
#include "ops/unfold/unfold.h"
#include "train/golden_case.h"
#include "train/losses.h"

namespace lacuna {
namespace {

/// The value that an argument's text names.
template <class T>
T named(const std::string& text, const std::map<std::string, T>& values) {
  const auto found = values.find(text);
  check(found != values.end(), "[golden] unknown value '", text, "'");
  return found->second;
}

/// A case of one output y.
void compare_y(GoldenCase& c, const Variable& y, const std::string& how = "") { c.compare(how, {{"y", y}}); }

Padding padding_arg(GoldenCase& c) {
  return named<Padding>(c.arg<std::string>("padding"), {{"same", Padding::same},
                                                        {"valid", Padding::valid},
                                                        {"reflect", Padding::reflect},
                                                        {"symmetric", Padding::symmetric}});
}

Conv2dOptions conv2d_args(GoldenCase& c) {
  return {.stride = c.arg<int64_t>("stride"), .dilation = c.arg<int64_t>("dilation"), .padding = padding_arg(c)};
}

void conv2d_case(GoldenCase& c) {
  const Conv2dOptions options = conv2d_args(c);
  const Activation activation{.kind = named<Activation::Kind>(c.arg<std::string>("activation", "none"),
                                                              {{"none", Activation::Kind::none},
                                                               {"elu", Activation::Kind::elu},
                                                               {"relu", Activation::Kind::relu},
                                                               {"leaky_relu", Activation::Kind::leaky_relu}}),
                              .slope = c.arg<double>("slope", 0.2)};
  const Variable &x = c.input("x"), &w = c.input("kernel"), &b = c.input("bias");
  compare_y(c, activate(conv2d(x, w, options) + b, activation), "plain");
  compare_y(c, conv2d_bias_act(x, w, b, options, activation), "fused");
}

void conv2d_input_case(GoldenCase& c) {
  const Conv2dOptions options = conv2d_args(c);
  compare_y(c,
            conv2d_input(c.input("g"), c.input("kernel"), c.arg<int64_t>("height"), c.arg<int64_t>("width"), options));
}

template <Variable (*resize)(const Variable&, int64_t, int64_t, const ResizeOptions&)>
void resize_case(GoldenCase& c) {
  const ResizeOptions options{.align_corners = c.arg<bool>("align_corners")};
  compare_y(c, resize(c.input("x"), c.arg<int64_t>("height"), c.arg<int64_t>("width"), options));
}

template <Variable (*pool)(const Variable&, const PoolOptions&)>
void pool_case(GoldenCase& c) {
  compare_y(c, pool(c.input("x"), {.kernel = c.arg<int64_t>("kernel"), .stride = c.arg<int64_t>("stride")}));
}

void softmax_case(GoldenCase& c) {
  const Variable& x = c.input("x");
  const int axis = c.arg<int>("axis", -1);
  check(axis == -1 || axis == x.rank() - 1, "[golden] softmax is along the last axis, not ", axis);
  compare_y(c, softmax(x));
}

void pad_case(GoldenCase& c) {
  const auto mode =
      named<PadMode>(c.arg<std::string>("mode"),
                     {{"zero", PadMode::zero}, {"reflect", PadMode::reflect}, {"symmetric", PadMode::symmetric}});
  compare_y(c, pad(c.input("x"),
                   {.top = c.arg<int64_t>("top"),
                    .bottom = c.arg<int64_t>("bottom"),
                    .left = c.arg<int64_t>("left"),
                    .right = c.arg<int64_t>("right")},
                   mode));
}

void unfold_case(GoldenCase& c) {
  compare_y(
      c, unfold(c.input("x"),
                {.kernel = c.arg<int64_t>("kernel"), .stride = c.arg<int64_t>("stride"), .same = c.arg<bool>("same")}));
}

void matmul_case(GoldenCase& c) {
  compare_y(
      c, matmul(c.input("a"), c.input("b"),
                {.transpose_a = c.arg<bool>("transpose_a", false), .transpose_b = c.arg<bool>("transpose_b", false)}));
}

void pointwise_case(GoldenCase& c) {
  using Op = Variable (*)(const Variable&);
  const Op op = named<Op>(c.arg<std::string>("function"), {{"exp", exp},
                                                           {"log", log},
                                                           {"sqrt", sqrt},
                                                           {"rsqrt", rsqrt},
                                                           {"square", square},
                                                           {"abs", abs},
                                                           {"sigmoid", sigmoid},
                                                           {"softplus", softplus},
                                                           {"tanh", tanh}});
  compare_y(c, op(c.input("x")));
}

/// 1 inside the boxes (top, left, height, width) of a picture of x's extent.
Tensor mask_of_boxes(const Variable& x, const std::vector<std::array<int64_t, 4>>& boxes) {
  Tensor mask = Tensor::zeros({1, x.dim(1), x.dim(2), 1}, DType::f64);
  for (const auto& [top, left, height, width] : boxes) {
    check(top >= 0 && left >= 0 && top + height <= x.dim(1) && left + width <= x.dim(2),
          "[golden] a hole lies outside of ", x.shape());
    for (int64_t r = top; r < top + height; ++r) {
      for (int64_t k = left; k < left + width; ++k) mask.data<double>()[r * x.dim(2) + k] = 1;
    }
  }
  return mask.to(x.dtype()).to(x.device());
}

void contextual_attention_case(GoldenCase& c) {
  using Boxes = std::vector<std::array<int64_t, 4>>;
  const AttentionOptions options{.ksize = c.arg<int64_t>("ksize"),
                                 .rate = c.arg<int64_t>("rate"),
                                 .fuse_k = c.arg<int64_t>("fuse_k"),
                                 .softmax_scale = c.arg<double>("softmax_scale"),
                                 .fuse = c.arg<bool>("fuse")};
  check(c.arg<int64_t>("stride") == 1, "[golden] contextual attention has stride 1 only");
  const Variable &f = c.input("f"), &b = c.input("b");
  const auto holes = c.arg<nlohmann::json>("holes_tlhw", nullptr);
  const Tensor mask =
      c.has_input("mask") ? c.input("mask").value() : mask_of_boxes(b, holes.is_null() ? Boxes() : holes.get<Boxes>());
  const auto compare = [&](const std::string& how, const AttentionOutput& out) {
    c.compare(how, {{"y", out.y}, {"attention", out.attention}});
    c.compare_indices(how, "offsets", out.offsets);
  };
  const AttentionOutput cheap = contextual_attention(f, b, mask, options);
  compare("cheap", cheap);
  AttentionOptions unkept = options;
  unkept.keep_attention = false;
  AttentionOutput streamed = contextual_attention(f, b, mask, unkept);
  streamed.attention = cheap.attention;
  compare("streamed", streamed);
  compare("literal", contextual_attention_literal(f, b, mask, options));
}

void discount_mask_case(GoldenCase& c) {
  compare_y(c, discount_mask(c.arg<int64_t>("height"), c.arg<int64_t>("width"), c.arg<double>("gamma"), c.dtype()));
}

void critic_case(GoldenCase& c) {
  const Variable &real = c.input("real"), &fake = c.input("fake");
  const auto kind = named<Critic::Kind>(c.arg<std::string>("kind"),
                                        {{"local", Critic::Kind::local}, {"global", Critic::Kind::global}});
  Critic critic(kind, real.dim(1), real.dim(2), c.arg<int64_t>("cnum"), c.dtype());
  critic.params().move_to(c.device());
  critic.params().assign(c.weights());
  const Variable score_real = critic(real), score_fake = critic(fake);
  const Variable penalty = gradient_penalty(critic, real, fake, c.input("alpha").detach(), c.input("mask").detach());
  const Variable loss = critic_loss(Adversarial::wgan_gp, score_real, score_fake) + c.arg<double>("lambda") * penalty;
  c.compare("", {{"score_real", score_real}, {"score_fake", score_fake}, {"penalty", penalty}, {"critic_loss", loss}},
            &critic.params(), loss);
}

void generator_case(GoldenCase& c) {
  const auto attention = named<GeneratorOptions::Attention>(
      c.arg<std::string>("attention", "contextual"),
      {{"contextual", GeneratorOptions::Attention::contextual}, {"none", GeneratorOptions::Attention::none}});
  Generator generator({.cnum = c.arg<int64_t>("cnum"),
                       .padding = padding_arg(c),
                       .one_stage = c.arg<bool>("one_stage", false),
                       .attention = attention,
                       .dtype = c.dtype()});
  generator.params().move_to(c.device());
  generator.params().assign(c.weights());
  const GeneratorOutput out = generator(c.input("image"), c.input("mask").detach());
  c.compare("", {{"coarse", out.coarse}, {"fine", out.fine}}, &generator.params());
  c.compare_indices("", "offsets", out.offsets);
}

void gan_loss_case(GoldenCase& c) {
  const auto game = named<Adversarial>(c.arg<std::string>("loss"), {{"wgan", Adversarial::wgan_gp},
                                                                    {"lsgan", Adversarial::lsgan},
                                                                    {"log", Adversarial::log},
                                                                    {"hinge", Adversarial::hinge}});
  const Variable &real = c.input("real"), &fake = c.input("fake");
  c.compare("", {{"critic_loss", critic_loss(game, real, fake)}, {"generator_loss", generator_loss(game, fake)}});
}

}  // namespace

const std::map<std::string, GoldenKind>& golden_kind_table() {
  static const std::map<std::string, GoldenKind> kinds{
      {"avg_pool", pool_case<avg_pool>},
      {"clip", [](GoldenCase& c) { compare_y(c, clip(c.input("x"), c.arg<double>("min"), c.arg<double>("max"))); }},
      {"contextual_attention", contextual_attention_case},
      {"conv2d", conv2d_case},
      {"conv2d_input", conv2d_input_case},
      {"critic", critic_case},
      {"discount_mask", discount_mask_case},
      {"elu", [](GoldenCase& c) { compare_y(c, elu(c.input("x"))); }},
      {"gan_loss", gan_loss_case},
      {"generator", generator_case},
      {"grid_sample", [](GoldenCase& c) { compare_y(c, grid_sample(c.input("x"), c.input("grid"))); }},
      {"known_l1",
       [](GoldenCase& c) { compare_y(c, known_l1(c.input("truth"), c.input("generated"), c.input("mask").detach())); }},
      {"leaky_relu", [](GoldenCase& c) { compare_y(c, leaky_relu(c.input("x"), c.arg<double>("slope"))); }},
      {"matmul", matmul_case},
      {"max_pool", pool_case<max_pool>},
      {"pad", pad_case},
      {"pointwise", pointwise_case},
      {"relu", [](GoldenCase& c) { compare_y(c, relu(c.input("x"))); }},
      {"resize_bilinear", resize_case<resize_bilinear>},
      {"resize_nearest", resize_case<resize_nearest>},
      {"softmax", softmax_case},
      {"total_variation", [](GoldenCase& c) { compare_y(c, total_variation(c.input("x"))); }},
      {"unfold", unfold_case},
      {"weighted_l1",
       [](GoldenCase& c) { compare_y(c, weighted_l1(c.input("truth"), c.input("generated"), c.input("weight"))); }},
  };
  return kinds;
}

}  // namespace lacuna
