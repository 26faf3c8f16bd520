#include <doctest/doctest.h>

#include <algorithm>

#include "app/app.h"
#include "app/progress.h"
#include "app/suggest.h"
#include "app/table.h"
#include "tests/app/run_program.h"

namespace lacuna {
namespace {

using test::contains;
using test::ProgramRun;
using test::run_program;

const std::vector<std::string> commands{"fill", "train", "eval", "info", "golden", "gradcheck"};

}  // namespace

TEST_CASE("app: --help lists every command, and every command has help with examples") {
  const ProgramRun help = run_program({"--help"});
  CHECK(help.status == 0);
  CHECK(help.err.empty());
  for (const std::string& command : commands) {
    CAPTURE(command);
    CHECK(contains(help.out, "\n  " + command + " "));
    const ProgramRun own = run_program({command, "--help"});
    CHECK(own.status == 0);
    CHECK(own.err.empty());
    CHECK(contains(own.out, "Example"));
    CHECK(contains(own.out, "lacuna " + command + " "));
    CHECK(contains(own.out, "--threads"));
  }
}

TEST_CASE("app: --version") {
  const ProgramRun version = run_program({"--version"});
  CHECK(version.status == 0);
  CHECK(version.out.starts_with("lacuna "));
}

TEST_CASE("app: wrong command lines are told in one line with a hint, status 2") {
  const auto usage_error = [](const std::vector<std::string>& arguments, const std::string& message) {
    const ProgramRun wrong = run_program(arguments);
    CHECK(wrong.status == 2);
    CHECK(wrong.out.empty());
    CHECK(std::count(wrong.err.begin(), wrong.err.end(), '\n') == 2);
    CHECK(contains(wrong.err, message));
    CHECK(contains(wrong.err, " --help' for "));
  };
  usage_error({}, "lacuna: error: no command given\n");
  usage_error({"gloden"}, "lacuna: error: unknown command 'gloden'; did you mean 'golden'?\n");
  usage_error({"zzz"}, "lacuna: error: unknown command 'zzz'\n");
  usage_error({"--verison"}, "lacuna: error: unknown option '--verison'; did you mean '--version'?\n");
  usage_error({"gradcheck", "--famly", "pad"},
              "lacuna gradcheck: error: unknown option '--famly'; did you mean '--family'?\n");
  usage_error({"gradcheck", "--tolerance=x"}, "lacuna gradcheck: error: ");
  usage_error({"gradcheck", "--thread=2"}, "did you mean '--threads'?");
  usage_error({"gradcheck", "pad"}, "unexpected argument 'pad'");
  usage_error({"--threads", "0", "gradcheck", "--list"}, "--threads");
  usage_error({"info"}, "lacuna info: error: ");
  for (const std::string& command : commands) {
    usage_error({command, "--no-such-option"}, "unknown option '--no-such-option'");
  }
}

TEST_CASE("app: work that fails is told in one line, status 1") {
  const ProgramRun failed = run_program({"info", "/no/such/file"});
  CHECK(failed.status == 1);
  CHECK(failed.err == "lacuna: error: [safetensors] /no/such/file: there is no such file\n");
}

TEST_CASE("app: suggestions") {
  const std::vector<std::string> known{"--height", "--width", "--resume"};
  CHECK(suggestion("--heigth", known) == "; did you mean '--height'?");
  CHECK(suggestion("--res", known) == "; did you mean '--resume'?");
  CHECK(suggestion("--mask", known) == "");
  CHECK(suggestion("--mask", {}) == "");
  CHECK(joined({"a", "b"}) == "a, b");
  CHECK(joined({"aa", "bb", "cc"}, 7) == "aa, bb,\ncc");
}

TEST_CASE("app: numbers in tables") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(3601542) == "3,601,542");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(-100) == "-100");
  CHECK(short_number(1.2345e-9) == "1.23e-09");
}

TEST_CASE("app: durations") {
  CHECK(duration(7.2) == "7s");
  CHECK(duration(187) == "3:07");
  CHECK(duration(7387) == "2:03:07");
  CHECK(duration(4 * 86400 + 7387) == "4d 02:03");
}

TEST_CASE("app: the progress bar keeps to the width and to ten redraws a second") {
  std::ostringstream out;
  double now = 0;
  {
    Progress bar("train", 1000, 0, {.unit = "steps", .out = &out, .columns = 80, .seconds = [&] { return now; }});
    for (int step = 1; step <= 1000; ++step) {
      now += 0.01;
      bar.update(step, "loss 0.5");
    }
  }
  std::istringstream redraws(out.str());
  int count = 0;
  std::string last;
  for (std::string line; std::getline(redraws, line, '\r');) {
    if (line.empty()) continue;
    ++count;
    last = line;
    CHECK(line.starts_with("\033[K"));
    CHECK(line.size() <= 3 + 80);
  }
  CHECK(count >= 90);
  CHECK(count <= 103);
  CHECK(contains(last, "train 100 % [====="));
  CHECK(contains(last, "1000/1000  100 steps/s  in 10s  loss 0.5\n"));
}

TEST_CASE("app: without a terminal progress is a line now and then") {
  std::ostringstream out;
  double now = 0;
  {
    Progress bar("fill", 40, 10, {.out = &out, .columns = 0, .seconds = [&] { return now; }});
    for (int step = 11; step <= 40; ++step) {
      now += 2;
      bar.update(step);
    }
  }
  CHECK(out.str() ==
        "fill 15/40  2 s/it  ETA 50s\n"
        "fill 20/40  2 s/it  ETA 40s\n"
        "fill 25/40  2 s/it  ETA 30s\n"
        "fill 30/40  2 s/it  ETA 20s\n"
        "fill 35/40  2 s/it  ETA 10s\n"
        "fill 40/40  2 s/it  in 1:00\n");

  std::ostringstream nothing;
  { Progress bar("fill", 40, 10, {.out = &nothing, .columns = 0}); }
  CHECK(nothing.str().empty());
}

}  // namespace lacuna
