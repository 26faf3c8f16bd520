#include "nets/params.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ops/random/random.h"
#include "tensor/memory.h"

namespace lacuna {

const Variable& Params::add(const std::string& name, Tensor initial) {
  check(!has(name), "[params] there is already a parameter ", name);
  return items_.emplace_back(name, Variable::leaf(std::move(initial))).second;
}

const Variable& Params::at(const std::string& name) const {
  const auto item = std::find_if(items_.begin(), items_.end(), [&](const auto& i) { return i.first == name; });
  check(item != items_.end(), "[params] there is no parameter ", name);
  return item->second;
}

bool Params::has(const std::string& name) const {
  return std::any_of(items_.begin(), items_.end(), [&](const auto& i) { return i.first == name; });
}

Variables Params::variables() const {
  Variables all;
  for (const auto& [name, variable] : items_) all.push_back(variable);
  return all;
}

int64_t Params::count() const {
  int64_t n = 0;
  for (const auto& [name, variable] : items_) n += variable.numel();
  return n;
}

void Params::assign(const std::vector<std::pair<std::string, Tensor>>& tensors) {
  std::set<std::string> given;
  for (const auto& [name, tensor] : tensors) {
    check(has(name), "[params] the network has no parameter ", name);
    check(given.insert(name).second, "[params] parameter ", name, " is given twice");
    check(tensor.shape() == at(name).shape(), "[params] parameter ", name, " is ", at(name).shape(),
          ", the given tensor ", tensor.shape());
  }
  for (const auto& [name, variable] : items_) check(given.contains(name), "[params] parameter ", name, " is missing");
  for (const auto& [name, tensor] : tensors) {
    Tensor target = at(name).value();
    const Tensor converted = tensor.to(target.dtype());
    copy_memory(target.raw(), target.device(), converted.raw(), converted.device(), target.nbytes());
  }
}

void Params::move_to(Device device) {
  for (auto& [name, variable] : items_) variable = Variable::leaf(variable.value().to(device));
}

std::vector<std::pair<std::string, Tensor>> Params::tensors() const {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const auto& [name, variable] : items_) all.emplace_back(name, variable.value());
  return all;
}

Tensor glorot_uniform(const Shape& shape, const Philox& random, DType dtype) {
  check(shape.rank() == 2 || shape.rank() == 4, "[glorot_uniform] expects a matrix or a kernel, not ", shape);
  const int64_t field = shape.rank() == 4 ? shape[0] * shape[1] : 1;
  const int64_t fans = field * (shape.dim(-2) + shape.dim(-1));
  const double limit = std::sqrt(6.0 / static_cast<double>(fans));
  return random_uniform(shape, random, -limit, limit, dtype);
}

}  // namespace lacuna
