#include "linear.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>

namespace sparsify {
namespace {

constexpr int64_t kTileRows = 4096;         // rows whose sums are kept in the second-level cache
constexpr int64_t kLeastWork = 64 * 1024;  // multiplications that are worth another thread

// Aligned memory that a thread keeps for its next call.
float* scratch(size_t count) {
  struct Free {
    void operator()(float* memory) const { ::operator delete[](memory, std::align_val_t(64)); }
  };
  static thread_local std::unique_ptr<float, Free> memory;
  static thread_local size_t size = 0;
  if (size < count) {
    memory.reset();
    size = 0;
    memory.reset(static_cast<float*>(::operator new[](count * sizeof(float), std::align_val_t(64))));
    size = count;
  }
  return memory.get();
}

struct Job {
  const Weight& weight;
  const Kernels& kernels;
  Activation activation;
  const float* inputs;
  int64_t tokens;
  float* outputs;
  int64_t parts;  // ranges of chunks, each a task of its own
  std::atomic<bool> out_of_memory{false};
};

// The smallest panel that takes `tokens`.
int64_t panel_of(int64_t tokens, int64_t largest) {
  if (tokens == 1) return 1;
  int64_t panel = 4;
  while (panel < tokens && panel < largest) panel *= 2;
  return panel;
}

// The products of tokens [token, token + tokens) with the units of chunks [begin, end).
void multiply_tile(const Job& job, int64_t token, int64_t tokens, int64_t begin, int64_t end) {
  const Weight& w = job.weight;
  const int64_t panel = panel_of(tokens, w.panel);
  const int64_t units = std::min(end * w.chunk, w.rows / w.unit) - begin * w.chunk;
  const int64_t first_row = begin * w.chunk * w.unit;
  float* inputs = scratch(size_t((w.band + units * w.unit) * panel));
  float* sums = inputs + w.band * panel;
  const auto multiply = w.unit == 1 ? job.kernels.multiply_single : job.kernels.multiply_quad;
  for (int64_t band = 0; band < w.bands; ++band) {
    const int64_t left = band * w.band;
    job.kernels.gather({job.inputs + token * w.columns + left, w.columns, tokens,
                        std::min(w.band, w.columns - left), panel, inputs});
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const Piece& piece = w.pieces[band * w.chunks + chunk];
      const int64_t row = (chunk - begin) * w.chunk * w.unit;
      multiply({w.runs.data() + piece.run_begin, w.runs.data() + piece.run_end,
                w.order.data() + piece.row_begin, w.columns_in_band.data() + piece.entry_begin,
                w.values.data() + piece.entry_begin * w.unit,
                band == 0 ? w.bias.data() + first_row + row : nullptr, inputs, sums + row * panel},
               panel);
    }
  }
  job.kernels.scatter({sums, units * w.unit, panel, tokens, w.rows, job.activation,
                       job.outputs + token * w.rows + first_row});
}

void multiply_part(const Job& job, int64_t panel, int64_t part) {
  const Weight& w = job.weight;
  const int64_t token = panel * w.panel, tokens = std::min(w.panel, job.tokens - token);
  const int64_t begin = w.chunks * part / job.parts, end = w.chunks * (part + 1) / job.parts;
  const int64_t tile = kTileRows / (w.chunk * w.unit);
  for (int64_t chunk = begin; chunk < end; chunk += tile) {
    multiply_tile(job, token, tokens, chunk, std::min(end, chunk + tile));
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

// Into how many ranges of rows each panel's work is divided.
int64_t parts_of(const Weight& w, int64_t panels, int64_t tokens) {
  static const int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  if (panels >= 4 * cores) return 1;
  const int64_t work = (int64_t(w.values.size()) + w.rows) * std::min(tokens, w.panel);
  const int64_t wanted = panels % cores == 0 ? 1 : (cores + panels - 1) / panels;
  return std::max<int64_t>(1, std::min({wanted, w.chunks, work / kLeastWork}));
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

void multiply(const Weight& weight, const Kernels& kernels, Activation activation,
              const float* inputs, int64_t tokens, float* outputs, const Pool& pool) {
  if (tokens == 0) return;
  const int64_t panels = (tokens + weight.panel - 1) / weight.panel;
  Job job{weight, kernels, activation, inputs, tokens, outputs,
          parts_of(weight, panels, tokens)};
  const size_t count = size_t(panels * job.parts);
  if (count == 1) {
    task(&job, 0);
  } else {
    pool.run(pool.context, task, count, &job);
  }
  if (job.out_of_memory) throw std::bad_alloc();
}

}  // namespace sparsify
