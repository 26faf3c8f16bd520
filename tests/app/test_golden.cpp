#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "tensor/safetensors.h"
#include "tests/app/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/golden.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

const std::filesystem::path golden_folder = std::filesystem::path(LACUNA_SOURCE_DIR) / "tests/golden";

void check_folder(const std::filesystem::path& folder) {
  for (const auto& file : golden_files(folder)) {
    for (const GoldenResult& r : run_golden_case(file)) {
      CAPTURE(r.name);
      CAPTURE(r.tensor);
      CAPTURE(r.reason);
      CHECK(r.passed);
      CHECK(r.error <= r.tolerance);
    }
  }
}

/// The results of a golden file after a change.
std::vector<GoldenResult> changed(const std::string& name, const std::function<void(Safetensors&)>& change) {
  const TemporaryFolder folder;
  Safetensors content = read_safetensors(golden_folder / name);
  change(content);
  write_safetensors(folder / name, content);
  return run_golden_case(folder / name);
}

/// The only failure among the results, which has this tensor and reason.
void check_one_failure(const std::vector<GoldenResult>& results, const std::string& tensor, const std::string& reason) {
  std::vector<GoldenResult> failures;
  for (const GoldenResult& r : results) {
    if (!r.passed) failures.push_back(r);
  }
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].tensor == tensor);
  CHECK(failures[0].reason == reason);
}

Tensor& tensor_of(Safetensors& content, const std::string& name) {
  for (auto& [key, tensor] : content.tensors) {
    if (key == name) return tensor;
  }
  throw Error("no tensor " + name);
}

}  // namespace

TEST_CASE("golden: every case passes") { check_folder(golden_folder); }

TEST_CASE("golden: every further case passes") {
  check_folder(std::filesystem::path(LACUNA_SOURCE_DIR) / "tests/golden_extra");
}

TEST_CASE("golden: every case passes in f32 at every precision") {
  for (const Precision precision : {Precision::highest, Precision::high, Precision::medium}) {
    CAPTURE(static_cast<int>(precision));
    int64_t meaningful = 0, meaningless = 0;
    for (const char* folder : {"tests/golden", "tests/golden_extra"}) {
      for (const auto& file : golden_files(std::filesystem::path(LACUNA_SOURCE_DIR) / folder)) {
        for (const GoldenResult& r : run_golden_case(file, {DType::f32, precision})) {
          INFO(r.name << " " << r.tensor << ": error " << r.error << ", tolerance " << r.tolerance << r.reason);
          CHECK(r.passed);
          ++(r.meaningless ? meaningless : meaningful);
        }
      }
    }
    // The generators' random weights make them ill-conditioned, which bf16 feels.
    const int64_t all = meaningful + meaningless;
    CHECK(meaningless <= (precision == Precision::highest ? 0 : precision == Precision::high ? all / 10 : 3 * all / 5));
  }
}

TEST_CASE("golden: a changed number, of whatever expectation, fails") {
  for (const char* name : {"elu__0.safetensors", "conv2d__9_k1s1d1_same.safetensors", "critic_local__0.safetensors"}) {
    const Safetensors original = read_safetensors(golden_folder / name);
    for (const auto& entry : original.tensors) {
      const std::string& tensor = entry.first;
      if (!tensor.starts_with("out.") && !tensor.starts_with("grad.")) continue;
      CAPTURE(tensor);
      const auto results = changed(name, [&](Safetensors& c) { tensor_of(c, tensor).data<double>()[0] += 1e-3; });
      for (const GoldenResult& r : results) {
        const bool of_tensor = r.tensor == tensor || r.tensor.starts_with(tensor + " (");
        CHECK(r.passed == !of_tensor);
      }
    }
  }
  const auto offsets = changed("contextual_attention__0.safetensors",
                               [](Safetensors& c) { tensor_of(c, "out.offsets").data<int32_t>()[0] += 1; });
  for (const GoldenResult& r : offsets) CHECK(r.passed == !r.tensor.starts_with("out.offsets"));
}

TEST_CASE("golden: a changed number fails at reduced precision, too, however large the change") {
  for (const double change : {1e-3, 5.0, static_cast<double>(NAN)}) {
    CAPTURE(change);
    const TemporaryFolder folder;
    Safetensors original = read_safetensors(golden_folder / "elu__0.safetensors");
    tensor_of(original, "out.y").data<double>()[0] += change;
    write_safetensors(folder / "elu__0.safetensors", original);
    for (const Precision precision : {Precision::highest, Precision::medium}) {
      for (const GoldenResult& r : run_golden_case(folder / "elu__0.safetensors", {DType::f32, precision})) {
        CHECK(r.passed == !r.tensor.starts_with("out.y"));
      }
    }
  }
}

