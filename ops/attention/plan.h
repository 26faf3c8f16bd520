#pragma once

#include "ops/attention/sample.h"

namespace lacuna::kernels::attention {

/// How the corners of each sample are cut into areas, each a task: so many rows by so many columns.
struct Plan {
  int64_t rows, columns;
  int64_t bytes;  ///< what the tasks hold that run at the same time
};

/// The cut that takes the least time by an estimate, of those within the bytes at hand, or else the one that needs the
/// fewest. Small areas compute much twice at their borders; large ones occupy few threads.
Plan plan(const CpuStream& stream, const Geometry& g, int64_t samples, int64_t kept, const StreamOptions& options,
          int64_t element_size);

/// Bytes of one sample's packed operands.
int64_t packed_bytes(const Geometry& g, int64_t element_size);

/// Samples that are done at the same time: as many as there are threads for, within the bytes that are allowed.
int64_t samples_at_once(const CpuStream& stream, const Geometry& g, int64_t samples, const StreamOptions& options,
                        int64_t element_size);

}  // namespace lacuna::kernels::attention
