#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace lacuna {

/// Where and when a Progress draws; the defaults are stderr and the time.
struct ProgressOptions {
  std::string unit = "it";               ///< of the rate: "3.2 it/s"
  std::ostream* out = nullptr;           ///< nullptr: std::cerr
  int columns = -1;                      ///< width of the terminal, 0 for none, -1 to ask stderr
  std::function<double()> seconds = {};  ///< a clock; empty: the monotonic one
};

/// Shows how far a job has come: a bar with rate and time left, redrawn ten times a second at most; where there is no
/// terminal, a line every ten seconds. At most one exists at a time; its thread may be any, but only one.
class Progress {
 public:
  /// `total` steps of which `done` are done already, as in a resumed run; the rate counts from there.
  Progress(std::string label, int64_t total, int64_t done = 0, ProgressOptions options = {});
  /// Leaves the last state standing; where there is no terminal and nothing was done, nothing.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` steps are done; the note (say, a loss) is shown behind.
  void update(int64_t done, std::string note = "");

 private:
  friend void print_above_progress(const std::string& line);

  std::string status(double now) const;
  std::string with_bar(const std::string& status) const;
  void draw(double now);
  void erase();

  std::string label_;
  int64_t total_, first_, done_;
  ProgressOptions options_;
  std::string note_;
  double start_, drawn_;
  bool dirty_ = true;
};

/// Writes a line to stderr without breaking a progress bar that stands there.
void print_above_progress(const std::string& line);

/// "7s", "3:07", "2:03:07", "4d 02:03"
std::string duration(double seconds);

}  // namespace lacuna
