#include "autograd/tape.h"

#include <algorithm>
#include <atomic>

namespace lacuna {
namespace {

thread_local bool is_recording = true;
std::atomic<uint64_t> next_order{0};

std::shared_ptr<Node> new_node(std::string_view name) {
  auto node = std::make_shared<Node>();
  node->name = name;
  node->order = next_order++;
  return node;
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

Variable record(std::string_view name, const Variables& inputs, Tensor output, VjpFn vjp) {
  const auto wants = [](const Variable& x) { return x.requires_grad(); };
  if (!is_recording || std::none_of(inputs.begin(), inputs.end(), wants)) return Variable(std::move(output));
  auto node = new_node(name);
  for (const Variable& x : inputs) node->inputs.push_back(x.node());
  node->vjp = std::move(vjp);
  return Variable(std::move(output), std::move(node));
}

NoGrad::NoGrad() : before_(is_recording) { is_recording = false; }
NoGrad::~NoGrad() { is_recording = before_; }
bool recording() { return is_recording; }

}  // namespace lacuna
