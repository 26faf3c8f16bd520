#include "autograd/explain.h"

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "autograd/tape.h"

namespace lacuna {
namespace {

// The nodes that y depends on, in order of creation, which is that of execution.
struct Graph {
  std::vector<const Node*> nodes;
  std::unordered_map<const Node*, size_t> number;

  explicit Graph(const Variable& y) {
    std::vector<const Node*> waiting{y.node().get()};
    while (!waiting.empty()) {
      const Node* node = waiting.back();
      waiting.pop_back();
      if (!node || !number.emplace(node, 0).second) continue;
      nodes.push_back(node);
      for (const auto& input : node->inputs) waiting.push_back(input.get());
    }
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->order < b->order; });
    for (size_t i = 0; i < nodes.size(); ++i) number[nodes[i]] = i;
  }

  std::string label(size_t i) const { return "#" + std::to_string(i) + " " + std::string(nodes[i]->name); }
};

bool is_leaf(const Node* node) { return !node->vjp; }

std::string count(int64_t n, const std::string& what, const std::string& plural) {
  return std::to_string(n) + " " + (n == 1 ? what : plural);
}

}  // namespace

std::string explain(const Variable& y) {
  const Graph graph(y);
  if (graph.nodes.empty()) return "a constant: nothing is recorded\n";

  std::vector<std::string> lines, users(graph.nodes.size());
  std::vector<int> uses(graph.nodes.size());
  size_t widest = 0;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    for (const auto& input : graph.nodes[i]->inputs) {
      if (!input) continue;
      const size_t at = graph.number.at(input.get());
      users[at] += " #" + std::to_string(i);
      ++uses[at];
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = *graph.nodes[i];
    std::string line = graph.label(i);
    const char* separator = "(";
    for (const auto& input : node.inputs) {
      line += separator + (input ? "#" + std::to_string(graph.number.at(input.get())) : "constant");
      separator = ", ";
    }
    lines.push_back(line + (node.inputs.empty() ? "" : ")"));
    if (uses[i] > 1) widest = std::max(widest, lines.back().size());
  }

  const int64_t leaves = std::count_if(graph.nodes.begin(), graph.nodes.end(), is_leaf);
  std::string text =
      count(static_cast<int64_t>(lines.size()) - leaves, "op", "ops") + ", " + count(leaves, "leaf", "leaves") + "\n";
  for (size_t i = 0; i < lines.size(); ++i) {
    text += lines[i];
    if (uses[i] > 1) text += std::string(widest - lines[i].size() + 2, ' ') + "<-" + users[i];
    text += "\n";
  }
  return text;
}

std::string explain_dot(const Variable& y) {
  const Graph graph(y);
  std::ostringstream dot;
  dot << "digraph tape {\n";
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    dot << "  n" << i << " [label=\"" << graph.label(i) << "\"" << (is_leaf(graph.nodes[i]) ? ", shape=box" : "")
        << "];\n";
    for (const auto& input : graph.nodes[i]->inputs) {
      if (input) dot << "  n" << graph.number.at(input.get()) << " -> n" << i << ";\n";
    }
  }
  dot << "}\n";
  return dot.str();
}

}  // namespace lacuna
