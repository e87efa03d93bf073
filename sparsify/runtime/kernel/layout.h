// What the kernels are given. Only plain data: the kernels are compiled for other instruction sets
// than the rest and must not share inline code with it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace sparsify {

enum class Activation { none, relu, gelu, gelu_tanh, silu };

// z times the share of a normal distribution above z, for z from 0 to 6, to 3e-8: a polynomial of the
// distance from the middle of each segment. The first segment begins in its middle.
struct Tail {
  static constexpr int kSegments = 32, kPowers = 5;
  static constexpr float kSegmentsOfOne = 5.248f, kEnd = 6;
  alignas(64) float powers[kPowers][kSegments];
  Tail();
};
extern const Tail kTail;

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

// sums[row][token] (+)= values x (inputs - zero points), fours of 8-bit integers at a time. The first
// piece of a row begins the sums and the last one turns them into numbers.
struct IntegerWork {
  const Run* runs;
  const Run* runs_end;
  const uint16_t* order;
  const uint16_t* columns;
  const int32_t* values;   // four signed bytes each
  const int32_t* row_sums; // of the values, of the chunk's first row; null when sums continue
  const float* row_scales; // of the chunk's first row; null when sums go on
  const float* bias;       // of the chunk's first row
  const int32_t* inputs;   // [four of inputs in band][token], four unsigned bytes each
  const float* token_scales;
  const int32_t* zero_points;  // of each token
  float* sums;             // of the chunk's first row; integers until the last piece
};

// Numbers in 8 bits, every token with a scale and a zero point of its own:
// number = (byte - zero_point) * scale. The scale of a token with a number that is not finite is NaN.
struct Quantized {
  int32_t* fours;  // [four of inputs][panel]; missing inputs are any byte
  float* scales;
  int32_t* zero_points;
};

// tokens x width numbers at a distance of `stride` a token; missing tokens are zero.
struct Quantize {
  const float* from;
  int64_t stride, tokens, width, panel;
  float* bytes;  // space for kTurned tokens, each of `width` bytes rounded up to kTurned fours
  Quantized to;
};
constexpr int64_t kTurned = 16;

// The same for numbers that lie as [width][panel].
struct QuantizeTurned {
  const float* from;
  int64_t width, panel;
  Quantized to;
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

// Layer normalization of numbers + residual in place, for tokens that lie one after the other.
struct Normalize {
  float* numbers;         // [tokens][width]
  const float* residual;  // [tokens][width]
  int64_t tokens, width;
  const float* scale;  // [width]
  const float* bias;   // [width]
  float epsilon;       // added to the variance
};

// softmax(query keys^T + mask) values for one head and a block of queries.
constexpr int64_t kQueries = 32;
struct Attend {
  const float* query;        // of the first query
  int64_t query_stride;      // between queries
  float scale;
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

// to[row][column] = factors[column] * (to[row][column] + sum over k of left[row][k] * right[k][column]).
struct Product {
  const float* left;
  int64_t left_stride, depth_stride;  // of `left`, from row to row and from k to k
  const float* right;
  int64_t right_stride;
  int64_t rows, depth, columns;  // columns fill whole vectors
  bool more;                     // whether what is there is added
  const float* factors;          // or null
  float* to;
  int64_t stride;
};

// The softmax of every column of scores + masks, but for the factor that each column is left with.
struct Shares {
  float* scores;  // [keys][columns]
  int64_t keys, columns;
  const float* key_mask;  // one for each key, or null
  int64_t key_mask_stride;
  const float* mask;  // [keys][columns], or null
  float* shares;      // [columns]
};

struct Kernels {
  const char* name;
  int64_t lanes;  // to which the sizes of an attention are padded
  void (*gather)(const Gather&);
  void (*multiply_single)(const Work&, int64_t panel);
  void (*multiply_quad)(const Work&, int64_t panel);
  void (*multiply_integers)(const IntegerWork&, int64_t panel);
  void (*quantize)(const Quantize&);
  void (*quantize_turned)(const QuantizeTurned&);
  void (*scatter)(const Scatter&);
  void (*activate)(float* numbers, int64_t count, Activation);
  void (*normalize)(const Normalize&);
  void (*attend)(const Attend&);
  void (*product)(const Product&);
  void (*shares)(const Shares&);
};

extern const Kernels kPortable;
#if defined(__x86_64__)
extern const Kernels kAvx2, kAvx512, kAvx512Vnni;
#endif

}  // namespace sparsify
