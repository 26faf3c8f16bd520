#include "app/bench_tables.h"

#include <algorithm>
#include <cstdio>

#include "app/table.h"
#include "tensor/cpu_level.h"

namespace lacuna {
namespace {

using bench::Face;
using bench::LayerRow;
using bench::OpRow;
using bench::Peak;
using bench::Results;
using bench::Setting;
using bench::Times;

std::string fixed(double x, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

/// Four significant digits or so.
std::string milliseconds(double seconds) {
  const double ms = 1e3 * seconds;
  return fixed(ms, ms < 10 ? 3 : ms < 100 ? 2 : ms < 1000 ? 1 : 0);
}
std::string percent(double share) { return fixed(100 * share, 0) + " %"; }
std::string giga(double x) { return x > 0 ? fixed(x / 1e9, x < 1e11 ? 1 : 0) : "-"; }
std::string mebibytes(int64_t bytes) { return bytes > 0 ? fixed(static_cast<double>(bytes) / (1 << 20), 0) : "-"; }
std::string size_text(int64_t height, int64_t width) { return std::to_string(width) + "x" + std::to_string(height); }
std::string runs_text(const Times& times) { return std::to_string(times.runs.size()); }

std::string heading(const Setting& s) {
  return size_text(s.height, s.width) + ", batch " + std::to_string(s.batch) + ", cnum " + std::to_string(s.cnum) +
         ", " + bench::name_of(s.precision);
}

bool same(const Setting& a, const Setting& b) {
  return a.height == b.height && a.width == b.width && a.batch == b.batch && a.precision == b.precision;
}

/// "5x5 5->32", "3x3 32->64 /2", "3x3 128->128 d4", "up 3x3 128->64"
std::string kernel_text(const ConvLayer& l) {
  const std::string k = std::to_string(l.kernel);
  std::string text =
      (l.upsample ? "up " : "") + k + "x" + k + " " + std::to_string(l.in) + "->" + std::to_string(l.out);
  if (l.options.stride > 1) text += " /" + std::to_string(l.options.stride);
  if (l.options.dilation > 1) text += " d" + std::to_string(l.options.dilation);
  return text;
}

void print_peaks(const Results& results, std::ostream& out) {
  Table table({"threads", "f32 GFLOP/s", "bf16 pairs", "bf16 tiles", "copy GB/s"});
  for (const Peak& p : results.peaks) {
    table.add({p.threads > 0 ? std::to_string(p.threads) : results.device.str(), giga(p.f32), giga(p.bf16_pairs),
               giga(p.bf16_tiles), giga(p.copy)});
  }
  out << "Peaks\n";
  table.print(out);
  out << '\n';
}

void print_inference(const Results& results, std::ostream& out) {
  Table table({"size", "batch", "cnum", "precision", "ms", "min", "spread", "runs", "MiB in blocks", "MiB resident"});
  for (const auto& row : results.inference) {
    const Setting& s = row.setting;
    table.add({size_text(s.height, s.width), std::to_string(s.batch), std::to_string(s.cnum),
               bench::name_of(s.precision), milliseconds(row.times.median()), milliseconds(row.times.least()),
               percent(row.times.spread()), runs_text(row.times), mebibytes(row.memory.blocks),
               mebibytes(row.memory.resident)});
  }
  out << "Inference\n";
  table.print(out);
  out << '\n';
}

/// The columns of a row that has only a time.
std::vector<std::string> only_time(const std::string& name, const std::string& note, double seconds) {
  return {name, "", note, milliseconds(seconds), "", "", "", "", "", "", "", ""};
}

/// What a pass consists of beside the convolutions, and the sum beside the whole.
void add_rest(Table& table, const Results& results, const Setting& setting, double layers) {
  double sum = layers, attention = 0;
  std::vector<std::vector<std::string>> others;
  for (const OpRow& row : results.ops) {
    if (!same(row.setting, setting) || row.part == OpRow::Part::convolutions) continue;
    const double seconds = row.times.median();
    sum += seconds;
    if (row.part == OpRow::Part::attention) {
      attention += seconds;
    } else {
      others.push_back(only_time(row.op, std::to_string(row.calls) + " in a pass", seconds));
    }
  }
  if (sum == layers) return;  // stopped before these were measured
  if (attention > 0) table.add(only_time("contextual_attention", "all its ops", attention));
  for (const auto& row : others) table.add(row);
  table.add(only_time("sum", "", sum));
  for (const auto& row : results.inference) {
    if (same(row.setting, setting)) table.add(only_time("whole network", "", row.times.median()));
  }
}

/// Without peaks, what goes by them is left open.
std::vector<std::string> layer_cells(const LayerRow& row, const std::vector<Peak>& peaks) {
  const auto& [layer, height, width] = row.place;
  const double seconds = row.times.median();
  const double rate = row.flops / seconds, moved = row.bytes / seconds;
  std::vector<std::string> shares(4, "-");
  if (!peaks.empty()) {
    const Peak& peak = peaks.back();
    const bench::Roofline best = roofline(row.flops, row.bytes, peak, row.setting.precision);
    shares = {percent(rate / peak.rate(row.setting.precision)), percent(moved / peak.copy), milliseconds(best.seconds),
              best.by_memory ? "memory" : "compute"};
  }
  return {layer.name.substr(layer.name.rfind('/') + 1),
          size_text(height, width),
          kernel_text(layer),
          milliseconds(seconds),
          milliseconds(row.times.least()),
          percent(row.times.spread()),
          giga(rate),
          shares[0],
          giga(moved),
          shares[1],
          shares[2],
          shares[3]};
}

void print_layers(const Results& results, std::ostream& out) {
  const auto belong = [](const LayerRow& a, const LayerRow& b) {
    return a.network == b.network && a.face == b.face && same(a.setting, b.setting);
  };
  const std::vector<LayerRow>& rows = results.layers;
  for (auto first = rows.begin(); first != rows.end();) {
    const auto last = std::find_if(first, rows.end(), [&](const LayerRow& row) { return !belong(row, *first); });
    Table table({"layer", "input", "kernel", "ms", "min", "spread", "GFLOP/s", "of peak", "GB/s", "of copy", "at best",
                 "bound"});
    double sum = 0;
    for (auto row = first; row != last; ++row) {
      table.add(layer_cells(*row, results.peaks));
      sum += row->times.median();
    }
    table.add(only_time("convolutions", "", sum));
    if (first->network == "generator" && first->face == Face::forward) add_rest(table, results, first->setting, sum);
    out << "Layers of the " << first->network << ", " << name_of(first->face) << ", " << heading(first->setting)
        << '\n';
    table.print(out);
    out << '\n';
    first = last;
  }
}

void print_ops(const Results& results, std::ostream& out) {
  const std::vector<OpRow>& rows = results.ops;
  for (auto first = rows.begin(); first != rows.end();) {
    const auto last =
        std::find_if(first, rows.end(), [&](const OpRow& row) { return !same(row.setting, first->setting); });
    double sum = 0;
    for (auto row = first; row != last; ++row) sum += row->times.median();
    Table table({"op", "part", "calls", "ms", "min", "spread", "share"});
    for (auto row = first; row != last; ++row) {
      table.add({row->op, name_of(row->part), std::to_string(row->calls), milliseconds(row->times.median()),
                 milliseconds(row->times.least()), percent(row->times.spread()), percent(row->times.median() / sum)});
    }
    table.add({"sum", "", "", milliseconds(sum), "", "", ""});
    out << "Ops of a forward pass, " << heading(first->setting) << '\n';
    table.print(out);
    out << '\n';
    first = last;
  }
}

void print_training(const Results& results, std::ostream& out) {
  for (const auto& row : results.training) {
    Table table({"part", "ms", "min", "spread", "runs"});
    const auto add = [&](const std::string& part, const Times& times) {
      if (times.runs.empty()) return;
      table.add(
          {part, milliseconds(times.median()), milliseconds(times.least()), percent(times.spread()), runs_text(times)});
    };
    add("iteration", row.iteration);
    add("one critic update", row.critic_update);
    add("generator update", row.generator_update);
    add("data, in an iteration", row.data);
    add("Adam, in an iteration", row.adam);
    out << "Training, " << heading(row.setting) << ", " << row.critic_steps << " critic updates an iteration; "
        << mebibytes(row.memory.blocks) << " MiB in blocks, " << mebibytes(row.memory.resident) << " MiB resident\n";
    table.print(out);
    out << '\n';
  }
}

}  // namespace

void print_tables(const Results& results, bool with_ops, std::ostream& out) {
  const bench::Machine machine = bench::this_machine();
  out << machine.cpu << ", " << machine.cores << " cores; " << name_of(cpu_level()) << ", threads: " << num_threads();
  if (results.device.kind == Device::Kind::cuda) out << "; measured on " << results.device.str();
  out << "\n\n";
  if (!results.peaks.empty()) print_peaks(results, out);
  if (!results.inference.empty()) print_inference(results, out);
  if (!results.layers.empty()) print_layers(results, out);
  if (with_ops && !results.ops.empty()) print_ops(results, out);
  if (!results.training.empty()) print_training(results, out);
}

}  // namespace lacuna
