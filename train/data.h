#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// The pictures that `sources` name, in order. A source is a folder (all .png, .jpg, .jpeg and .bmp files in it and
/// below, sorted by path; names that begin with a dot are left out), one such picture, or a .txt file with one path a
/// line (relative ones counted from the list's own folder; empty lines left out). Throws Error "[data] ..." for a
/// source that does not exist or names no picture.
std::vector<std::filesystem::path> list_pictures(const std::vector<std::string>& sources);

struct DataOptions {
  enum class Fit : uint8_t {
    resize,       ///< the whole picture, its sides scaled to height x width each on its own
    random_crop,  ///< a random height x width part of the picture
  };

  std::vector<std::string> sources;  ///< see list_pictures
  int64_t height = 256, width = 256;
  Fit fit = Fit::resize;
  /// random_crop: the picture is scaled by a factor drawn log-uniformly from [min_scale, max_scale] before it is
  /// cropped. 1 is full resolution. A picture that would then be smaller than the crop is scaled to just fit it.
  double min_scale = 1, max_scale = 1;
  bool flip = false;  ///< mirror every other picture left to right, at random
  int threads = 2;    ///< that decode in the background
  uint64_t seed = 0;
};

/// One of `count` equal parts of every batch, as one of so many processes wants it.
struct BatchPart {
  int64_t index = 0, count = 1;
};

/// An endless sequence of batches of pictures. Each epoch goes through all pictures once, in a new random order; a
/// batch may span two epochs. Batch k is a pure function of the options and k, whatever the number of threads: a loader
/// that starts at batch k continues a sequence exactly.
///
/// A file that cannot be read is named once in a warning and replaced by the next good one of the epoch's order.
class DataLoader {
 public:
  /// Starts decoding at batch `first_batch`, and decodes only a part of each batch. Throws Error for options out of
  /// range and for unusable sources.
  explicit DataLoader(DataOptions options, int64_t batch, uint64_t first_batch = 0, BatchPart part = {});
  ~DataLoader();
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  /// The next batch, or its part: f32 (batch / part.count,height,width,3), RGB, in [-1, 1]. Throws Error once no
  /// picture can be read.
  Tensor next();

  /// The number of pictures that the sources name.
  size_t count() const;

 private:
  class Pictures;
  class Queue;
  std::unique_ptr<const Pictures> pictures_;
  std::unique_ptr<Queue> queue_;
};

}  // namespace lacuna
