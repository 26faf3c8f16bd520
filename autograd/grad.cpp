#include "autograd/grad.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "autograd/kernels.h"
#include "autograd/tape.h"
#include "tensor/stream.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

Variable plus(const Variable& a, const Variable& b, std::string_view name) {
  check(a.shape() == b.shape() && a.dtype() == b.dtype(), "[grad] two cotangents of ", name, " disagree: ", a.shape(),
        " ", name_of(a.dtype()), " and ", b.shape(), " ", name_of(b.dtype()));
  Tensor sum = empty_like(a.value());
  on(sum.device(), [&](auto& stream) { kernels::sum_cotangents(stream, a.value(), b.value(), sum); });
  return record("sum_cotangents", {a, b}, sum, [](const Vjp& v) { return Variables{v.cotangent(), v.cotangent()}; });
}

void check_cotangent(const Variable& cotangent, const Variable& target, std::string_view name) {
  check(cotangent.shape() == target.shape() && cotangent.dtype() == target.dtype(), "[grad] the cotangent of ", name,
        " is ", cotangent.shape(), " ", name_of(cotangent.dtype()), ", its value ", target.shape(), " ",
        name_of(target.dtype()));
}

using Nodes = std::unordered_set<const Node*>;

// The nodes on a path from y to one of the xs, both ends included: nothing else is worth a cotangent.
Nodes between(const Variable& y, const Variables& xs) {
  Nodes wanted, seen;
  uint64_t oldest = UINT64_MAX;
  for (const Variable& x : xs) {
    wanted.insert(x.node().get());
    oldest = std::min(oldest, x.node()->order);
  }
  std::vector<const Node*> below, waiting{y.node().get()};
  while (!waiting.empty()) {
    const Node* node = waiting.back();
    waiting.pop_back();
    if (!node || node->order < oldest || !seen.insert(node).second) continue;
    below.push_back(node);
    for (const auto& input : node->inputs) waiting.push_back(input.get());
  }
  std::sort(below.begin(), below.end(), [](const Node* a, const Node* b) { return a->order < b->order; });
  const auto leads_to_x = [&](const auto& input) { return wanted.contains(input.get()); };
  for (const Node* node : below) {
    if (std::any_of(node->inputs.begin(), node->inputs.end(), leads_to_x)) wanted.insert(node);
  }
  return wanted;
}

/// Knows when the gradients of the xs are final: when every user of an x that can add to it has been dealt with.
class Readiness {
 public:
  Readiness(const Variables& xs, const Nodes& wanted, const GradOptions& options) : xs_(xs), options_(options) {
    if (!options.on_ready) return;
    told_.resize(xs.size());
    for (size_t i = 0; i < xs.size(); ++i) xs_at_[xs[i].node().get()].push_back(i);
    for (const Node* node : wanted) {
      for (const auto& input : node->inputs) users_[input.get()] += xs_at_.contains(input.get());
    }
  }

  /// `node` has passed on all that it will. `gradient_of` gives what has come to a node so far.
  template <class GradientOf>
  void done(const Node* node, const GradientOf& gradient_of) {
    if (!options_.on_ready) return;
    for (const auto& input : node->inputs) {
      if (xs_at_.contains(input.get()) && --users_[input.get()] == 0) tell(input.get(), gradient_of(input));
    }
  }

  /// At the end: those that were never reached, or by fewer users than there are.
  void all(const Variables& gradients) {
    if (!options_.on_ready) return;
    for (size_t i = 0; i < xs_.size(); ++i) tell(xs_[i].node().get(), gradients[i]);
  }

 private:
  void tell(const Node* node, const Variable& gradient) {
    if (!gradient.defined()) return;
    for (const size_t i : xs_at_[node]) {
      if (!told_[i]) options_.on_ready(i, gradient);
      told_[i] = true;
    }
  }

  const Variables& xs_;
  const GradOptions& options_;
  std::unordered_map<const Node*, std::vector<size_t>> xs_at_;
  std::unordered_map<const Node*, int> users_;
  std::vector<bool> told_;
};

}  // namespace

Variables grad(const Variable& y, const Variables& xs, const GradOptions& options) {
  const TraceSpan span("grad");
  std::optional<NoGrad> no_grad;
  if (!options.create_graph) no_grad.emplace();

  std::unordered_map<const Node*, Variable> gradients;  // of the xs, once known
  for (const Variable& x : xs) {
    check(x.requires_grad(), "[grad] a constant of shape ", x.shape(), " has no gradient; make it a leaf first");
    gradients[x.node().get()] = {};
  }

  Variable seed =
      options.cotangent.defined() ? options.cotangent : Variable(Tensor::full(y.shape(), 1.0, y.dtype(), y.device()));
  check_cotangent(seed, y, "y");

  // Nodes wait in order of creation; the newest is complete once it comes up, as all its users are newer.
  struct Pending {
    std::shared_ptr<Node> node;
    Variable cotangent;
  };
  std::map<uint64_t, Pending> pending;
  const auto flow_to = [&](const std::shared_ptr<Node>& node, const Variable& cotangent) {
    auto [entry, is_new] = pending.try_emplace(node->order, Pending{node, cotangent});
    if (!is_new) entry->second.cotangent = plus(entry->second.cotangent, cotangent, node->name);
  };

  const Nodes wanted = between(y, xs);
  Readiness readiness(xs, wanted, options);
  const auto come_so_far = [&](const std::shared_ptr<Node>& node) {
    const auto waiting = pending.find(node->order);
    return waiting == pending.end() ? Variable() : waiting->second.cotangent;
  };
  if (wanted.contains(y.node().get())) flow_to(y.node(), seed);
  while (!pending.empty()) {
    const Pending next = std::move(std::prev(pending.end())->second);
    pending.erase(std::prev(pending.end()));
    if (auto x = gradients.find(next.node.get()); x != gradients.end()) x->second = next.cotangent;
    std::vector<bool> needs;
    for (const auto& input : next.node->inputs) needs.push_back(wanted.contains(input.get()));
    if (std::find(needs.begin(), needs.end(), true) == needs.end()) continue;
    const Variables cotangents = next.node->vjp(Vjp(next.node, next.cotangent, needs));
    check(cotangents.size() == next.node->inputs.size(), "[grad] the vjp of ", next.node->name, " returned ",
          cotangents.size(), " cotangents for ", next.node->inputs.size(), " inputs");
    for (size_t i = 0; i < cotangents.size(); ++i) {
      if (needs[i] && cotangents[i].defined()) flow_to(next.node->inputs[i], cotangents[i]);
    }
    readiness.done(next.node.get(), come_so_far);
  }

  Variables result;
  for (const Variable& x : xs) {
    Variable& g = gradients[x.node().get()];
    if (!g.defined()) g = Variable(Tensor::zeros(x.shape(), x.dtype(), x.device()));
    check_cotangent(g, x, x.node()->name);
    result.push_back(g);
  }
  readiness.all(result);
  return result;
}

}  // namespace lacuna
