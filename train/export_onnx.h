#pragma once

#include <string>

#include "train/model_file.h"

namespace lacuna {

struct OnnxOptions {
  int64_t height = 256, width = 256;  ///< of the pictures
  int64_t batch = 1;                  ///< pictures at a time
  std::string producer_version{};     ///< this program's
};

/// The generator for pictures of one size as the bytes of an ONNX file. Numbers are f32, pictures (batch,3,H,W) in RGB
/// whatever the model's own order, values in [-1,1].
///   inputs   image: what it holds in the hole does not matter; mask (batch,1,H,W): above 0.5 in the hole
///   outputs  filled: the result in the hole, the image outside; coarse and fine: all of what the stages make. A
///            one-stage network has no fine.
/// Attention is computed from products of single pixels (METHOD section 3, the cheap formulation); its matrices are
/// held whole. Pictures whose sides are no multiples of Generator::size_unit are continued by mirroring and the results
/// cropped, as the generator does. Throws Error if a size is not positive or the file would have 2 GiB.
std::string onnx_model(const Model& model, const OnnxOptions& options);

/// Bytes of one of the attention's matrices, several of which exist at a time; 0 if there is no attention.
int64_t onnx_matrix_bytes(const Generator& generator, const OnnxOptions& options);

}  // namespace lacuna
