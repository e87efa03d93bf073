#include "linear.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "scratch.h"

namespace sparsify {
namespace {

constexpr int64_t kTileRows = 1024;        // rows whose sums are kept in the second-level cache
constexpr int64_t kLeastPanel = 32;        // tokens of the smallest panel that threads share
constexpr int64_t kLeastWork = 64 * 1024;  // multiplications that are worth another thread

// The smallest panel that takes `tokens`.
int64_t panel_of(int64_t tokens, int64_t largest) {
  if (tokens == 1) return 1;
  int64_t panel = 4;
  while (panel < tokens && panel < largest) panel *= 2;
  return panel;
}

// Layers one after the other, a panel of tokens at a time.
struct Job {
  const Layer* layers;
  size_t count;  // of layers
  const Kernels& kernels;
  const float* inputs;
  int64_t tokens;
  float* outputs;
  const Normalization* normalization;
  const float* residual;
  int64_t panel = layers[0].weight.panel;
  int64_t parts = 1;  // ranges of the last layer's chunks, each a task of its own
  std::atomic<bool> out_of_memory{false};

  int64_t panels() const { return (tokens + panel - 1) / panel; }
};

// Of `count` tokens whose outputs are complete.
void normalize(const Job& job, int64_t token, int64_t count) {
  if (!job.normalization) return;
  const Normalization& n = *job.normalization;
  const int64_t width = int64_t(n.scale.size()), first = token * width;
  job.kernels.normalize({job.outputs + first, job.residual + first, count, width, n.scale.data(),
                         n.bias.data(), n.epsilon});
}

int64_t fours_of(const Weight& w) { return (w.columns + 3) / 4; }

// What a layer reads of a panel: where they lie in memory, or as the layer before left them.
struct Inputs {
  const float* from;
  int64_t stride;  // between tokens, or 0 where they lie as [input][token]
  int64_t tokens, panel;
};

// A panel's inputs as the kernels multiply them: all at once, or band by band where every band is
// read once.
struct Prepared {
  const Kernels& kernels;
  const Weight& weight;
  Inputs inputs;
  float* space;
  Quantized quantized{};

  static bool at_once(const Weight& w) { return w.rows > kTileRows; }

  // Numbers of space that a panel's inputs take.
  static int64_t size(const Weight& w, int64_t panel) {
    if (!w.integers) return (at_once(w) ? w.columns : w.band) * panel;
    const int64_t fours = (fours_of(w) + kTurned - 1) / kTurned * kTurned;
    return (fours + 2) * panel + fours * kTurned;
  }

  void prepare() {
    if (weight.integers) return quantize();
    if (!inputs.stride || !at_once(weight)) return;
    kernels.gather({inputs.from, inputs.stride, inputs.tokens, weight.columns, inputs.panel, space});
    inputs.from = space;
    inputs.stride = 0;
  }

  void quantize() {
    const int64_t panel = inputs.panel, width = weight.columns;
    float* scales = space;
    auto* zero_points = reinterpret_cast<int32_t*>(scales + panel);
    quantized = {zero_points + panel, scales, zero_points};
    float* bytes = space + size(weight, panel) - size(weight, 0);
    if (inputs.stride) {
      kernels.quantize({inputs.from, inputs.stride, inputs.tokens, width, panel, bytes, quantized});
    } else {
      kernels.quantize_turned({inputs.from, width, panel, quantized});
    }
  }

