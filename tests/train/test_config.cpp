#include <filesystem>

#include "tests/support/compare.h"
#include "train/config.h"

namespace lacuna {
namespace {

/// What parse_config says of a text.
std::string complaint(const std::string& text) {
  return test::error_of([&] { parse_config(text, "x.toml"); });
}

}  // namespace

TEST_CASE("config: what is left out keeps the paper's values") {
  const TrainConfig config = parse_config("", "x.toml");
  CHECK(config.network.cnum == 32);
  CHECK(config.critic_cnum == 64);
  CHECK(config.batch == 16);
  CHECK(config.critic_steps == 5);
  CHECK(config.loss.l1 == 1.2);
  CHECK(config.loss.ae == 1.2);
  CHECK(config.loss.coarse == 1.2);
  CHECK(config.loss.gan == 0.001);
  CHECK(config.loss.gradient_penalty == 10);
  CHECK(config.optimizer.lr == 1e-4);
  CHECK(config.optimizer.adam.beta1 == 0.5);
  CHECK(config.optimizer.adam.beta2 == 0.9);
  CHECK(config.holes.hole_height == 128);
  CHECK(config.holes.max_shrink == 32);
}

TEST_CASE("config: keys are read into their places") {
  const TrainConfig config = parse_config(R"(
[network]
padding = "reflect"
one_stage = true
attention = "none"
[data]
train = ["a", "b c"]
validation = "v"
fit = "random_crop"
[holes]
kind = "strokes"
[loss]
adversarial = "hinge"
critics = "local"
discount = "distance"
gamma = 1
[optimizer]
kind = "muon"
momentum = 0.8
schedule = "piecewise"
warmup = 7
milestones = [10, 20]
[critic_schedule]
own = true
schedule = "linear"
final_factor = 0.5
[ema]
decay = 0.99
[training]
seed = 12
critic_warmup = 4
storage = "f16"
[log]
tensorboard = false
gradients_every = 5
[early_stop]
metric = "psnr"
patience = 3
[memory]
recompute = true
plan = false
)",
                                          "x.toml");
  CHECK(config.network.padding == Padding::reflect);
  CHECK(config.network.one_stage);
  CHECK(config.network.attention == GeneratorOptions::Attention::none);
  CHECK(config.data.sources == std::vector<std::string>{"a", "b c"});
  CHECK(config.validation == std::vector<std::string>{"v"});
  CHECK(config.data.fit == DataOptions::Fit::random_crop);
  CHECK(config.holes.kind == MaskOptions::Kind::strokes);
  CHECK(config.loss.adversarial == Adversarial::hinge);
  CHECK(config.loss.critics == TrainConfig::Loss::Critics::local);
  CHECK(config.loss.discount == TrainConfig::Loss::Discount::distance);
  CHECK(config.loss.gamma == 1);
  CHECK(config.optimizer.kind == TrainConfig::Optimizer::Kind::muon);
  CHECK(config.optimizer.momentum == 0.8);
  CHECK(config.optimizer.schedule.kind == ScheduleOptions::Kind::piecewise);
  CHECK(config.optimizer.schedule.milestones == std::vector<int64_t>{10, 20});
  CHECK(config.optimizer.own_critic_schedule);
  CHECK(config.optimizer.critic_schedule.kind == ScheduleOptions::Kind::linear);
  CHECK(config.optimizer.critic_schedule.final_factor == 0.5);
  CHECK(config.ema_decay == 0.99);
  CHECK(config.critic_warmup == 4);
  CHECK(config.storage == Storage::f16);
  CHECK(!config.log.tensorboard);
  CHECK(config.log.gradients_every == 5);
  CHECK(config.early_stop.metric == "psnr");
  CHECK(config.early_stop.patience == 3);
  CHECK(config.optimizer.schedule.warmup == 7);
  CHECK(config.seed == 12);
  CHECK(config.recompute);
  CHECK(!config.plan);
}

TEST_CASE("config: when the critics take part") {
  TrainConfig config = parse_config("[training]\nadversarial_start = 5\n", "x.toml");
  CHECK(!config.adversarial_at(4));
  CHECK(config.adversarial_at(5));
  config.pretrain_coarse = 8;
  CHECK(!config.adversarial_at(7));
  config.critic_warmup = 2;
  CHECK(config.adversarial_at(8));
  CHECK(!config.critics_alone_at(7));
  CHECK(config.critics_alone_at(8));
  CHECK(config.critics_alone_at(9));
  CHECK(!config.critics_alone_at(10));
  config.loss.gan = 0;
  CHECK(!config.critics_alone_at(8));
  CHECK(!config.adversarial());
  CHECK(!parse_config("[loss]\nadversarial = \"none\"\n", "x.toml").adversarial_at(9));
}

TEST_CASE("config: what losses of features need") {
  for (const char* name : {"perceptual", "style"}) {
    const std::string weight = std::string("[loss]\n") + name + " = 0.1\n";
    CHECK(complaint(weight).find("loss.perceptual and loss.style need loss.vgg") != std::string::npos);
    const TrainConfig config = parse_config(weight + "vgg = \"vgg16.pth\"\n", "x.toml");
    CHECK(config.loss.vgg == "vgg16.pth");
    CHECK((name[0] == 'p' ? config.loss.perceptual : config.loss.style) == 0.1);
  }
}

