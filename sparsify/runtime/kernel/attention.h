// Attention whose heads lie beside one another in every token.
#pragma once

#include <cstdint>

#include "layout.h"
#include "linear.h"

namespace sparsify {

// Sizes and inputs; a mask's stride is 0 along what it is the same for.
struct Attention {
  int64_t batch, heads, queries, keys, width, value_width;
  const float* query;   // [batch][queries][heads][width]
  const float* key;     // [batch][keys][heads][width]
  const float* value;   // [batch][keys][heads][value_width]
  const float* mask;    // added to the scores, or null
  int64_t mask_strides[4];
  float scale;
  float* to;  // [batch][queries][heads][value_width]
};

void attend(const Attention& attention, const Kernels& kernels, const Pool& pool);

}  // namespace sparsify
