// Attention of texts to themselves, from what the layer before made to what the next one reads.
#pragma once

#include <cstdint>
#include <vector>

#include "layout.h"
#include "linear.h"

namespace sparsify {

struct SelfAttention {
  std::vector<Layer> layers;  // query, key, value and output; the scale is in the query's weight
  int64_t heads;

  const Weight& weight(size_t layer) const { return layers[layer].weight; }
};

// Sizes and inputs; a mask's stride is 0 along what it is the same for.
struct Texts {
  int64_t batch, length;
  const float* inputs;  // [batch][length][inputs]
  const float* mask;    // added to the scores [batch][heads][length][length], or null
  int64_t mask_strides[4];
  const Normalization* normalization;
  const float* residual;  // [batch][length][outputs], where there is a normalization
  float* outputs;         // [batch][length][outputs]
};

// outputs = output(softmax(query(inputs) key(inputs)^T + mask) value(inputs)); with a
// normalization, that of outputs + residual.
void attend_self(const SelfAttention& attention, const Texts& texts, const Kernels& kernels,
                 const Pool& pool);

}  // namespace sparsify
