// The product of inputs with a sparse weight.
#pragma once

#include <cstdint>
#include <vector>

#include "layout.h"
#include "weight.h"

namespace sparsify {

// The fastest kernels that this processor runs, or those that SPARSIFY_KERNEL names (portable,
// avx2, avx512, avx512vnni). Throws Malformed when it names none that run here.
const Kernels& choose_kernels();

// Calls task(0) ... task(count - 1), each once, in any order and on any thread.
using Task = void (*)(void* state, size_t index);
struct Pool {
  void* context;
  void (*run)(void* context, Task task, size_t count, void* state);
};

struct Layer {
  Weight weight;
  Activation activation;
};

// What becomes of the outputs of the last layer: their layer normalization with a residual.
struct Normalization {
  std::vector<float> scale, bias;  // one a row
  float epsilon;
};

// outputs[token][row] = activation(inputs[token] . weight[row] + bias[row]), layer after layer; with
// a normalization, that of outputs + residual.
void multiply(const Layer* layers, size_t count, const Kernels& kernels, const float* inputs,
              int64_t tokens, float* outputs, const Pool& pool,
              const Normalization* normalization = nullptr, const float* residual = nullptr);

}  // namespace sparsify
