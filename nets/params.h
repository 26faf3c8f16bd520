#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "tensor/philox.h"

namespace lacuna {

/// A network's parameters in order of construction, by name. Names are those of the released checkpoints:
/// "inpaint_net/conv1/kernel", "inpaint_net/conv1/bias".
class Params {
 public:
  /// Adds a leaf with the given initial value and returns it; throws if the name is taken.
  const Variable& add(const std::string& name, Tensor initial);

  /// The parameter of that name; throws if there is none.
  const Variable& at(const std::string& name) const;
  bool has(const std::string& name) const;

  const std::vector<std::pair<std::string, Variable>>& items() const { return items_; }
  Variables variables() const;
  /// The number of scalars in all parameters.
  int64_t count() const;

  /// Copies each named tensor's values (converted to the parameter's type) into the parameter of that name. Throws,
  /// changing nothing, if a name is missing, unknown or of another shape.
  void assign(const std::vector<std::pair<std::string, Tensor>>& tensors);
  /// Puts all parameters on a device. They are new leaves then: whoever kept the former ones keeps what no longer
  /// belongs to the network.
  void move_to(Device device);
  /// Handles to the values (not copies), in order.
  std::vector<std::pair<std::string, Tensor>> tensors() const;

 private:
  std::vector<std::pair<std::string, Variable>> items_;
};

/// Glorot-uniform values (Glorot and Bengio 2010): uniform in +-sqrt(6 / (fan_in + fan_out)), with fan = receptive
/// field x channels for a (kh,kw,Ci,Co) kernel and the extents of a (in,out) matrix.
Tensor glorot_uniform(const Shape& shape, const Philox& random, DType dtype);

}  // namespace lacuna