TEST_CASE("config: written and read again it is the same") {
  TrainConfig config = parse_config("", "x.toml");
  config.data.sources = {"a \"quoted\" folder", "back\\slash"};
  config.optimizer.lr = 1.0 / 3;
  config.seed = 123456789;
  config.optimizer.schedule.milestones = {5, 1000000};
  config.early_stop.metric = "ssim";
  config.holes.kind = MaskOptions::Kind::boxes;
  const std::string text = to_toml(config);
  const TrainConfig again = parse_config(text, "x.toml");
  CHECK(to_toml(again) == text);
  CHECK(again.data.sources == config.data.sources);
  CHECK(again.optimizer.lr == config.optimizer.lr);
}

TEST_CASE("config: the presets are sound, and paper.toml gives every default") {
  const std::string folder = LACUNA_SOURCE_DIR "/train/configs/";
  CHECK(to_toml(read_config(folder + "paper.toml")) == to_toml([] {
          TrainConfig config;
          config.validation_pictures = 16;
          return config;
        }()));
  const TrainConfig cpu = read_config(folder + "cpu.toml");
  CHECK(cpu.data.height == 128);
  for (const std::string later :
       {"cpu_finish.toml", "cpu_mixed.toml", "cpu_varied.toml", "cpu_muon.toml", "cpu_ssim.toml", "cpu_bf16.toml"}) {
    CHECK(read_config(folder + later).network.cnum == cpu.network.cnum);  // they start from cpu.toml's model
  }
}

TEST_CASE("config: errors name the file, the line and the key") {
  CHECK(complaint("[training]\nbatch = 0\n") ==
        "[config] x.toml:2: training.batch must be a whole number from 1 to 4096, not 0");
  CHECK(complaint("[training]\nbatch = \"many\"\n") ==
        "[config] x.toml:2: training.batch must be a whole number from 1 to 4096, not 'many'");
  CHECK(complaint("[training]\nbatch = 1.5\n") ==
        "[config] x.toml:2: training.batch must be a whole number from 1 to 4096, not 1.5");
  CHECK(complaint("\n[optimizer]\nlr = nan\n") ==
        "[config] x.toml:3: optimizer.lr must be a number from 0 to 1, not nan");
  CHECK(complaint("[network]\none_stage = 1\n") == "[config] x.toml:2: network.one_stage must be true or false, not 1");
  CHECK(complaint("[data]\ntrain = [1]\n") == "[config] x.toml:2: data.train must be a path or a list of paths, not 1");
  CHECK(complaint("[loss]\ncritics = \"all\"\n") ==
        "[config] x.toml:2: loss.critics must be one of \"both\", \"global\", \"local\", not 'all'");
  CHECK(complaint("[loss]\nl2 = 1\n") == "[config] x.toml:2: there is no key loss.l2");
  CHECK(complaint("[los]\nl1 = 1\n") == "[config] x.toml:1: there is no section [los]");
  CHECK(complaint("batch = 3\n") == "[config] x.toml:1: there is no section [batch]");
  CHECK(complaint("loss = 3\n") == "[config] x.toml:1: [loss] must be a table");
  CHECK(complaint("[loss\n").starts_with("[config] x.toml:1: "));
  CHECK(complaint("[ema]\ndecay = 1\n") == "[config] x.toml:2: ema.decay must be a number from 0 to 1, not 1");
  CHECK(complaint("[optimizer]\nmilestones = [1, -2]\n") ==
        "[config] x.toml:2: optimizer.milestones must be a list of whole numbers of at least 0, not [ 1, -2 ]");
  CHECK(complaint("[optimizer]\nschedule = \"piecewise\"\nmilestones = [7, 5]\n") ==
        "[config] x.toml: in [optimizer]: milestones must be steps that rise");
  CHECK(complaint("[critic_schedule]\nown = true\nschedule = \"piecewise\"\n") ==
        "[config] x.toml: in [critic_schedule]: a piecewise schedule needs milestones, the steps at which the rate "
        "falls");
  CHECK(complaint("[critic_schedule]\nwarmup = -1\n") ==
        "[config] x.toml:2: critic_schedule.warmup must be a whole number of at least 0, not -1");
  CHECK(
      complaint("[early_stop]\nmetric = \"tv\"\n").starts_with("[config] x.toml:2: early_stop.metric must be one of "));
  CHECK(complaint("[early_stop]\npatience = \"long\"\n") ==
        "[config] x.toml:2: early_stop.patience must be a whole number of at least 0, not 'long'");
  CHECK(complaint("[log]\ntensorboard = 1\n") == "[config] x.toml:2: log.tensorboard must be true or false, not 1");
  CHECK(complaint("[training]\nstorage = \"f8\"\n") ==
        "[config] x.toml:2: training.storage must be one of \"f32\", \"f16\", \"bf16\", \"f64\", not 'f8'");
  CHECK(complaint("[data]\nheight = 64\n") ==
        "[config] x.toml: holes of 128x128 with a margin of 0 do not fit into pictures of 64x256");
  CHECK(test::error_of([] { read_config("/nowhere.toml"); }).starts_with("[config] /nowhere.toml: "));
}

TEST_CASE("config: a model names its sources, not where they lie") {
  TrainConfig config;
  config.data.sources = {"/home/someone/photos/scenes/", "lists/objects.txt", "../more//", "."};
  const std::string here = std::filesystem::current_path().filename().string();
  CHECK(run_metadata(config, 7, false).at("trained_on") == "scenes, objects.txt, more, " + here);
}

}  // namespace lacuna
