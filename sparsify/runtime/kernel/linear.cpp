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

constexpr int64_t kTileRows = 4096;        // rows whose sums are kept in the second-level cache
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
  int64_t panel = layers[0].weight.panel;
  int64_t parts = 1;  // ranges of the last layer's chunks, each a task of its own
  std::atomic<bool> out_of_memory{false};

  int64_t panels() const { return (tokens + panel - 1) / panel; }
};

// sums[row][token] of the chunks [begin, end); slice(band) are the band's inputs.
template <typename Slice>
int64_t multiply_chunks(const Kernels& kernels, const Layer& layer, int64_t panel, int64_t begin,
                        int64_t end, Slice slice, float* sums) {
  const Weight& w = layer.weight;
  const int64_t height = w.chunk * w.unit;
  const auto multiply = w.unit == 1 ? kernels.multiply_single : kernels.multiply_quad;
  for (int64_t band = 0; band < w.bands; ++band) {
    const float* inputs = slice(band);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const Piece& piece = w.pieces[band * w.chunks + chunk];
      multiply({w.runs.data() + piece.run_begin, w.runs.data() + piece.run_end,
                w.order.data() + piece.row_begin, w.columns_in_band.data() + piece.entry_begin,
                w.values.data() + piece.entry_begin * w.unit,
                band == 0 ? w.bias.data() + chunk * height : nullptr, inputs,
                sums + (chunk - begin) * height * panel},
               panel);
    }
  }
  const int64_t rows = std::min(end * height, w.rows) - begin * height;
  kernels.activate(sums, rows * panel, layer.activation);
  return rows;
}

void multiply_part(const Job& job, int64_t index, int64_t part) {
  const int64_t token = index * job.panel, tokens = std::min(job.panel, job.tokens - token);
  const int64_t panel = panel_of(tokens, job.panel);
  const Layer& end_layer = job.layers[job.count - 1];
  const Weight &first = job.layers[0].weight, &last = end_layer.weight;
  const int64_t height = last.chunk * last.unit;
  int64_t size = first.band + std::min(last.rows, kTileRows);
  for (size_t i = 1; i < job.count; ++i) size += job.layers[i].weight.columns;
  float* gathered = scratch(size_t(size * panel));
  float* sums = gathered + first.band * panel;
  const auto from_memory = [&](int64_t band) {
    const int64_t left = band * first.band;
    job.kernels.gather({job.inputs + token * first.columns + left, first.columns, tokens,
                        std::min(first.band, first.columns - left), panel, gathered});
    return static_cast<const float*>(gathered);
  };
  const float* made = nullptr;  // by the layer before
  const auto slice_for = [&](const Weight& w) {
    return [&](int64_t band) { return made ? made + band * w.band * panel : from_memory(band); };
  };
  for (size_t i = 0; i + 1 < job.count; ++i) {
    const Layer& layer = job.layers[i];
    const int64_t rows = multiply_chunks(job.kernels, layer, panel, 0, layer.weight.chunks,
                                         slice_for(layer.weight), sums);
    made = sums;
    sums += rows * panel;
  }
  const int64_t end = last.chunks * (part + 1) / job.parts;
  for (int64_t chunk = last.chunks * part / job.parts; chunk < end; chunk += kTileRows / height) {
    const int64_t rows =
        multiply_chunks(job.kernels, end_layer, panel, chunk,
                        std::min(end, chunk + kTileRows / height), slice_for(last), sums);
    job.kernels.scatter(
        {sums, rows, panel, tokens, last.rows, job.outputs + token * last.rows + chunk * height});
  }
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
  const int64_t work = (int64_t(w.values.size()) + w.rows) * std::min(tokens, w.panel);
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
}

}  // namespace

const Kernels& choose_kernels() {
  const char* wanted = std::getenv("SPARSIFY_KERNEL");
  const auto may = [&](const Kernels& kernels, bool runs) {
    return runs && (!wanted || !*wanted || std::strcmp(wanted, kernels.name) == 0);
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (may(kAvx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("fma"))) {
    return kAvx512;
  }
  if (may(kAvx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return kAvx2;
#endif
  if (may(kPortable, true)) return kPortable;
  throw Malformed(std::string("SPARSIFY_KERNEL names no kernels that run here: ") + wanted);
}

void multiply(const Layer* layers, size_t count, const Kernels& kernels,
              const float* inputs, int64_t tokens, float* outputs, const Pool& pool) {
  if (tokens == 0) return;
  Job job{layers, count, kernels, inputs, tokens, outputs};
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
             pool);
    made.swap(next);
  }
}

}  // namespace sparsify
