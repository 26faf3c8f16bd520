#include "tests/cuda/same_on_device.cuh"
#include "tests/support/compare.h"

namespace lacuna::test {

struct CountVisits {
  int32_t* visits;

  LACUNA_HD void operator()(int64_t i) const { ++visits[i]; }
};

TEST_CASE("cuda: an error names the op") {
  CHECK(error_of([] { check_cuda(cudaErrorInvalidValue, "fill"); }) == "[fill] CUDA: invalid argument");
  CHECK(error_of([] { check_cuda(cudaSuccess, "fill"); }).empty());
}

TEST_CASE("cuda: a launch without a device is an error, not a crash") {
  if (has_device()) {
    MESSAGE("skipped: there is a CUDA device");
    return;
  }
  const std::string error = error_of([] { for_each(CudaStream{.op = "fill"}, 1, CountVisits{nullptr}); });
  CHECK(error.starts_with("[fill] CUDA: "));
  for_each(CudaStream{.op = "fill"}, 0, CountVisits{nullptr});  // nothing to launch
}

TEST_CASE("cuda: for_each visits every index once") {
  if (!has_device_or_skips()) return;
  for (const int64_t n : {1, 255, 256, 257, 256 * 4096, 256 * 4096 + 1, 3000000}) {
    CAPTURE(n);
    DeviceArray<int32_t> visits(std::vector<int32_t>(static_cast<size_t>(n)));
    for_each(CudaStream{.op = "count"}, n, CountVisits{visits.data()});
    CHECK(visits.to_host("count") == std::vector<int32_t>(static_cast<size_t>(n), 1));
  }
}

TEST_CASE("cuda: the distance between two results counts the numbers between them") {
  const float one = 1, next = std::nextafter(one, 2.0f), nan = std::nanf("");
  CHECK(steps_between(one, one) == 0);
  CHECK(steps_between(one, next) == 1);
  CHECK(steps_between(-next, -one) == 1);
  CHECK(steps_between(-0.0, 0.0) == 1);
  CHECK(steps_between(-std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::denorm_min()) == 3);
  CHECK(steps_between(nan, nan) == 0);
  CHECK(steps_between(nan, one) == std::numeric_limits<double>::infinity());
  CHECK(steps_between(int64_t{3}, int64_t{3}) == 0);
  CHECK(steps_between(3, 4) == std::numeric_limits<double>::infinity());
}

}  // namespace lacuna::test
