#include "attention.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "scratch.h"

namespace sparsify {
namespace {

struct Job {
  const Attention& a;
  const Kernels& kernels;
  std::atomic<bool> out_of_memory{false};
};

int64_t padded(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

void attend_head(const Job& job, int64_t batch, int64_t head) {
  const Attention& a = job.a;
  const int64_t lanes = job.kernels.lanes, group = std::max<int64_t>(lanes, 16);
  const int64_t keys = padded(a.keys, group), width = padded(a.value_width, lanes);
  float* memory =
      scratch(size_t(a.width * keys + a.keys * width + kQueries * (keys + width + 1)));
  const auto take = [&](int64_t count) {
    float* taken = memory;
    memory += count;
    return taken;
  };
  float* turned = take(a.width * keys);
  float* values = take(a.keys * width);
  float* scores = take(kQueries * keys);
  float* mixed = take(kQueries * width);
  float* sums = take(kQueries);
  const int64_t stride = a.heads * a.width, value_stride = a.heads * a.value_width;
  job.kernels.gather({a.key + batch * a.keys * stride + head * a.width, stride, a.keys, a.width,
                      keys, turned});
  const float* value = a.value + batch * a.keys * value_stride + head * a.value_width;
  for (int64_t i = 0; i < a.keys; ++i) {
    std::copy_n(value + i * value_stride, a.value_width, values + i * width);
    std::fill(values + i * width + a.value_width, values + (i + 1) * width, 0.0f);
  }
  for (int64_t first = 0; first < a.queries; first += kQueries) {
    const int64_t count = std::min(kQueries, a.queries - first);
    const float* from = a.query + (batch * a.queries + first) * stride + head * a.width;
    const int64_t* strides = a.mask_strides;
    const int64_t mask = batch * strides[0] + head * strides[1] + first * strides[2];
    float* to = a.to + (batch * a.queries + first) * value_stride + head * a.value_width;
    job.kernels.attend({from, stride, a.scale, turned, values, a.mask ? a.mask + mask : nullptr,
                        count, a.width, a.keys, keys, a.value_width, width, strides[2], strides[3],
                        scores, mixed, sums, to, value_stride});
  }
}

// No exception may leave a task: it runs on a thread of the runtime.
void task(void* state, size_t index) {
  Job& job = *static_cast<Job*>(state);
  try {
    attend_head(job, int64_t(index) / job.a.heads, int64_t(index) % job.a.heads);
  } catch (const std::bad_alloc&) {
    job.out_of_memory = true;
  }
}

}  // namespace

void attend(const Attention& attention, const Kernels& kernels, const Pool& pool) {
  Job job{attention, kernels};
  const size_t tasks = size_t(attention.batch * attention.heads);
  if (tasks == 0 || attention.queries == 0 || attention.value_width == 0) return;
  if (attention.keys == 0) {
    std::fill_n(attention.to, tasks * attention.queries * attention.value_width, 0.0f);
    return;
  }
  pool.run(pool.context, task, tasks, &job);
  if (job.out_of_memory) throw std::bad_alloc();
}

}  // namespace sparsify
