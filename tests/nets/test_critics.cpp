#include "autograd/grad.h"
#include "nets/critics.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/conv2d/conv2d.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "tests/support/compare.h"

namespace lacuna {

TEST_CASE("critics: parameters have the released names, shapes and number") {
  const Critic local(Critic::Kind::local, 128, 128), global(Critic::Kind::global, 256, 256);
  CHECK(local.params().count() + global.params().count() == 7072770);
  REQUIRE(local.params().items().size() == 10);
  CHECK(local.params().items()[0].first == "discriminator/discriminator_local/conv1/kernel");
  CHECK(local.params().items()[9].first == "discriminator/dout_local_fc/bias");
  CHECK(local.params().at("discriminator/discriminator_local/conv4/kernel").shape() == Shape{5, 5, 256, 512});
  CHECK(local.params().at("discriminator/dout_local_fc/kernel").shape() == Shape{8 * 8 * 512, 1});
  CHECK(global.params().at("discriminator/discriminator_global/conv4/kernel").shape() == Shape{5, 5, 256, 256});
  CHECK(global.params().at("discriminator/dout_global_fc/kernel").shape() == Shape{16 * 16 * 256, 1});
  CHECK(global.params().at("discriminator/dout_global_fc/bias").shape() == Shape{1});
}

TEST_CASE("critics: the score against its definition, at an odd size") {
  const Critic critic(Critic::Kind::local, 19, 22, 2, DType::f64, 7);
  const Params& params = critic.params();
  const Variable x = case_values({3, 19, 22, 3}, 1);
  Variable y = x;
  for (const char* layer : {"conv1", "conv2", "conv3", "conv4"}) {
    const std::string name = std::string("discriminator/discriminator_local/") + layer;
    y = leaky_relu(conv2d(y, params.at(name + "/kernel"), {.stride = 2}) + params.at(name + "/bias"), 0.2);
  }
  const Tensor& weights = params.at("discriminator/dout_local_fc/kernel").value();
  const int64_t features = y.numel() / 3;
  REQUIRE(weights.numel() == features);
  Tensor expected = Tensor::zeros({3, 1}, DType::f64);
  for (int64_t n = 0; n < 3; ++n) {
    for (int64_t k = 0; k < features; ++k) {
      expected.data<double>()[n] += y.value().data<double>()[n * features + k] * weights.data<double>()[k];
    }
  }
  CHECK_CLOSE(critic(x).value(), expected, 1e-14);
}

TEST_CASE("critics: a gradient penalty reaches every kernel") {
  Critic critic(Critic::Kind::global, 16, 16, 2, DType::f64, 3);
  const Variable x = Variable::leaf(case_values({2, 16, 16, 3}, 2));
  const Variable g = grad(critic(x), {x}, {.create_graph = true})[0];
  const Variable penalty = mean(square(sqrt(sum(square(g), {1, 2, 3})) - 1));
  const Variables gradients = grad(penalty, critic.params().variables());
  for (size_t k = 0; k < gradients.size(); ++k) {
    const std::string& name = critic.params().items()[k].first;
    const double energy = test::inner(gradients[k].value(), gradients[k].value());
    if (name.ends_with("kernel")) CHECK_MESSAGE(energy > 0, name);
    if (name.ends_with("bias")) CHECK_MESSAGE(energy == 0, name);
  }
}

TEST_CASE("critics: errors name what is wrong") {
  const Critic critic(Critic::Kind::global, 16, 24, 2);
  CHECK(test::error_of([&] {
          critic(Tensor::zeros({1, 24, 16, 3}));
        }) == "[critic] the global critic was built for (N,16,24,3), not (1,24,16,3)");
  CHECK(test::error_of([] { Critic(Critic::Kind::local, 0, 8); }) ==
        "[critic] needs a size and a width of at least 1, not 0x8 and 64");
  CHECK(test::error_of([] { Critic(Critic::Kind::local, 8, 8, 0); }) ==
        "[critic] needs a size and a width of at least 1, not 8x8 and 0");
}

}  // namespace lacuna
