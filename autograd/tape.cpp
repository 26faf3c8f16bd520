#include "autograd/tape.h"

#include <algorithm>
#include <atomic>

#include "tensor/trace.h"

namespace lacuna {
namespace {

thread_local bool is_recording = true;
thread_local InputsNoted* noting = nullptr;
std::atomic<uint64_t> next_order{0};

std::shared_ptr<Node> new_node(std::string_view name) {
  auto node = std::make_shared<Node>();
  node->name = name;
  node->order = next_order++;
  return node;
}

/// "(1,8,8,3) (3,3,3,4) -> (1,8,8,4)"
std::string shapes(const Variables& inputs, const Tensor& output) {
  std::string text;
  for (const Variable& x : inputs) text += (x.defined() ? x.shape().str() : "none") + " ";
  return text + "-> " + output.shape().str();
}

}  // namespace

// Unlinks the graph below in a loop: a long chain of nodes would overflow the stack if each destroyed the next.
Node::~Node() {
  std::vector<std::shared_ptr<Node>> doomed = std::move(inputs);
  vjp = nullptr;
  while (!doomed.empty()) {
    std::shared_ptr<Node> node = std::move(doomed.back());
    doomed.pop_back();
    if (node && node.use_count() == 1) {
      std::move(node->inputs.begin(), node->inputs.end(), std::back_inserter(doomed));
      node->inputs.clear();
    }
  }
}

Variable Variable::leaf(Tensor value) { return Variable(std::move(value), new_node("leaf")); }

Variable record(std::string_view name, const Variables& inputs, Tensor output, VjpFn vjp,
                const std::source_location& where) {
  if (tracing()) trace_op(name, where.file_name(), [&] { return shapes(inputs, output); });
  if (noting) noting->add(inputs);
  const auto wants = [](const Variable& x) { return x.requires_grad(); };
  if (!is_recording || std::none_of(inputs.begin(), inputs.end(), wants)) return Variable(std::move(output));
  auto node = new_node(name);
  for (const Variable& x : inputs) node->inputs.push_back(x.node());
  node->vjp = std::move(vjp);
  return Variable(std::move(output), std::move(node));
}

NoGrad::NoGrad() : before_(is_recording) { is_recording = false; }
NoGrad::~NoGrad() { is_recording = before_; }

WithGrad::WithGrad() : before_(is_recording) { is_recording = true; }
WithGrad::~WithGrad() { is_recording = before_; }

InputsNoted::InputsNoted() : outer_(noting) { noting = this; }
InputsNoted::~InputsNoted() { noting = outer_; }

void InputsNoted::add(const Variables& inputs) {
  for (const Variable& x : inputs) {
    const auto is_x = [&](const Variable& known) { return known.node() == x.node(); };
    if (x.node() && std::none_of(variables_.begin(), variables_.end(), is_x)) variables_.push_back(x);
  }
  if (outer_) outer_->add(inputs);
}

bool recording() { return is_recording; }

}  // namespace lacuna
