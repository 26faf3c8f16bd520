#include "train/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "tensor/file.h"

namespace lacuna {
namespace {

constexpr int64_t unlimited = int64_t{1} << 53;

template <class E>
using Names = std::vector<std::pair<const char*, E>>;

/// Every key of a configuration, once: read and written by the same list.
template <class Visitor>
void visit(Visitor& v, TrainConfig& c) {
  using Loss = TrainConfig::Loss;
  v.section("network");
  v.number("cnum", c.network.cnum, 1, 1024);
  v.number("critic_cnum", c.critic_cnum, 1, 1024);
  v.choice("padding", c.network.padding,
           Names<Padding>{{"same", Padding::same}, {"reflect", Padding::reflect}, {"symmetric", Padding::symmetric}});
  v.flag("one_stage", c.network.one_stage);
  using Attention = GeneratorOptions::Attention;
  v.choice("attention", c.network.attention,
           Names<Attention>{{"contextual", Attention::contextual}, {"none", Attention::none}});
  v.choice("dtype", c.network.dtype, Names<DType>{{"f32", DType::f32}, {"f64", DType::f64}});

  v.section("data");
  v.texts("train", c.data.sources);
  v.texts("validation", c.validation);
  v.number("height", c.data.height, 8, 1 << 14);
  v.number("width", c.data.width, 8, 1 << 14);
  using Fit = DataOptions::Fit;
  v.choice("fit", c.data.fit, Names<Fit>{{"resize", Fit::resize}, {"random_crop", Fit::random_crop}});
  v.real("min_scale", c.data.min_scale, 1e-3, 1e3);
  v.real("max_scale", c.data.max_scale, 1e-3, 1e3);
  v.flag("flip", c.data.flip);
  v.number("threads", c.data.threads, 1, 256);

  v.section("holes");
  using Kind = MaskOptions::Kind;
  v.choice("kind", c.holes.kind,
           Names<Kind>{{"box", Kind::box},
                       {"boxes", Kind::boxes},
                       {"strokes", Kind::strokes},
                       {"mixed", Kind::mixed},
                       {"folder", Kind::folder}});
  v.number("height", c.holes.hole_height, 1, 1 << 14);
  v.number("width", c.holes.hole_width, 1, 1 << 14);
  v.number("max_shrink", c.holes.max_shrink, 0, 1 << 14);
  v.number("margin", c.holes.margin, 0, 1 << 14);
  v.number("count", c.holes.count, 1, 1000);
  v.text("folder", c.holes.folder);

  v.section("loss");
  v.real("l1", c.loss.l1, 0, 1e6);
  v.real("ae", c.loss.ae, 0, 1e6);
  v.real("coarse", c.loss.coarse, 0, 1e6);
  v.choice("discount", c.loss.discount,
           Names<Loss::Discount>{
               {"none", Loss::Discount::none}, {"box", Loss::Discount::box}, {"distance", Loss::Discount::distance}});
  v.real("gamma", c.loss.gamma, 1e-6, 1);
  v.real("total_variation", c.loss.total_variation, 0, 1e6);
  v.choice("adversarial", c.loss.adversarial,
           Names<Adversarial>{{"none", Adversarial::none},
                              {"wgan_gp", Adversarial::wgan_gp},
                              {"lsgan", Adversarial::lsgan},
                              {"log", Adversarial::log},
                              {"hinge", Adversarial::hinge}});
  v.choice("critics", c.loss.critics,
           Names<Loss::Critics>{
               {"both", Loss::Critics::both}, {"global", Loss::Critics::global}, {"local", Loss::Critics::local}});
  v.real("gan", c.loss.gan, 0, 1e6);
  v.real("global_alpha", c.loss.global_alpha, 0, 1e6);
  v.real("gradient_penalty", c.loss.gradient_penalty, 0, 1e6);

  v.section("optimizer");
  v.real("lr", c.optimizer.lr, 0, 1);
  v.real("critic_lr", c.optimizer.critic_lr, 0, 1);
  v.real("beta1", c.optimizer.adam.beta1, 0, 1 - 1e-9);
  v.real("beta2", c.optimizer.adam.beta2, 0, 1 - 1e-9);
  v.real("epsilon", c.optimizer.adam.epsilon, 1e-30, 1);
  using Schedule = ScheduleOptions::Kind;
  v.choice("schedule", c.optimizer.schedule.kind,
           Names<Schedule>{{"constant", Schedule::constant}, {"step", Schedule::step}, {"cosine", Schedule::cosine}});
  v.number("warmup", c.optimizer.schedule.warmup, 0, unlimited);
  v.number("decay_every", c.optimizer.schedule.decay_every, 1, unlimited);
  v.real("decay_factor", c.optimizer.schedule.decay_factor, 1e-6, 1);
  v.real("final_factor", c.optimizer.schedule.final_factor, 0, 1);
  v.real("clip_norm", c.optimizer.clip_norm, 0, 1e30);

  v.section("training");
  v.number("steps", c.steps, 1, unlimited);
  v.number("batch", c.batch, 1, 4096);
  v.number("critic_steps", c.critic_steps, 1, 1000);
  v.number("pretrain_coarse", c.pretrain_coarse, 0, unlimited);
  v.number("adversarial_start", c.adversarial_start, 0, unlimited);
  v.number("seed", c.seed, 0, std::numeric_limits<int64_t>::max());
  v.number("checkpoint_every", c.checkpoint_every, 1, unlimited);
  v.number("keep", c.keep, 1, unlimited);
  v.number("validate_every", c.validate_every, 1, unlimited);
  v.number("validation_pictures", c.validation_pictures, 1, 1024);
  v.number("log_every", c.log_every, 1, unlimited);

  v.section("memory");
  v.flag("recompute", c.recompute);
}

class Reader {
 public:
  Reader(const toml::table& root, std::string file) : root_(root), file_(std::move(file)) {}

