#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "app/app.h"

// OpenMP's threads spin while they wait for work, which slows this program and all others several times over where
// cores are shared. How they wait is read from the environment before main begins, so the program starts itself anew
// with the setting.
int main(int argc, char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    setenv("OMP_WAIT_POLICY", "passive", 0);
    std::error_code unknown;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
    execv(program.c_str(), argv);  // returns only if it fails, and then the threads spin
  }
  return lacuna::run(argc, argv);
}
