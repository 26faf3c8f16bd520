#include "nets/planned_generator.h"

#include "autograd/tape.h"

namespace lacuna {

GeneratorOutput PlannedGenerator::operator()(const Tensor& image, const Tensor& mask) {
  const NoGrad no_grad;
  const Device device = generator_.device();
  if (device.kind == Device::Kind::cpu) return generator_(image.to(device), mask.to(device));
  const std::vector<Tensor> inputs{image, mask};
  if (!plan_ || !plan_->fits(inputs)) {
    plan_.reset();  // and its memory
    const auto run = [&](const std::vector<Tensor>& x) {
      const GeneratorOutput output = generator_(x[0], x[1]);
      std::vector<Tensor> results{output.coarse.value(), output.fine.value()};
      if (output.offsets.defined()) results.push_back(output.offsets);
      return results;
    };
    plan_.emplace(run, inputs, std::make_shared<PlanMemory>(device));
  }
  const std::vector<Tensor>& results = (*plan_)(inputs);
  return {results[0], results[1], results.size() > 2 ? results[2] : Tensor()};
}

}  // namespace lacuna
