#include "bench/rows.h"

#include <unistd.h>

#include <fstream>
#include <thread>

#include "tensor/cpu_level.h"

namespace lacuna::bench {
namespace {

using Json = nlohmann::ordered_json;

Json times_json(const Times& times) {
  return {{"median", times.median()}, {"min", times.least()}, {"spread", times.spread()}, {"runs", times.runs}};
}

Json row_json(const char* what, const Setting& s) {
  return {{"what", what},     {"height", s.height}, {"width", s.width},
          {"batch", s.batch}, {"cnum", s.cnum},     {"precision", name_of(s.precision)}};
}

void add_memory(Json& row, const Memory& memory) {
  row["peak_block_bytes"] = memory.blocks;
  row["peak_resident_bytes"] = memory.resident > 0 ? Json(memory.resident) : Json();
}

Json to_json(const InferenceRow& r) {
  Json row = row_json("inference", r.setting);
  row.update(times_json(r.times));
  add_memory(row, r.memory);
  return row;
}

Json to_json(const LayerRow& r, const std::vector<Peak>& peaks) {
  const auto& [layer, height, width] = r.place;
  Json row = row_json("layer", r.setting);
  row["network"] = r.network;
  row["layer"] = layer.name;
  row["face"] = name_of(r.face);
  row["input"] = {r.setting.batch, height, width, layer.in};
  row["kernel"] = {layer.kernel, layer.kernel, layer.in, layer.out};
  row["stride"] = layer.options.stride;
  row["dilation"] = layer.options.dilation;
  row["upsample"] = layer.upsample;
  row.update(times_json(r.times));
  row["flops"] = r.flops;
  row["bytes"] = r.bytes;
  if (!peaks.empty()) {
    const Roofline best = roofline(r.flops, r.bytes, peaks.back(), r.setting.precision);
    row["roofline_seconds"] = best.seconds;
    row["bound"] = best.by_memory ? "memory" : "compute";
  }
  return row;
}

Json to_json(const OpRow& r) {
  Json row = row_json("op", r.setting);
  row["part"] = name_of(r.part);
  row["op"] = r.op;
  row["calls"] = r.calls;
  row.update(times_json(r.times));
  return row;
}

Json to_json(const TrainingRow& r) {
  Json row = row_json("training", r.setting);
  row["critic_steps"] = r.critic_steps;
  row.update(times_json(r.iteration));
  if (!r.critic_update.runs.empty()) row["critic_update"] = times_json(r.critic_update);
  row["generator_update"] = times_json(r.generator_update);
  row["data"] = times_json(r.data);
  row["adam"] = times_json(r.adam);
  add_memory(row, r.memory);
  return row;
}

Json to_json(const Peak& p) {
  const auto or_null = [](double rate) { return rate > 0 ? Json(rate) : Json(); };
  return {{"threads", p.threads},
          {"f32_flops", p.f32},
          {"bf16_pairs_flops", or_null(p.bf16_pairs)},
          {"bf16_tiles_flops", or_null(p.bf16_tiles)},
          {"copy_bytes", p.copy}};
}

}  // namespace

Machine this_machine() {
  Machine machine{.cpu = "unknown",
                  .cores = static_cast<int>(std::thread::hardware_concurrency()),
                  .memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)};
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) machine.cpu = line.substr(colon + 2);
    break;
  }
  return machine;
}

const char* name_of(Precision precision) {
  constexpr const char* names[] = {"highest", "high", "medium"};
  return names[static_cast<int>(precision)];
}

const char* name_of(Face face) {
  constexpr const char* names[] = {"forward", "input", "weight"};
  return names[static_cast<int>(face)];
}

const char* name_of(OpRow::Part part) {
  constexpr const char* names[] = {"convolutions", "attention", "others"};
  return names[static_cast<int>(part)];
}

nlohmann::ordered_json to_json(const Results& results, const std::string& version) {
  const Machine machine = this_machine();
  Json json{{"lacuna", version},
            {"schema", 1},
            {"complete", results.complete},
            {"device", results.device.str()},
            {"machine", {{"cpu", machine.cpu}, {"cores", machine.cores}, {"memory_bytes", machine.memory}}},
            {"level", lacuna::name_of(cpu_level())},
            {"threads", num_threads()},
            {"peaks", Json::array()},
            {"rows", Json::array()}};
  for (const Peak& peak : results.peaks) json["peaks"].push_back(to_json(peak));
  Json& rows = json["rows"];
  for (const InferenceRow& row : results.inference) rows.push_back(to_json(row));
  for (const LayerRow& row : results.layers) rows.push_back(to_json(row, results.peaks));
  for (const OpRow& row : results.ops) rows.push_back(to_json(row));
  for (const TrainingRow& row : results.training) rows.push_back(to_json(row));
  return json;
}

}  // namespace lacuna::bench