  // [input][token] of the band
  const float* band(int64_t number) const {
    const int64_t left = number * weight.band;
    if (!inputs.stride) return inputs.from + left * inputs.panel;
    kernels.gather({inputs.from + left, inputs.stride, inputs.tokens,
                    std::min(weight.band, weight.columns - left), inputs.panel, space});
    return space;
  }
};

// sums[row][token] of the chunks [begin, end).
int64_t multiply_chunks(const Layer& layer, const Prepared& prepared, int64_t begin, int64_t end,
                        float* sums) {
  const Weight& w = layer.weight;
  const Kernels& kernels = prepared.kernels;
  const Quantized& q = prepared.quantized;
  const int64_t height = w.chunk * w.unit, panel = prepared.inputs.panel;
  const auto multiply = w.unit == 1 ? kernels.multiply_single : kernels.multiply_quad;
  for (int64_t band = 0; band < w.bands; ++band) {
    const bool first = band == 0, last = band == w.bands - 1;
    const float* inputs = w.integers ? nullptr : prepared.band(band);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const Piece& piece = w.pieces[band * w.chunks + chunk];
      const Run *runs = w.runs.data() + piece.run_begin, *runs_end = w.runs.data() + piece.run_end;
      const uint16_t* order = w.order.data() + piece.row_begin;
      const uint16_t* columns = w.columns_in_band.data() + piece.entry_begin;
      const int64_t row = chunk * height;
      float* to = sums + (chunk - begin) * height * panel;
      if (w.integers) {
        kernels.multiply_integers(
            {runs, runs_end, order, columns, w.fours.data() + piece.entry_begin,
             first ? w.row_sums.data() + row : nullptr, last ? w.row_scales.data() + row : nullptr,
             w.bias.data() + row, q.fours + band * (w.band / 4) * panel, q.scales, q.zero_points, to},
            panel);
      } else {
        multiply({runs, runs_end, order, columns, w.values.data() + piece.entry_begin * w.unit,
                  first ? w.bias.data() + row : nullptr, inputs, to},
                 panel);
      }
      // what was just summed up lies in the nearest cache
      if (last) kernels.activate(to, (std::min(row + height, w.rows) - row) * panel, layer.activation);
    }
  }
  return std::min(end * height, w.rows) - begin * height;
}

// Chunks whose sums are worked on at once.
int64_t tile(const Weight& w) { return kTileRows / (w.chunk * w.unit); }

void multiply_part(const Job& job, int64_t index, int64_t part) {
  const int64_t token = index * job.panel, tokens = std::min(job.panel, job.tokens - token);
  const int64_t panel = panel_of(tokens, job.panel);
  const Layer& end_layer = job.layers[job.count - 1];
  const Weight &first = job.layers[0].weight, &last = end_layer.weight;
  int64_t space = 0, size = std::min(last.rows, kTileRows) * panel;
  for (size_t i = 0; i < job.count; ++i) {
    space = std::max(space, Prepared::size(job.layers[i].weight, panel));
    if (i > 0) size += job.layers[i].weight.columns * panel;
  }
  float* prepared_space = scratch(size_t(space + size));
  float* sums = prepared_space + space;
  Inputs inputs{job.inputs + token * first.columns, first.columns, tokens, panel};
  const auto prepared = [&](const Layer& layer) {
    Prepared made{job.kernels, layer.weight, inputs, prepared_space};
    made.prepare();
    return made;
  };
  const auto multiply_tile = [&](const Layer& layer, const Prepared& made, int64_t chunk,
                                 int64_t end, float* to) {
    return multiply_chunks(layer, made, chunk, std::min(end, chunk + tile(layer.weight)), to);
  };
  for (size_t i = 0; i + 1 < job.count; ++i) {
    const Layer& layer = job.layers[i];
    const Prepared made = prepared(layer);
    inputs = {sums, 0, tokens, panel};
    for (int64_t chunk = 0; chunk < layer.weight.chunks; chunk += tile(layer.weight)) {
      sums += multiply_tile(layer, made, chunk, layer.weight.chunks, sums) * panel;
    }
  }
  const Prepared made = prepared(end_layer);
  const int64_t end = last.chunks * (part + 1) / job.parts;
  for (int64_t chunk = last.chunks * part / job.parts; chunk < end; chunk += tile(last)) {
    const int64_t rows = multiply_tile(end_layer, made, chunk, end, sums);
    job.kernels.scatter({sums, rows, panel, tokens, last.rows,
                         job.outputs + token * last.rows + chunk * last.chunk * last.unit});
  }
  if (job.parts == 1) normalize(job, token, tokens);
}

// No exception may leave a task: it runs on a thread of the runtime.
void task(void* state, size_t index) {
  Job& job = *static_cast<Job*>(state);
  try {
    multiply_part(job, int64_t(index) / job.parts, int64_t(index) % job.parts);
  } catch (const std::bad_alloc&) {
    job.out_of_memory = true;
  }
}

int64_t cores() {
  static const int64_t count = std::max(1u, std::thread::hardware_concurrency());
  return count;
}

// Into how many ranges of rows each panel's work is divided.
int64_t parts_of(const Weight& w, int64_t panels, int64_t tokens) {
  if (panels >= 4 * cores()) return 1;
  const int64_t work = (int64_t(w.numbers()) + w.rows) * std::min(tokens, w.panel);
  const int64_t wanted = panels % cores() == 0 ? 1 : (cores() + panels - 1) / panels;
  return std::max<int64_t>(1, std::min({wanted, w.chunks, work / kLeastWork}));
}

void run(Job& job, const Pool& pool) {
  const size_t tasks = size_t(job.panels() * job.parts);
  if (tasks == 1) {
    task(&job, 0);
  } else {
    pool.run(pool.context, task, tasks, &job);
  }
  if (job.out_of_memory) throw std::bad_alloc();
  if (job.parts > 1) normalize(job, 0, job.tokens);
}

}  // namespace

const Kernels& choose_kernels() {
  const char* wanted = std::getenv("SPARSIFY_KERNEL");
  const auto may = [&](const Kernels& kernels, bool runs) {
    return runs && (!wanted || !*wanted || std::strcmp(wanted, kernels.name) == 0);
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("fma");
  if (may(kAvx512Vnni, wide && __builtin_cpu_supports("avx512vnni"))) return kAvx512Vnni;
  if (may(kAvx512, wide)) return kAvx512;
  if (may(kAvx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return kAvx2;
#endif
  if (may(kPortable, true)) return kPortable;
  throw Malformed(std::string("SPARSIFY_KERNEL names no kernels that run here: ") + wanted);
}

void multiply(const Layer* layers, size_t count, const Kernels& kernels,
              const float* inputs, int64_t tokens, float* outputs, const Pool& pool,
              const Normalization* normalization, const float* residual) {
  if (tokens == 0) return;
  Job job{layers, count, kernels, inputs, tokens, outputs, normalization, residual};
  if (count == 1) {
    job.parts = parts_of(layers[0].weight, job.panels(), tokens);
    return run(job, pool);
  }
  // of a chain only panels are divided: they become smaller until there is one for each thread
  while (job.panel > kLeastPanel && job.panels() < cores()) job.panel /= 2;
  if (job.panels() > 1 || cores() == 1) return run(job, pool);
  std::vector<float> made, next;
  for (size_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    next.resize(last ? 0 : size_t(tokens * layers[i].weight.rows));
    multiply(layers + i, 1, kernels, i ? made.data() : inputs, tokens, last ? outputs : next.data(),
             pool, last ? normalization : nullptr, residual);
    made.swap(next);
  }
}

}  // namespace sparsify