TEST_CASE("golden: NaN fails, on either side") {
  for (const char* tensor : {"out.y", "grad.in.x", "in.x", "seed.y"}) {
    const auto results =
        changed("elu__0.safetensors", [&](Safetensors& c) { tensor_of(c, tensor).data<double>()[3] = NAN; });
    int failures = 0;
    for (const GoldenResult& r : results) failures += r.passed ? 0 : 1;
    CHECK(failures >= 1);
  }
}

TEST_CASE("golden: what is unknown, unused or unchecked fails") {
  const Tensor one = Tensor::zeros({1}, DType::f64);
  const auto with = [&](const std::string& name) {
    return changed("elu__0.safetensors", [&](Safetensors& c) { c.tensors.emplace_back(name, one); });
  };
  for (const char* name : {"out.z", "grad.in.z", "grad.weight.w", "in.z", "seed.z", "weight.w", "note"}) {
    check_one_failure(with(name), name, "case 'elu' does not use or check it");
  }
  check_one_failure(changed("elu__0.safetensors", [](Safetensors& c) { c.metadata["args"] = R"({"alpha": 2})"; }), "-",
                    "case 'elu' has no argument 'alpha'");
  check_one_failure(
      changed("elu__0.safetensors",
              [](Safetensors& c) { std::erase_if(c.tensors, [](const auto& t) { return t.first != "in.x"; }); }),
      "-", "the file expects nothing");
}

TEST_CASE("golden: files that say nothing that can be done fail") {
  const auto with = [](const std::string& key, const std::string& text) {
    return changed("clip__0.safetensors", [&](Safetensors& c) { c.metadata[key] = text; });
  };
  const auto without = [](const std::string& key) {
    return changed("clip__0.safetensors", [&](Safetensors& c) { c.metadata.erase(key); });
  };
  check_one_failure(with("case", "dropout"), "-", "[golden] unknown case 'dropout'");
  check_one_failure(without("case"), "-", "[golden] the file's metadata lack 'case': it is no golden case");
  check_one_failure(without("tolerance"), "-", "[golden] the file's metadata lack 'tolerance': it is no golden case");
  check_one_failure(with("tolerance", "-1"), "-", "[golden] tolerance '-1' is not a positive number");
  check_one_failure(with("tolerance", "1e-9x"), "-", "[golden] tolerance '1e-9x' is not a positive number");
  check_one_failure(with("args", "{"), "-", "[golden] 'args' is not a JSON object");
  check_one_failure(with("args", R"({"min": -1})"), "-", "[golden] args lack 'max'");
  check_one_failure(with("args", R"({"min": -1, "max": "a"})"), "-", "[golden] argument 'max' cannot be \"a\"");
  check_one_failure(changed("clip__0.safetensors", [](Safetensors& c) { c.tensors.erase(c.tensors.begin() + 2); }), "-",
                    "[golden] there are gradients to check but no seed.* to say of what");
  const auto shape = changed("clip__0.safetensors", [](Safetensors& c) {
    Tensor& y = tensor_of(c, "out.y");
    y = y.reshaped({y.numel()});
  });
  check_one_failure(shape, "out.y", "expected (360), computed (3,6,5,4)");

  const TemporaryFolder folder;
  const auto broken = run_golden_case(folder.file("broken.safetensors", "no"));
  REQUIRE(broken.size() == 1);
  CHECK(!broken[0].passed);
  CHECK(contains(broken[0].reason, "[safetensors] "));
}

TEST_CASE("golden: the command") {
  const std::string file = (golden_folder / "softmax__0.safetensors").string();
  const ProgramRun good = run_program({"golden", file});
  CHECK(good.status == 0);
  CHECK(good.err.empty());
  CHECK(contains(good.out, "grad.in.x"));
  CHECK(contains(good.out, "\n2 passed, 0 failed\n"));
  CHECK(run_program({"golden", "--failures", file}).out == "2 passed, 0 failed\n");

  const TemporaryFolder folder;
  const ProgramRun empty = run_program({"golden", folder.path().string()});
  CHECK(empty.status == 1);
  CHECK(contains(empty.err, "the folder holds no .safetensors file"));
  CHECK(run_program({"golden", (folder / "missing").string()}).status == 1);

  folder.file("broken.safetensors", "no");
  const ProgramRun bad = run_program({"golden", folder.path().string()});
  CHECK(bad.status == 1);
  CHECK(contains(bad.out, "0 passed, 1 failed\n"));
  CHECK(contains(bad.err, "lacuna: error: [golden] 1 of 1 comparisons failed"));
}

}  // namespace lacuna
