#include "tests/support/compare.h"
#include "train/import_names.h"

namespace lacuna {

TEST_CASE("import: names of PyTorch ports") {
  CHECK(our_name("coarse_generator.conv1.conv.weight") == "inpaint_net/conv1/kernel");
  CHECK(our_name("coarse_generator.conv4_downsample.conv.bias") == "inpaint_net/conv4_downsample/bias");
  CHECK(our_name("fine_generator.conv1.conv.weight") == "inpaint_net/xconv1/kernel");
  CHECK(our_name("fine_generator.xconv1.weight") == "inpaint_net/xconv1/kernel");
  CHECK(our_name("fine_generator.conv10_atrous.conv.bias") == "inpaint_net/xconv10_atrous/bias");
  CHECK(our_name("fine_generator.pmconv9.conv.bias") == "inpaint_net/pmconv9/bias");
  CHECK(our_name("module.netG.fine_generator.allconv17.conv.weight") == "inpaint_net/allconv17/kernel");
  for (const std::string layer : {"conv13", "conv13_upsample", "conv13_upsample_conv"}) {
    CHECK(our_name("coarse_generator." + layer + ".conv.weight") ==
          "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel");
  }
  CHECK(our_name("fine_generator.allconv15.conv.bias") ==
        "inpaint_net/allconv15_upsample/allconv15_upsample_conv/bias");
  for (const char* unknown :
       {"", "conv1.conv.weight", "coarse_generator.conv18.conv.weight", "coarse_generator.pmconv1.conv.weight",
        "coarse_generator.conv1.norm.weight", "notcoarse_generator.conv1.conv.weight", "coarse_generator."}) {
    CHECK(!our_name(unknown));
  }
  CHECK(is_generator_name("coarse_generator.conv18.conv.weight"));
  CHECK(!is_generator_name("localD.dis_conv_module.conv1.conv.weight"));
}

TEST_CASE("import: kernels of PyTorch") {
  std::vector<float> values(2 * 3 * 5 * 4);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Tensor kernel = Tensor::from({2, 3, 5, 4}, values), turned = our_kernel(kernel, "k");
  REQUIRE(turned.shape() == Shape{5, 4, 3, 2});
  for (int64_t o = 0; o < 2; ++o) {
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t y = 0; y < 5; ++y) {
        for (int64_t x = 0; x < 4; ++x) {
          CHECK(turned.at(((y * 4 + x) * 3 + i) * 2 + o) == kernel.at(((o * 3 + i) * 5 + y) * 4 + x));
        }
      }
    }
  }
  CHECK(test::error_of([] {
          our_kernel(Tensor::zeros({2, 3}), "k");
        }) == "k is (2,3), which is no convolution's kernel");
}

}  // namespace lacuna
