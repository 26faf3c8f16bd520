#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tensor/image.h"
#include "tensor/philox.h"
#include "tensor/tensor.h"

namespace lacuna {

/// Rows [top, top + height), columns [left, left + width).
struct Box {
  int64_t top = 0, left = 0, height = 0, width = 0;

  friend bool operator==(const Box&, const Box&) = default;
};

struct MaskOptions {
  enum class Kind : uint8_t {
    box,      ///< one rectangle: a hole_height x hole_width box at a random place, shrunk at random within
    boxes,    ///< `count` rectangles at random places, sides between 1/4 and 3/4 of hole_height and hole_width
    strokes,  ///< 1 to `count` free-form strokes: random walks of a thick line
    mixed,    ///< each sample one of the three above, with equal chances
    folder,   ///< a random one of the masks in `folder`
  };

  Kind kind = Kind::box;
  int64_t hole_height = 128, hole_width = 128;
  /// kind box: each dimension loses a whole number, uniform in [0, max_shrink / 2], of rows (columns) on both sides
  /// alike.
  int64_t max_shrink = 32;
  int64_t margin = 0;  ///< kinds box and boxes: rows and columns at the picture's border that stay known
  int count = 3;
  std::string folder;  ///< of mask pictures, see mask_of; of another size than wanted they are resized, nearest
};

struct HoleBatch {
  Tensor mask;  ///< f32 (N,H,W,1), 1 in the hole, 0 outside, nothing between
  /// For each sample a hole_height x hole_width window, what a local critic sees and the reconstruction loss is taken
  /// over. A box's is the box before it is shrunk; for other holes see hole_window.
  std::vector<Box> boxes;
};

/// Makes holes as the options say. A batch is a pure function of the options (and the folder's files) and of what the
/// call is given; each sample has its own hole.
class HoleMaker {
 public:
  /// Throws Error for options out of range and for a folder without pictures.
  explicit HoleMaker(MaskOptions options);

  /// n holes in pictures of height x width: those from `first` on of a larger batch. Throws Error if the hole does not
  /// fit in or leaves nothing known.
  HoleBatch operator()(int64_t n, int64_t height, int64_t width, const Philox& random, int64_t first = 0) const;

  const MaskOptions& options() const { return options_; }

 private:
  MaskOptions options_;
  std::vector<std::filesystem::path> files_;
};

/// HoleMaker(options)(n, height, width, random): for a single call.
HoleBatch make_holes(const MaskOptions& options, int64_t n, int64_t height, int64_t width, const Philox& random);

/// The window of height x width within mask (1,H,W,1) that covers the most of the hole and, of those, is centred best
/// on the hole's bounding box; the topmost, then leftmost of equals. Throws Error if it is larger than the mask.
Box hole_window(const Tensor& mask, int64_t height, int64_t width);

/// Rows and columns [0, 0) where there is no hole, else the smallest box that holds it; mask (1,H,W,1).
Box hole_bounds(const Tensor& mask);

/// What of a picture is the hole, if it is a mask: where it is white (the mean of its colours at least half); if parts
/// of it are transparent (alpha below half) these, as in a photograph with a part erased; unless all that is opaque is
/// white and nothing that is empty (alpha 0) is, which is white painted on nothing.
enum class MaskPaint { white, transparent, white_on_nothing };
MaskPaint mask_paint(const Image& image);

/// The mask (1,H,W,1) that a picture paints, see MaskPaint. `invert` exchanges hole and known.
Tensor mask_of(const Image& image, MaskPaint paint, bool invert = false);
inline Tensor mask_of(const Image& image, bool invert = false) { return mask_of(image, mask_paint(image), invert); }

/// The mask (1,H,W,1) whose holes reach that many pixels further in each of the eight directions.
Tensor grow_mask(const Tensor& mask, int64_t reach);

/// The mask (1,H,W,1) at another size, nearest: row y reads row floor((y + 1/2) H / height).
Tensor resize_mask(const Tensor& mask, int64_t height, int64_t width);

}  // namespace lacuna
