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
  float* to;
};

// softmax(query keys^T + mask) values for one head and a block of queries.
constexpr int64_t kQueries = 32;
struct Attend {
  const float* query;        // [kQueries][width], scaled
  const float* keys_turned;  // [width][padded_keys]
  const float* values;       // [keys][padded_value_width]
  const float* mask;         // of the first query, or null
  int64_t queries, width, keys, padded_keys, value_width, padded_value_width;
  int64_t mask_query_stride, mask_key_stride;
  float* scores;  // [kQueries][padded_keys]
  float* mixed;   // [kQueries][padded_value_width]
  float* sums;    // [kQueries]
  float* to;
  int64_t to_stride;
};

struct Kernels {
  const char* name;
  int64_t lanes;  // to which the sizes of an attention are padded
  void (*gather)(const Gather&);
  void (*multiply_single)(const Work&, int64_t panel);
  void (*multiply_quad)(const Work&, int64_t panel);
  void (*scatter)(const Scatter&);
  void (*activate)(float* numbers, int64_t count, Activation);
  void (*attend)(const Attend&);
};

extern const Kernels kPortable;
#if defined(__x86_64__)
extern const Kernels kAvx2, kAvx512;
#endif

}  // namespace sparsify
