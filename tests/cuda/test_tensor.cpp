#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"

namespace lacuna::test {

const Device cuda{Device::Kind::cuda, 0};

TEST_CASE("cuda: tensors go there and come back") {
  if (!has_device_or_skips()) return;
  const Tensor x = Tensor::from<float>({2, 3}, {1, -2, 3.5f, 1e30f, 0, -7});
  const Tensor there = x.to(cuda);
  CHECK(there.device() == cuda);
  CHECK(there.to(cuda).raw() == there.raw());
  CHECK(there.to_vector() == x.to_vector());
  CHECK(there.at(2) == 3.5);
  CHECK(there.clone().to(Device{}).to_vector() == x.to_vector());
  CHECK(there.to(DType::f64).to_vector() == x.to_vector());
  CHECK(there.to(DType::u8).to_vector() == x.to(DType::u8).to_vector());
  CHECK(there.to(DType::bf16).to_vector() == x.to(DType::bf16).to_vector());
  CHECK(Tensor::full({3}, 2.5, DType::f64, cuda).to_vector() == std::vector<double>(3, 2.5));
  CHECK(Tensor::zeros({4}, DType::i32, cuda).to_vector() == std::vector<double>(4, 0));
  CHECK(Tensor::zeros({0}, DType::f32, cuda).to(Device{}).numel() == 0);
}

TEST_CASE("cuda: elements are not touched where they do not lie") {
  if (!has_device_or_skips()) return;
  const Tensor x = Tensor::full({2}, 1, DType::f32, cuda), here = Tensor::full({2}, 1);
  CHECK(error_of([&] { x.data<float>(); }) ==
        "[tensor] the elements lie on cuda:0 and are asked for on cpu; move the tensor with to()");
  CHECK(error_of([&] { on(cuda, [&](auto&) { here.data<float>(); }); }) ==
        "[tensor] the elements lie on cpu and are asked for on cuda:0; move the tensor with to()");
}

TEST_CASE("cuda: memory is poisoned and fenced there, too") {
  if (!has_device_or_skips()) return;
  const MemoryCheck memory;
  {
    const Tensor x({5}, DType::f32, cuda);
    CHECK(std::isnan(x.at(4)));
  }
  CHECK(memory.violations() == 0);
  {
    Tensor x({5}, DType::f32, cuda);
    zero_memory(x.raw(), cuda, x.nbytes() + 1);
  }
  CHECK(memory.violations() == 1);
}

TEST_CASE("cuda: memory is counted, kept and given back") {
  if (!has_device_or_skips()) return;
  if (const char* pool = std::getenv("LACUNA_CUDA_POOL"); pool != nullptr && std::string_view(pool) == "off") {
    MESSAGE("skipped: there is no pool");
    return;
  }
  release_cached_memory();
  const int64_t before = memory_stats(cuda).in_use;
  reset_peak_memory(cuda);
  { const Tensor x({1 << 20}, DType::f32, cuda); }
  CHECK(memory_stats(cuda).in_use == before);
  CHECK(memory_stats(cuda).peak >= before + (4 << 20));
  CHECK(memory_stats(cuda).cached > 0);
  release_cached_memory();
}

TEST_CASE("cuda: a device that is not there") {
  CHECK(find_device("cpu") == Device{});
  CHECK(error_of([] { find_device("gpu"); }) == "[device] unknown device 'gpu'; known are cpu, cuda, cuda:N and auto");
  CHECK(error_of([] { find_device("cuda:x"); }).starts_with("[device] unknown device 'cuda:x'"));
  CHECK(!error_of([] { find_device("cuda:99"); }).empty());
  CHECK(find_device("auto") == (has_device() ? cuda : Device{}));
}

TEST_CASE("cuda: what goes up in one call after another arrives, whatever its size") {
  if (!has_device_or_skips()) return;
  // More than the pinned memory holds, and some pieces larger than it takes at once; the source changes at once.
  constexpr int64_t sizes[] = {1, 5'000'000, 3, 4'200'001, 9'000'000, 77, 6'000'000};
  std::vector<Tensor> arrived;
  for (const int64_t n : sizes) {
    Tensor source = Tensor::zeros({n}, DType::f32);
    for (int64_t i = 0; i < n; ++i) source.data<float>()[i] = static_cast<float>((i * 7 + n) % 65537);
    arrived.push_back(source.to(cuda));
    std::fill_n(source.data<float>(), n, -1.0F);
  }
  for (size_t k = 0; k < arrived.size(); ++k) {
    const Tensor back = arrived[k].to(Device{});
    int64_t wrong = 0;
    for (int64_t i = 0; i < sizes[k]; ++i)
      wrong += back.data<float>()[i] != static_cast<float>((i * 7 + sizes[k]) % 65537);
    CHECK(wrong == 0);
  }
}

}  // namespace lacuna::test
