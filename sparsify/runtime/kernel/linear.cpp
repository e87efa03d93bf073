#include "linear.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "panels.h"
#include "scratch.h"

namespace sparsify {
namespace {

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
  for (size_t i = 0; i + 1 < job.count; ++i) {
    const Layer& layer = job.layers[i];
    const Prepared made = prepared(layer);
    inputs = {sums, 0, tokens, panel};
    sums += multiply_turned(layer, made, sums) * panel;
  }
  const Prepared made = prepared(end_layer);
  multiply_last(end_layer, made, last.chunks * part / job.parts,
                last.chunks * (part + 1) / job.parts, sums, job.outputs + token * last.rows);
  if (job.parts > 1) return;
  normalize(job.kernels, job.normalization, job.outputs, job.residual, token, tokens);
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
  if (job.parts == 1) return;
  normalize(job.kernels, job.normalization, job.outputs, job.residual, 0, job.tokens);
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
