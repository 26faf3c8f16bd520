#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "tests/support/device.h"

// 77 tells ctest that the tests which need a device were skipped. Those that need none have passed then.
int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (context.shouldExit() || result != 0) return result;
  return lacuna::test::has_device() ? 0 : 77;
}
