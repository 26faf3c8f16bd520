#include "autograd/checkpoint.h"

#include <algorithm>

#include "autograd/grad.h"
#include "autograd/tape.h"

namespace lacuna {
namespace {

using F = std::function<Variable(const Variables&)>;

/// The cotangents of inputs and captured leaves, as needed, from running f again.
Variables run_again(const F& f, const Variables& inputs, const Variables& captured, const Vjp& v) {
  // Apart from the tape around f, so that one input's gradient does not include what flows to it through another.
  Variables own, asked;
  for (const Variable& x : inputs) own.push_back(x.requires_grad() ? Variable::leaf(x.value()) : x);
  Variable y;
  {
    const WithGrad with_grad;
    y = f(own);
  }
  std::vector<size_t> places;
  for (size_t i = 0; i < inputs.size() + captured.size(); ++i) {
    if (!v.needs(i)) continue;
    places.push_back(i);
    asked.push_back(i < inputs.size() ? own[i] : captured[i - inputs.size()]);
  }
  const Variables gradients = grad(y, asked, {.cotangent = v.cotangent(), .create_graph = recording()});
  if (recording()) {
    // The gradients are to be differentiated: what they depend on through f becomes what it stands for.
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].requires_grad()) continue;
      own[i].node()->name = "checkpoint_input";
      own[i].node()->inputs = {inputs[i].node()};
      own[i].node()->vjp = [](const Vjp& w) { return Variables{w.cotangent()}; };
    }
  }
  Variables cotangents(inputs.size() + captured.size());
  for (size_t k = 0; k < places.size(); ++k) cotangents[places[k]] = gradients[k];
  return cotangents;
}

}  // namespace

Variable checkpoint(F f, const Variables& inputs) {
  if (!recording()) return f(inputs);
  Variables constants, captured;
  for (const Variable& x : inputs) constants.push_back(x.detach());
  Tensor y;
  {
    const NoGrad no_grad;
    const InputsNoted noted;
    y = f(constants).value();
    captured = noted.variables();
  }
  for (const Variable& x : captured) {
    check(!x.node()->vjp, "[checkpoint] the function captures a variable of shape ", x.shape(), " computed by ",
          x.node()->name, "; pass it as an input");
  }
  Variables all = inputs;
  all.insert(all.end(), captured.begin(), captured.end());
  return record("checkpoint", all, y,
                [f = std::move(f), inputs, captured](const Vjp& v) { return run_again(f, inputs, captured, v); });
}

}  // namespace lacuna
