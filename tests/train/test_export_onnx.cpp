#include <set>

#include "autograd/tape.h"
#include "tests/support/compare.h"
#include "tests/support/onnx_run.h"
#include "train/export_onnx.h"

namespace lacuna {
namespace {

using test::OnnxFile;
using test::OnnxPort;
using test::OnnxTensor;
using test::OnnxValues;
using Dims = std::vector<int64_t>;

/// A model with biases, in order that they matter.
Model model_of(const GeneratorOptions& options, const std::string& order = "rgb") {
  Model model{Generator(options, 5), order, {{"format", "lacuna-model"}, {"channel_order", order}, {"step", "7"}}};
  std::vector<std::pair<std::string, Tensor>> values;
  uint64_t draw = 0;
  for (const auto& [name, value] : model.generator.params().tensors()) {
    Tensor t = value.clone();
    const Philox random{11, draw++};
    if (t.rank() == 1) {
      for (int64_t i = 0; i < t.numel(); ++i) {
        t.data<float>()[i] = static_cast<float>(random.uniform(static_cast<uint64_t>(i)) - 0.5);
      }
    }
    values.emplace_back(name, t);
  }
  model.generator.params().assign(values);
  return model;
}

Tensor random_pictures(const Shape& shape) {
  Tensor x(shape);
  const Philox random{3, 1};
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.data<float>()[i] = static_cast<float>(2 * random.uniform(static_cast<uint64_t>(i)) - 1);
  }
  return x;
}

/// Another hole in each sample.
Tensor holes(int64_t n, int64_t height, int64_t width) {
  Tensor mask = Tensor::zeros({n, height, width, 1});
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t r = height / 4 + 3 * k; r < height / 2; ++r) {
      for (int64_t c = width / 3; c < width / 2 + 5 * k; ++c) mask.data<float>()[(k * height + r) * width + c] = 1;
    }
  }
  return mask;
}

/// (N,H,W,C) as (N,C,H,W), with the channels in reverse if so asked.
OnnxTensor planar(const Tensor& x, bool reverse = false) {
  const int64_t n = x.dim(0), height = x.dim(1), width = x.dim(2), channels = x.dim(3);
  OnnxTensor y{{n, channels, height, width}, {}, false};
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < height * width; ++p) {
        const int64_t from = reverse ? channels - 1 - c : c;
        y.values.push_back(static_cast<double>(x.data<float>()[(k * height * width + p) * channels + from]));
      }
    }
  }
  return y;
}

double largest_difference(const OnnxTensor& a, const OnnxTensor& b) {
  REQUIRE(a.dims == b.dims);
  double largest = 0;
  for (size_t i = 0; i < a.values.size(); ++i) largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  return largest;
}

/// Holds what the exported graph computes against the generator.
void check_values(const Model& model, const Tensor& mask) {
  const int64_t n = mask.dim(0), height = mask.dim(1), width = mask.dim(2);
  const bool bgr = model.channel_order == "bgr";
  const Tensor image = random_pictures({n, height, width, 3});
  const NoGrad no_grad;
  const GeneratorOutput expected = model.generator(image, mask);

  const OnnxFile file(onnx_model(model, {.height = height, .width = width, .batch = n, .producer_version = "1"}));
  const OnnxValues values = test::OnnxRun::run(file, {{"image", planar(image, bgr)}, {"mask", planar(mask)}});
  CHECK(largest_difference(values.at("coarse"), planar(expected.coarse.value(), bgr)) < 1e-5);
  const OnnxTensor fine = planar(expected.fine.value(), bgr);
  if (!model.generator.options().one_stage) CHECK(largest_difference(values.at("fine"), fine) < 1e-5);

  const OnnxTensor known = planar(image, bgr), hole = planar(mask), &filled = values.at("filled");
  REQUIRE(filled.dims == known.dims);
  const int64_t plane = height * width;
  double furthest = 0;
  bool kept = true;
  for (size_t i = 0; i < known.values.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (hole.values[static_cast<size_t>(at / (3 * plane) * plane + at % plane)] > 0) {
      furthest = std::max(furthest, std::abs(filled.values[i] - fine.values[i]));
    } else {
      kept = kept && filled.values[i] == known.values[i];
    }
  }
  CHECK(furthest < 1e-5);
  CHECK(kept);
}
void check_values(const Model& model, int64_t n, int64_t height, int64_t width) {
  check_values(model, holes(n, height, width));
}

}  // namespace

TEST_CASE("onnx: the graph computes what the generator does") {
  for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
    CAPTURE(static_cast<int>(padding));
    check_values(model_of({.cnum = 4, .padding = padding}), 1, 32, 40);
  }
}

TEST_CASE("onnx: pictures of a batch have their own masks") { check_values(model_of({.cnum = 2}), 2, 40, 24); }

TEST_CASE("onnx: where no patch is free of holes nothing is pasted") {
  check_values(model_of({.cnum = 4}), Tensor::full({1, 32, 24, 1}, 1));
}

TEST_CASE("onnx: colours are RGB, whatever the model's order") {
  // Widths at which other layers have as many channels as a picture or its input.
  for (const int64_t cnum : {2, 6, 10}) check_values(model_of({.cnum = cnum}, "bgr"), 1, 24, 16);
  check_values(model_of({.cnum = 2, .one_stage = true}, "bgr"), 1, 16, 16);
}

TEST_CASE("onnx: sizes that are no multiples of eight") {
  for (const Padding padding : {Padding::same, Padding::reflect}) {
    for (const auto& [height, width] : {std::pair{33, 46}, {40, 31}, {30, 32}, {1, 9}, {3, 2}}) {
      CAPTURE(height);
      check_values(model_of({.cnum = 2, .padding = padding}, "bgr"), 2, height, width);
    }
  }
  check_values(model_of({.cnum = 2, .one_stage = true}), 1, 21, 30);
  const OnnxFile file(onnx_model(model_of({.cnum = 2}), {.height = 21, .width = 30}));
  for (const OnnxPort& port : file.outputs) CHECK(port.dims == Dims{1, 3, 21, 30});
}

