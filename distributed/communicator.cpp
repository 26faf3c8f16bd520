#include "distributed/communicator.h"

#include <algorithm>
#include <cstring>

namespace lacuna {
namespace {

class SingleProcess : public Communicator {
 public:
  SingleProcess() : Communicator(0, 1) {}

  Pending start_all_reduce(std::vector<Tensor> from, std::vector<Tensor> to, Reduction) override {
    for (size_t i = 0; i < from.size(); ++i) {
      if (to[i].raw() != from[i].raw()) std::memcpy(to[i].raw(), from[i].raw(), static_cast<size_t>(from[i].nbytes()));
    }
    return Pending();
  }
  void broadcast(Tensor, int) override {}
  void abort(const std::string&) override {}
};

}  // namespace

std::vector<double> Communicator::all_gather(double value) {
  // A sum in which all others give nothing.
  Tensor values = Tensor::zeros({size_}, DType::f64);
  values.data<double>()[rank_] = value;
  all_reduce(values, Reduction::sum);
  return values.to_vector();
}

std::vector<std::string> Communicator::all_gather(const std::string& bytes) {
  std::vector<std::string> all;
  Tensor buffer({static_cast<int64_t>(bytes.size())}, DType::u8);
  for (int root = 0; root < size_; ++root) {
    std::copy(bytes.begin(), bytes.end(), buffer.data<uint8_t>());
    broadcast(buffer, root);
    all.emplace_back(buffer.data<uint8_t>(), buffer.data<uint8_t>() + bytes.size());
  }
  return all;
}

bool Communicator::any(bool here) {
  const std::vector<double> all = all_gather(here ? 1 : 0);
  return std::find(all.begin(), all.end(), 1) != all.end();
}

std::string Communicator::broadcast(const std::string& text, int root) {
  Tensor length = Tensor::scalar(static_cast<double>(text.size()), DType::f64);
  broadcast(length, root);
  Tensor bytes({static_cast<int64_t>(length.item())}, DType::u8);
  if (rank_ == root) std::copy(text.begin(), text.end(), bytes.data<uint8_t>());
  broadcast(bytes, root);
  return std::string(bytes.data<uint8_t>(), bytes.data<uint8_t>() + bytes.numel());
}

std::unique_ptr<Communicator> make_single_process() { return std::make_unique<SingleProcess>(); }

Communicator& single_process() {
  static SingleProcess process;
  return process;
}

}  // namespace lacuna
