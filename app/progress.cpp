#include "app/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <mutex>

namespace lacuna {
namespace {

constexpr double redraw_interval = 0.1, line_interval = 10;  // seconds
constexpr int narrowest_bar = 10, widest_bar = 40;

std::mutex mutex;
Progress* standing = nullptr;  // the bar on the screen, if any

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int stderr_columns() {
  if (isatty(STDERR_FILENO) == 0) return 0;
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

std::string duration(double seconds) {
  const auto s = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  if (s < 60) return formatted("%llds", s);
  if (s < 3600) return formatted("%lld:%02lld", s / 60, s % 60);
  if (s < 86400) return formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return formatted("%lldd %02lld:%02lld", s / 86400, s / 3600 % 24, s / 60 % 60);
}

Progress::Progress(std::string label, int64_t total, int64_t done, ProgressOptions options)
    : label_(std::move(label)), total_(total), first_(done), done_(done), options_(std::move(options)) {
  if (options_.out == nullptr) options_.out = &std::cerr;
  if (!options_.seconds) options_.seconds = monotonic_seconds;
  if (options_.columns < 0) options_.columns = stderr_columns();
  start_ = options_.seconds();
  drawn_ = options_.columns > 0 ? start_ - 1 : start_;
  const std::lock_guard lock(mutex);
  standing = this;
}

Progress::~Progress() {
  const std::lock_guard lock(mutex);
  if (dirty_ && (options_.columns > 0 || done_ > first_)) draw(options_.seconds());
  if (options_.columns > 0) *options_.out << '\n' << std::flush;
  standing = nullptr;
}

void Progress::update(int64_t done, std::string note) {
  const std::lock_guard lock(mutex);
  done_ = done;
  note_ = std::move(note);
  dirty_ = true;
  const double now = options_.seconds();
  if (now - drawn_ >= (options_.columns > 0 ? redraw_interval : line_interval)) draw(now);
}

std::string Progress::status(double now) const {
  std::string text = std::to_string(done_) + "/" + std::to_string(total_);
  const double elapsed = now - start_;
  const auto steps = static_cast<double>(done_ - first_);
  if (steps > 0 && elapsed > 0) {
    const double rate = steps / elapsed;
    text += rate >= 1 ? formatted("  %.3g ", rate) + options_.unit + "/s"
                      : formatted("  %.3g s/", 1 / rate) + options_.unit;
    text +=
        done_ < total_ ? "  ETA " + duration(static_cast<double>(total_ - done_) / rate) : "  in " + duration(elapsed);
  }
  return note_.empty() ? text : text + "  " + note_;
}

std::string Progress::with_bar(const std::string& status) const {
  const double share = total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 0;
  std::string line = label_ + formatted(" %3.0f %% ", std::floor(100 * share));
  // The last column stays free: a character there makes some terminals wrap.
  const int room = options_.columns - 1 - static_cast<int>(line.size() + status.size()) - 3;
  if (room >= narrowest_bar) {
    const int width = std::min(room, widest_bar);
    const int full = static_cast<int>(share * width);
    line += "[" + std::string(full, '=') + std::string(width - full, ' ') + "] ";
  }
  return (line + status).substr(0, options_.columns - 1);
}

void Progress::draw(double now) {
  if (options_.columns > 0) {
    *options_.out << "\r\033[K" << with_bar(status(now)) << std::flush;
  } else {
    *options_.out << label_ << ' ' << status(now) << std::endl;
  }
  drawn_ = now;
  dirty_ = false;
}

void Progress::erase() {
  if (options_.columns > 0) *options_.out << "\r\033[K";
}

void print_above_progress(const std::string& line) {
  const std::lock_guard lock(mutex);
  if (standing != nullptr) standing->erase();
  std::cerr << line << std::endl;
  if (standing != nullptr && standing->options_.columns > 0) standing->draw(standing->drawn_);
}

}  // namespace lacuna
