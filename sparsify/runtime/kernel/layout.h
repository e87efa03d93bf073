// What the kernels are given. Only plain data: the kernels are compiled for other instruction sets
// than the rest and must not share inline code with it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace sparsify {

enum class Activation { none, relu, gelu, gelu_tanh, silu };

struct Run {
  uint32_t length;  // entries of every row
  uint32_t count;   // rows
};

// sums[row][token] (+)= values x inputs, for the rows of one piece.
struct Work {
  const Run* runs;
  const Run* runs_end;
  const uint16_t* order;
  const uint16_t* columns;
  const float* values;
  const float* bias;    // of the chunk's first row, or null when sums continue
  const float* inputs;  // [column in band][token]
  float* sums;          // of the chunk's first row
};

// tokens x width numbers at a distance of `stride` a token -> [width][panel], missing tokens zero.
struct Gather {
  const float* from;
  int64_t stride, tokens, width, panel;
  float* to;
};

// [rows][panel] -> rows numbers for each of the tokens, at a distance of `stride` a token.
struct Scatter {
  const float* from;
  int64_t rows, panel, tokens, stride;
  Activation activation;
  float* to;
};

struct Kernels {
  const char* name;
  void (*gather)(const Gather&);
  void (*multiply_single)(const Work&, int64_t panel);
  void (*multiply_quad)(const Work&, int64_t panel);
  void (*scatter)(const Scatter&);
};

extern const Kernels kPortable;
#if defined(__x86_64__)
extern const Kernels kAvx2, kAvx512;
#endif

}  // namespace sparsify
