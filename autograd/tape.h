#pragma once

#include <functional>
#include <memory>
#include <source_location>
#include <string_view>
#include <vector>

#include "autograd/variable.h"

namespace lacuna {

class Vjp;

/// Maps the cotangent of an op's output to the cotangents of its inputs, one each, in differentiable ops. An entry may
/// be left undefined where that input needs none.
using VjpFn = std::function<Variables(const Vjp&)>;

/// One recorded op (or a leaf, which has no vjp). It keeps alive its inputs' nodes and what the vjp captured, nothing
/// else.
struct Node {
  std::string_view name;
  std::vector<std::shared_ptr<Node>> inputs;  // null where an input is a constant
  VjpFn vjp;
  uint64_t order = 0;  // creation order: an input's is always lower than its user's

  ~Node();
};

/// What a VJP may ask for.
class Vjp {
 public:
  Vjp(const std::shared_ptr<Node>& node, Variable cotangent, std::vector<bool> needs)
      : node_(node), cotangent_(std::move(cotangent)), needs_(std::move(needs)) {}

  /// d loss / d output, of the output's shape.
  const Variable& cotangent() const { return cotangent_; }
  /// The op's own output as a variable on the tape again. Capture the Tensor: capturing the Variable would be a cycle.
  Variable output(const Tensor& y) const { return Variable(y, node_); }
  /// Whether input i leads to a variable whose gradient was asked for; skip the work where it does not.
  bool needs(size_t i) const { return needs_[i]; }

 private:
  const std::shared_ptr<Node>& node_;
  Variable cotangent_;
  std::vector<bool> needs_;
};

/// Puts an op on the tape and returns its output as a variable. A constant results if no input requires a gradient or
/// NoGrad is in force; `vjp` is then dropped. `name` must outlive the tape (a string literal). `where` is for the
/// trace.
Variable record(std::string_view name, const Variables& inputs, Tensor output, VjpFn vjp,
                const std::source_location& where = std::source_location::current());

/// While one is alive on a thread, that thread records nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// While one is alive on a thread, that thread records, whatever NoGrad is around it.
class WithGrad {
 public:
  WithGrad();
  ~WithGrad();
  WithGrad(const WithGrad&) = delete;
  WithGrad& operator=(const WithGrad&) = delete;

 private:
  bool before_;
};

/// While one is alive on a thread, it collects the variables on the tape that ops take there, recorded or not.
class InputsNoted {
 public:
  InputsNoted();
  ~InputsNoted();
  InputsNoted(const InputsNoted&) = delete;
  InputsNoted& operator=(const InputsNoted&) = delete;

  /// Each once, in the order of first use.
  const Variables& variables() const { return variables_; }

 private:
  friend Variable record(std::string_view, const Variables&, Tensor, VjpFn, const std::source_location&);
  void add(const Variables& inputs);

  InputsNoted* outer_;
  Variables variables_;
};

/// Whether ops are being recorded on this thread.
bool recording();

}  // namespace lacuna
