#include "train/config.h"

#include <filesystem>
#include <limits>
#include <sstream>

#include "tensor/file.h"
#include "train/config_text.h"

namespace lacuna {
namespace {

template <class Visitor>
void visit_schedule(Visitor& v, ScheduleOptions& schedule) {
  using Kind = ScheduleOptions::Kind;
  v.choice("schedule", schedule.kind,
           Names<Kind>{{"constant", Kind::constant},
                       {"step", Kind::step},
                       {"piecewise", Kind::piecewise},
                       {"linear", Kind::linear},
                       {"cosine", Kind::cosine}});
  v.number("warmup", schedule.warmup, 0, unlimited);
  v.number("decay_every", schedule.decay_every, 1, unlimited);
  v.real("decay_factor", schedule.decay_factor, 1e-6, 1);
  v.numbers("milestones", schedule.milestones, 0, unlimited);
  v.real("final_factor", schedule.final_factor, 0, 1);
}

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
           Names<Attention>{{"contextual", Attention::contextual},
                            {"none", Attention::none},
                            {"appearance_flow", Attention::appearance_flow},
                            {"spatial_transformer", Attention::spatial_transformer}});
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
  v.real("ssim", c.loss.ssim, 0, 1e6);
  v.real("perceptual", c.loss.perceptual, 0, 1e6);
  v.real("style", c.loss.style, 0, 1e6);
  v.text("vgg", c.loss.vgg);
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
  using Optimizers = TrainConfig::Optimizer::Kind;
  v.choice("kind", c.optimizer.kind, Names<Optimizers>{{"adam", Optimizers::adam}, {"muon", Optimizers::muon}});
  v.real("lr", c.optimizer.lr, 0, 1);
  v.real("critic_lr", c.optimizer.critic_lr, 0, 1);
  v.real("momentum", c.optimizer.momentum, 0, 1 - 1e-9);
  v.real("beta1", c.optimizer.adam.beta1, 0, 1 - 1e-9);
  v.real("beta2", c.optimizer.adam.beta2, 0, 1 - 1e-9);
  v.real("epsilon", c.optimizer.adam.epsilon, 1e-30, 1);
  visit_schedule(v, c.optimizer.schedule);
  v.real("clip_norm", c.optimizer.clip_norm, 0, 1e30);

  v.section("critic_schedule");
  v.flag("own", c.optimizer.own_critic_schedule);
  visit_schedule(v, c.optimizer.critic_schedule);

  v.section("ema");
  v.real("decay", c.ema_decay, 0, 1 - 1e-9);

  v.section("training");
  v.number("steps", c.steps, 1, unlimited);
  v.number("batch", c.batch, 1, 4096);
  v.choice("precision", c.precision,
           Names<Precision>{{"highest", Precision::highest}, {"high", Precision::high}, {"medium", Precision::medium}});
  v.number("critic_steps", c.critic_steps, 1, 1000);
  v.number("pretrain_coarse", c.pretrain_coarse, 0, unlimited);
  v.number("adversarial_start", c.adversarial_start, 0, unlimited);
  v.number("critic_warmup", c.critic_warmup, 0, unlimited);
  v.number("seed", c.seed, 0, std::numeric_limits<int64_t>::max());
  v.number("checkpoint_every", c.checkpoint_every, 1, unlimited);
  v.number("keep", c.keep, 1, unlimited);
  v.number("validate_every", c.validate_every, 1, unlimited);
  v.number("validation_pictures", c.validation_pictures, 1, 1024);
  v.number("log_every", c.log_every, 1, unlimited);
  v.choice("storage", c.storage, storages());

  v.section("log");
  v.flag("tensorboard", c.log.tensorboard);
  v.number("gradients_every", c.log.gradients_every, 0, unlimited);
  v.number("pictures_every", c.log.pictures_every, 0, unlimited);
  v.number("pictures", c.log.pictures, 1, 64);

  v.section("early_stop");
  Names<std::string> metrics;
  for (const auto& [name, higher] : early_stop_metrics()) metrics.emplace_back(name.c_str(), name);
  v.choice("metric", c.early_stop.metric, metrics);
  v.number("patience", c.early_stop.patience, 0, unlimited);
  v.real("min_change", c.early_stop.min_change, 0, 1e6);

  v.section("memory");
  v.flag("recompute", c.recompute);
  v.flag("plan", c.plan);
}

/// The last name of a path, whatever stands before: a model that is given away need not tell where its pictures lay.
std::string last_name(const std::string& source) {
  const auto path = std::filesystem::absolute(source).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace

const std::vector<std::pair<std::string, bool>>& early_stop_metrics() {
  static const std::vector<std::pair<std::string, bool>> metrics{{"hole_l1", false},
                                                                 {"hole_l2", false},
                                                                 {"hole_l1_relative", false},
                                                                 {"hole_l2_relative", false},
                                                                 {"hole_psnr", true},
                                                                 {"hole_ssim", true},
                                                                 {"l1", false},
                                                                 {"l2", false},
                                                                 {"l1_relative", false},
                                                                 {"l2_relative", false},
                                                                 {"psnr", true},
                                                                 {"ssim", true}};
  return metrics;
}

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
  ConfigReader reader(root, name);
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
  ConfigWriter writer;
  TrainConfig copy = config;
  visit(writer, copy);
  return writer.str();
}

std::map<std::string, std::string> run_metadata(const TrainConfig& config, int64_t step, bool averaged) {
  std::string sources;
  for (const std::string& source : config.data.sources) sources += (sources.empty() ? "" : ", ") + last_name(source);
  std::map<std::string, std::string> metadata{
      {"description", "trained by lacuna train"}, {"trained_on", sources}, {"step", std::to_string(step)}};
  metadata["trained_picture"] = std::to_string(std::min(config.data.height, config.data.width));
  metadata["trained_hole"] = std::to_string(std::min(config.holes.hole_height, config.holes.hole_width));
  if (averaged) {
    std::ostringstream decay;
    decay << "moving average, decay " << config.ema_decay;
    metadata["parameters"] = decay.str();
  }
  return metadata;
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
  const bool has_features = config.loss.perceptual > 0 || config.loss.style > 0;
  check(!has_features || !config.loss.vgg.empty(),
        "[config] loss.perceptual and loss.style need loss.vgg, the file of torchvision's VGG16 (vgg16-397923af.pth)");
  check(!has_features || std::min(data.height, data.width) >= 8,
        "[config] loss.perceptual and loss.style need pictures of at least 8x8 pixels");
  const auto check_rate = [](const char* section, const ScheduleOptions& schedule) {
    try {
      check_schedule(schedule);
    } catch (const Error& error) {
      fail("[config] in [", section, "]: ", std::string_view(error.what()).substr(sizeof("[schedule]")));
    }
  };
  check_rate("optimizer", config.optimizer.schedule);
  if (config.optimizer.own_critic_schedule) check_rate("critic_schedule", config.optimizer.critic_schedule);
  check(!config.network.one_stage || config.pretrain_coarse == 0,
        "[config] training.pretrain_coarse is for two-stage networks; set it to 0 or network.one_stage to false");
}

}  // namespace lacuna
