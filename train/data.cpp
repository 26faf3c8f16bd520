#include "train/data.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "tensor/file.h"
#include "tensor/image_resize.h"
#include "train/draws.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path) {
  constexpr std::array<std::string_view, 4> known{".png", ".jpg", ".jpeg", ".bmp"};
  return std::find(known.begin(), known.end(), lower_extension(path)) != known.end() &&
         !path.filename().string().starts_with('.');
}

std::vector<fs::path> pictures_below(const fs::path& folder) {
  std::vector<fs::path> found;
  try {
    std::set<fs::path> visited{fs::canonical(folder)};  // links may lead round in circles
    using Walk = fs::recursive_directory_iterator;
    for (Walk entry(folder, fs::directory_options::follow_directory_symlink); entry != Walk(); ++entry) {
      if (entry->is_directory()) {
        if (!visited.insert(fs::canonical(entry->path())).second) entry.disable_recursion_pending();
      } else if (entry->is_regular_file() && is_picture(entry->path())) {
        found.push_back(entry->path());
      }
    }
  } catch (const fs::filesystem_error& error) {
    fail("[data] ", folder.string(), ": cannot list the folder: ", error.code().message());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> pictures_in_list(const fs::path& list) {
  std::vector<fs::path> found;
  std::istringstream lines(read_file(list, "data"));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) found.push_back(list.parent_path() / line);
  }
  return found;
}

/// Keys that keep the loader's random numbers apart from each other and from those of others with the same seed.
constexpr uint64_t order_key = 0x6f72646572000000, augment_key = 0x6175676d656e7400;

/// f32 RGB in [-1, 1] at `to`, perhaps mirrored left to right; grey is replicated and alpha dropped.
void put_values(const Image& image, bool mirrored, float* to) {
  const int64_t last_colour = image.channels <= 2 ? 0 : 2;
  const double half = image.maximum() / 2.0;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const int64_t column = mirrored ? image.width - 1 - x : x;
      const uint16_t* pixel = image.samples.data() + (y * image.width + column) * image.channels;
      for (int64_t c = 0; c < 3; ++c) *to++ = static_cast<float>(pixel[std::min(c, last_colour)] / half - 1);
    }
  }
}

Image random_part(const Image& image, const DataOptions& options, Draws& draws) {
  const double drawn = std::exp(draws.uniform(std::log(options.min_scale), std::log(options.max_scale)));
  const auto extent = [](int64_t side, double scale) { return std::llround(static_cast<double>(side) * scale); };
  const double fitting = std::max(static_cast<double>(options.height) / static_cast<double>(image.height),
                                  static_cast<double>(options.width) / static_cast<double>(image.width));
  const double scale = std::max(drawn, fitting);
  const Image scaled = resize_image(image, std::max<int64_t>(extent(image.height, scale), options.height),
                                    std::max<int64_t>(extent(image.width, scale), options.width));
  const int64_t top = draws.integer(0, scaled.height - options.height);
  const int64_t left = draws.integer(0, scaled.width - options.width);
  return crop_image(scaled, top, left, options.height, options.width);
}

}  // namespace