TEST_CASE("onnx: the smallest pictures, and long ones") {
  for (const Padding padding : {Padding::same, Padding::reflect, Padding::symmetric}) {
    CAPTURE(static_cast<int>(padding));
    for (const auto& [height, width] : {std::pair{8, 8}, {8, 48}, {72, 8}, {16, 8}}) {
      CAPTURE(height);
      check_values(model_of({.cnum = 2, .padding = padding}), 1, height, width);
    }
  }
}

TEST_CASE("onnx: without attention, and one stage alone") {
  check_values(model_of({.cnum = 2, .attention = GeneratorOptions::Attention::none}), 2, 24, 16);
  check_values(model_of({.cnum = 2, .padding = Padding::reflect, .one_stage = true}), 1, 24, 16);
}

TEST_CASE("onnx: what the file says of itself") {
  const Model model = model_of({.cnum = 4}, "bgr");
  const OnnxFile file(onnx_model(model, {.height = 24, .width = 40, .batch = 3, .producer_version = "9.8"}));
  CHECK(file.ir_version == 8);
  CHECK(file.opset == 17);
  CHECK(file.domain.empty());
  CHECK(file.producer == "lacuna");
  CHECK(file.producer_version == "9.8");
  CHECK(!file.graph_name.empty());
  CHECK(file.metadata.at("channel_order") == "rgb");
  CHECK(file.metadata.at("step") == "7");
  CHECK(file.metadata.count("format") == 0);
  for (const char* key : {"input.image", "input.mask", "output.filled", "output.coarse", "output.fine"}) {
    CHECK(!file.metadata.at(key).empty());
  }

  const auto check_ports = [](const std::vector<OnnxPort>& ports, const std::map<std::string, Dims>& expected) {
    CHECK(ports.size() == expected.size());
    for (const OnnxPort& port : ports) {
      CAPTURE(port.name);
      CHECK(port.dims == expected.at(port.name));
      CHECK(port.type == 1);
      CHECK(!port.doc.empty());
    }
  };
  check_ports(file.inputs, {{"image", {3, 3, 24, 40}}, {"mask", {3, 1, 24, 40}}});
  check_ports(file.outputs, {{"filled", {3, 3, 24, 40}}, {"coarse", {3, 3, 24, 40}}, {"fine", {3, 3, 24, 40}}});

  // Every value is made once, before it is read, and all parameters are there, with their axes in ONNX's order.
  std::set<std::string> known{"image", "mask"};
  for (const auto& [name, tensor] : file.constants) {
    CHECK(known.insert(name).second);
    CHECK(std::accumulate(tensor.dims.begin(), tensor.dims.end(), size_t{1}, [](size_t product, int64_t d) {
            return product * static_cast<size_t>(d);
          }) == tensor.values.size());
  }
  for (const test::OnnxNode& node : file.nodes) {
    CAPTURE(node.name);
    for (const std::string& input : node.inputs) CHECK((input.empty() || known.count(input) == 1));
    for (const std::string& output : node.outputs) CHECK(known.insert(output).second);
  }
  for (const auto& [name, value] : model.generator.params().tensors()) {
    const Shape& s = value.shape();
    CHECK(file.constants.at(name).dims == (s.rank() == 4 ? Dims{s[3], s[2], s[0], s[1]} : Dims{s[0]}));
  }
}

TEST_CASE("onnx: one stage has no fine result") {
  const OnnxFile file(onnx_model(model_of({.cnum = 2, .one_stage = true}), {.height = 8, .width = 8}));
  std::set<std::string> outputs;
  for (const OnnxPort& port : file.outputs) outputs.insert(port.name);
  CHECK(outputs == std::set<std::string>{"filled", "coarse"});
  CHECK(file.metadata.count("output.fine") == 0);
}

TEST_CASE("onnx: the attention's memory") {
  CHECK(onnx_matrix_bytes(Generator({.cnum = 2}), {.height = 512, .width = 512, .batch = 2}) == 2 * 4096LL * 4096 * 4);
  CHECK(onnx_matrix_bytes(Generator({.cnum = 2}), {.height = 505, .width = 512}) == 4096LL * 4096 * 4);
  CHECK(onnx_matrix_bytes(Generator({.cnum = 2, .one_stage = true}), {}) == 0);
  CHECK(onnx_matrix_bytes(Generator({.cnum = 2, .attention = GeneratorOptions::Attention::none}), {}) == 0);
}

TEST_CASE("onnx: networks that cannot be exported") {
  using Attention = GeneratorOptions::Attention;
  for (const Attention attention : {Attention::appearance_flow, Attention::spatial_transformer}) {
    CHECK_THROWS_WITH_AS(onnx_model(model_of({.cnum = 2, .attention = attention}), {}),
                         "[export] models with appearance flow or a spatial transformer cannot be exported", Error);
  }
}

TEST_CASE("onnx: sizes that cannot be exported") {
  const Model model = model_of({.cnum = 2});
  CHECK_THROWS_WITH_AS(onnx_model(model, {.height = 256, .width = 0}),
                       "[export] pictures of 256x0 pixels: both sides must be at least 1", Error);
  CHECK_THROWS_AS(onnx_model(model, {.height = -8, .width = 8}), Error);
  CHECK_THROWS_AS(onnx_model(model, {.height = 8, .width = 8, .batch = 0}), Error);
}

}  // namespace lacuna
