#include "optim/optimizer.h"

#include <map>
#include <set>

#include "tensor/memory.h"

namespace lacuna {

void check_parameters(const char* who, const Optimizer::Named& parameters) {
  std::set<std::string> names;
  for (const auto& [name, parameter] : parameters) {
    check(parameter.dtype() == DType::f32 || parameter.dtype() == DType::f64, "[", who, "] ", name, " is ",
          name_of(parameter.dtype()), "; only f32 and f64 can be trained");
    check(names.insert(name).second, "[", who, "] two parameters are named ", name);
    check(parameter.device() == parameters[0].second.device(), "[", who, "] ", name, " lies on ", parameter.device(),
          ", others on ", parameters[0].second.device());
  }
}

void check_gradients(const char* who, const Optimizer::Named& parameters, const std::vector<Tensor>& gradients) {
  check(gradients.size() == parameters.size(), "[", who, "] ", gradients.size(), " gradients for ", parameters.size(),
        " parameters");
  for (size_t k = 0; k < gradients.size(); ++k) {
    const auto& [name, parameter] = parameters[k];
    check(gradients[k].shape() == parameter.shape() && gradients[k].dtype() == parameter.dtype(), "[", who,
          "] the gradient of ", name, " is ", gradients[k].shape(), " ", name_of(gradients[k].dtype()),
          ", the parameter ", parameter.shape(), " ", name_of(parameter.dtype()));
  }
}

void check_state(const char* who, const Optimizer::Named& saved, const Optimizer::Named& own) {
  const std::map<std::string, Tensor> given(saved.begin(), saved.end());
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    check(found != given.end(), "[", who, "] the state lacks ", name);
    check(found->second.shape() == tensor.shape() && found->second.dtype() == tensor.dtype(), "[", who, "] ", name,
          " is saved as ", found->second.shape(), " ", name_of(found->second.dtype()), " but must be ", tensor.shape(),
          " ", name_of(tensor.dtype()));
  }
  check(given.size() == own.size(), "[", who, "] the state holds ", given.size(), " tensors, ", own.size(),
        " are known");
}

void copy_state(const char* who, const Optimizer::Named& saved, const Optimizer::Named& own) {
  check_state(who, saved, own);
  const std::map<std::string, Tensor> given(saved.begin(), saved.end());
  for (const auto& [name, tensor] : own) {
    Tensor to = tensor;
    const Tensor& from = given.at(name);
    copy_memory(to.raw(), to.device(), from.raw(), from.device(), from.nbytes());
  }
}

}  // namespace lacuna