std::vector<fs::path> list_pictures(const std::vector<std::string>& sources) {
  std::vector<fs::path> all;
  for (const std::string& source : sources) {
    std::error_code error;
    const fs::path path(source);
    check(fs::exists(path, error), "[data] ", source, ": there is no such file or folder");
    std::vector<fs::path> found;
    if (fs::is_directory(path, error)) {
      found = pictures_below(path);
      check(!found.empty(), "[data] ", source, ": no .png, .jpg, .jpeg or .bmp file in this folder or below");
    } else if (lower_extension(path) == ".txt") {
      found = pictures_in_list(path);
      check(!found.empty(), "[data] ", source, ": the list is empty; it should hold one path a line");
    } else {
      check(is_picture(path), "[data] ", source, ": is neither a folder nor a picture nor a .txt list of pictures");
      found = {path};
    }
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

/// The random sequence of single pictures: sample p is a pure function of the options and p.
class DataLoader::Pictures {
 public:
  explicit Pictures(DataOptions options) : options_(std::move(options)) {
    const DataOptions& o = options_;
    check(!o.sources.empty(), "[data] no folder, picture or list of pictures is given");
    check(o.height > 0 && o.width > 0, "[data] pictures of ", o.height, " x ", o.width, " cannot be made");
    check(o.threads >= 1, "[data] at least 1 thread is needed, not ", o.threads);
    check(o.min_scale > 0 && o.min_scale <= o.max_scale && std::isfinite(o.max_scale), "[data] the scale range [",
          o.min_scale, ", ", o.max_scale, "] is not 0 < min <= max");
    files_ = list_pictures(o.sources);
  }

  const DataOptions& options() const { return options_; }
  size_t count() const { return files_.size(); }

  /// Writes sample `position` to height * width * 3 floats at `to`.
  void read(uint64_t position, float* to) const {
    const size_t slot = position % files_.size();
    const auto order = order_of(position / files_.size());
    for (size_t step = 0; step < files_.size(); ++step) {
      if (try_read((*order)[(slot + step) % files_.size()], position, to)) return;
    }
    fail("[data] none of the ", files_.size(), " pictures can be read");
  }

 private:
  using Order = std::vector<uint32_t>;

  /// The epoch's permutation (Fisher and Yates); the last few are kept, as neighbouring batches share them.
  std::shared_ptr<const Order> order_of(uint64_t epoch) const {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const Order>& known = orders_[epoch];
    if (!known) {
      Order order(files_.size());
      std::iota(order.begin(), order.end(), 0u);
      const Philox random{options_.seed ^ order_key, epoch};
      for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(i, i + 1)]);
      known = std::make_shared<const Order>(std::move(order));
    }
    const std::shared_ptr<const Order> result = known;
    constexpr size_t most_kept = 4;
    while (orders_.size() > most_kept) orders_.erase(orders_.begin());
    return result;
  }

  bool try_read(size_t file, uint64_t position, float* to) const {
    if (const std::lock_guard lock(mutex_); unreadable_.contains(file)) return false;
    Image image;
    try {
      image = read_image(files_[file]);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      if (unreadable_.insert(file).second) spdlog::warn("left out: {}", error.what());
      return false;
    }
    Draws draws(Philox{options_.seed ^ augment_key, position});
    const bool mirrored = options_.flip && draws.uniform() < 0.5;
    put_values(options_.fit == DataOptions::Fit::resize ? resize_image(image, options_.height, options_.width)
                                                        : random_part(image, options_, draws),
               mirrored, to);
    return true;
  }

  DataOptions options_;
  std::vector<fs::path> files_;
  mutable std::mutex mutex_;
  mutable std::map<uint64_t, std::shared_ptr<const Order>> orders_;
  mutable std::set<size_t> unreadable_;
};

/// Threads that make batches ahead of their use, each thread a whole batch at a time, handed out in order.
class DataLoader::Queue {
 public:
  Queue(const Pictures& pictures, int64_t batch, uint64_t first, BatchPart part)
      : pictures_(pictures), batch_(batch), part_(part), claimed_(first), wanted_(first) {
    for (int i = 0; i < pictures.options().threads; ++i) threads_.emplace_back([this] { work(); });
  }

  ~Queue() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Tensor next() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return finished_.contains(wanted_); });
    const Result& result = finished_.at(wanted_);
    if (result.error) std::rethrow_exception(result.error);
    const Tensor batch = result.batch;
    finished_.erase(wanted_++);
    room_.notify_one();
    return batch;
  }

 private:
  struct Result {
    Tensor batch;
    std::exception_ptr error;
  };

  void work() {
    std::unique_lock lock(mutex_);
    // One batch for each thread to work at, and one ready.
    const uint64_t ahead = static_cast<uint64_t>(pictures_.options().threads) + 1;
    for (;;) {
      room_.wait(lock, [&] { return stopping_ || claimed_ < wanted_ + ahead; });
      if (stopping_) return;
      const uint64_t index = claimed_++;
      lock.unlock();
      Result result = make(index);
      lock.lock();
      finished_[index] = std::move(result);
      done_.notify_all();
    }
  }

  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  Result make(uint64_t index) const {
    const int64_t height = pictures_.options().height, width = pictures_.options().width;
    try {
      const int64_t count = batch_ / part_.count;
      const uint64_t first = index * static_cast<uint64_t>(batch_) + static_cast<uint64_t>(part_.index * count);
      Tensor batch({count, height, width, 3});
      for (int64_t i = 0; i < count && !stopping(); ++i) {
        pictures_.read(first + static_cast<uint64_t>(i), batch.data<float>() + i * height * width * 3);
      }
      return {batch, nullptr};
    } catch (...) {
      return {Tensor(), std::current_exception()};
    }
  }

  const Pictures& pictures_;
  const int64_t batch_;
  const BatchPart part_;
  mutable std::mutex mutex_;
  std::condition_variable room_, done_;
  uint64_t claimed_;  // the next batch that nobody makes yet
  uint64_t wanted_;   // the next batch to hand out
  std::map<uint64_t, Result> finished_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

DataLoader::DataLoader(DataOptions options, int64_t batch, uint64_t first_batch, BatchPart part) {
  check(batch >= 1, "[data] a batch holds at least 1 picture, not ", batch);
  check(part.count >= 1 && part.index >= 0 && part.index < part.count && batch % part.count == 0, "[data] a batch of ",
        batch, " has no part ", part.index, " of ", part.count, " equal ones");
  pictures_ = std::make_unique<const Pictures>(std::move(options));
  queue_ = std::make_unique<Queue>(*pictures_, batch, first_batch, part);
}

DataLoader::~DataLoader() = default;

Tensor DataLoader::next() { return queue_->next(); }

size_t DataLoader::count() const { return pictures_->count(); }

}  // namespace lacuna