  void section(const char* name) {
    section_ = name;
    sections_.insert(name);
    table_ = nullptr;
    if (const toml::node* node = root_.get(name)) {
      table_ = node->as_table();
      if (!table_) complain(*node, std::string("[") + name + "] must be a table");
    }
  }

  template <class T>
  void number(const char* key, T& value, int64_t lo, int64_t hi) {
    const toml::node* node = find(key);
    if (!node) return;
    const auto given = node->is_integer() ? node->value<int64_t>() : std::nullopt;
    if (!given || *given < lo || *given > hi) {
      wrong(*node, key,
            hi < unlimited ? "a whole number from " + std::to_string(lo) + " to " + std::to_string(hi)
                           : "a whole number of at least " + std::to_string(lo));
    }
    value = static_cast<T>(*given);
  }

  void real(const char* key, double& value, double lo, double hi) {
    const toml::node* node = find(key);
    if (!node) return;
    const double given = node->is_number() ? node->value<double>().value_or(std::nan("")) : std::nan("");
    std::ostringstream range;
    range << "a number from " << lo << " to " << hi;
    if (!(given >= lo && given <= hi)) wrong(*node, key, range.str());
    value = given;
  }

  void flag(const char* key, bool& value) {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_boolean()) wrong(*node, key, "true or false");
    value = **node->as_boolean();
  }

  void text(const char* key, std::string& value) {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_string()) wrong(*node, key, "a string");
    value = **node->as_string();
  }

  void texts(const char* key, std::vector<std::string>& value) {
    const toml::node* node = find(key);
    if (!node) return;
    value.clear();
    if (node->is_string()) {
      value.push_back(**node->as_string());
      return;
    }
    const toml::array* array = node->as_array();
    if (!array) wrong(*node, key, "a path or a list of paths");
    for (const toml::node& element : *array) {
      if (!element.is_string()) wrong(element, key, "a path or a list of paths");
      value.push_back(**element.as_string());
    }
  }

  template <class E>
  void choice(const char* key, E& value, const Names<E>& names) {
    const toml::node* node = find(key);
    if (!node) return;
    std::string known;
    for (const auto& [name, meaning] : names) {
      if (node->is_string() && **node->as_string() == name) {
        value = meaning;
        return;
      }
      known += (known.empty() ? "\"" : ", \"") + std::string(name) + "\"";
    }
    wrong(*node, key, "one of " + known);
  }

  /// Complains about what no visit asked for.
  void finish() const {
    for (const auto& [key, node] : root_) {
      const std::string name(key.str());
      if (!sections_.contains(name)) complain(node, "there is no section [" + name + "]");
      for (const auto& [inner, value] : *node.as_table()) {
        const std::string full = name + "." + std::string(inner.str());
        if (!keys_.contains(full)) complain(value, "there is no key " + full);
      }
    }
  }

 private:
  const toml::node* find(const char* key) {
    keys_.insert(section_ + "." + key);
    return table_ ? table_->get(key) : nullptr;
  }

  [[noreturn]] void wrong(const toml::node& node, const char* key, const std::string& expected) const {
    std::ostringstream given;
    node.visit([&](const auto& value) { given << value; });
    std::string shown = given.str();
    std::replace(shown.begin(), shown.end(), '\n', ' ');
    complain(node, section_ + "." + key + " must be " + expected + ", not " + shown);
  }

  [[noreturn]] void complain(const toml::node& node, const std::string& reason) const {
    fail("[config] ", file_, ":", node.source().begin.line, ": ", reason);
  }

  const toml::table& root_;
  std::string file_, section_;
  const toml::table* table_ = nullptr;
  std::set<std::string> sections_, keys_;
};

class Writer {
 public:
  void section(const char* name) { out_ << (out_.str().empty() ? "" : "\n") << "[" << name << "]\n"; }
  template <class T>
  void number(const char* key, T& value, int64_t, int64_t) {
    out_ << key << " = " << value << "\n";
  }
  void real(const char* key, double& value, double, double) {
    char digits[32];
    const auto end =
        std::to_chars(digits, digits + sizeof(digits), value).ptr;  // the shortest that reads back the same
    out_ << key << " = " << std::string_view(digits, static_cast<size_t>(end - digits)) << "\n";
  }
  void flag(const char* key, bool& value) { out_ << key << " = " << (value ? "true" : "false") << "\n"; }
  void text(const char* key, std::string& value) { put(key, toml::value<std::string>(value)); }
  void texts(const char* key, std::vector<std::string>& value) {
    toml::array array;
    for (const std::string& element : value) array.push_back(element);
    put(key, array);
  }
  template <class E>
  void choice(const char* key, E& value, const Names<E>& names) {
    for (const auto& [name, meaning] : names) {
      if (meaning == value) out_ << key << " = \"" << name << "\"\n";
    }
  }

  std::string str() const { return out_.str(); }

 private:
  template <class Node>
  void put(const char* key, const Node& node) {
    out_ << key << " = " << toml::toml_formatter(node) << "\n";
  }

  std::ostringstream out_;
};

}  // namespace

TrainConfig read_config(const std::filesystem::path& path) {
  return parse_config(read_file(path, "config"), path.string());
}

TrainConfig parse_config(std::string_view text, const std::string& name) {
  toml::table root;
  try {
    root = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    fail("[config] ", name, ":", error.source().begin.line, ": ", error.description());
  }
  TrainConfig config;
  Reader reader(root, name);
  visit(reader, config);
  reader.finish();
  try {
    check_config(config);
  } catch (const Error& error) {
    fail("[config] ", name, ": ", std::string_view(error.what()).substr(sizeof("[config]")));
  }
  return config;
}

std::string to_toml(const TrainConfig& config) {
  Writer writer;
  TrainConfig copy = config;
  visit(writer, copy);
  return writer.str();
}

void check_config(const TrainConfig& config) {
  const DataOptions& data = config.data;
  const MaskOptions& holes = config.holes;
  check(data.min_scale <= data.max_scale, "[config] data.min_scale ", data.min_scale, " exceeds data.max_scale ",
        data.max_scale);
  check(holes.hole_height + 2 * holes.margin <= data.height && holes.hole_width + 2 * holes.margin <= data.width,
        "[config] holes of ", holes.hole_height, "x", holes.hole_width, " with a margin of ", holes.margin,
        " do not fit into pictures of ", data.height, "x", data.width);
  check(holes.kind != MaskOptions::Kind::folder || !holes.folder.empty(),
        "[config] holes.kind = \"folder\" needs holes.folder, the folder of mask pictures");
  check(!config.network.one_stage || config.pretrain_coarse == 0,
        "[config] training.pretrain_coarse is for two-stage networks; set it to 0 or network.one_stage to false");
}

}  // namespace lacuna
