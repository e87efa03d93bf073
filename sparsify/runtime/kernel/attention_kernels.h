// One head's attention for a block of queries, for any width of vector.
#pragma once

#include "kernels.h"

namespace sparsify {
namespace {

constexpr int64_t kQuad = 4;  // rows that share what is loaded
constexpr int64_t kVectors = QUAD_VECTORS;

// products[row][column] of four rows: sum over k of left[row][k] * right[k][column].
template <int64_t vectors>
inline void quad_product(const float* left, int64_t left_stride, const float* right,
                         int64_t right_stride, int64_t depth, float* products, int64_t stride) {
  using V = Vector<LANES>::type;
  V sums[kQuad][vectors] = {};
  for (int64_t k = 0; k < depth; ++k) {
    V row[vectors];
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) row[v] = load<V>(right + k * right_stride + v * LANES);
#pragma GCC unroll 4
    for (int64_t i = 0; i < kQuad; ++i) {
      const float number = left[i * left_stride + k];
#pragma GCC unroll 4
      for (int64_t v = 0; v < vectors; ++v) sums[i][v] += number * row[v];
    }
  }
#pragma GCC unroll 4
  for (int64_t i = 0; i < kQuad; ++i) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) store(products + i * stride + v * LANES, sums[i][v]);
  }
}

// The same for any number of columns and rows, whole vectors and fours of them.
void product(const float* left, int64_t left_stride, const float* right, int64_t columns,
             int64_t rows, int64_t depth, float* products) {
  int64_t column = 0;
  const auto each = [&](auto multiply) {
    for (int64_t row = 0; row < rows; row += kQuad) {
      multiply(left + row * left_stride, left_stride, right + column, columns, depth,
               products + row * columns + column, columns);
    }
  };
  for (; column + kVectors * LANES <= columns; column += kVectors * LANES) {
    each(quad_product<kVectors>);
  }
  for (; column < columns; column += LANES) each(quad_product<1>);
}

// One number of all lanes, by halves.
template <typename V, typename Join>
inline float folded(V value, Join join) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  if constexpr (lanes == 4) {
    return join(join(value[0], value[1]), join(value[2], value[3]));
  } else {
    using Half = typename Vector<lanes / 2>::type;
    Half halves[2];
    __builtin_memcpy(halves, &value, sizeof value);
    return folded<Half>(join(halves[0], halves[1]), join);
  }
}

// exp(scores - the largest) in place; what they sum up to.
inline float exponentials(float* scores, int64_t keys, int64_t padded) {
  using V = Vector<LANES>::type;
  for (int64_t key = keys; key < padded; ++key) scores[key] = -__builtin_inff();
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  V most = load<V>(scores);
  for (int64_t key = LANES; key < padded; key += LANES) {
    const V next = load<V>(scores + key);
    most = larger(next, most);
  }
  const float largest = folded(most, larger);
  V sums{};
  for (int64_t key = 0; key < padded; key += LANES) {
    const V value = exponential<V>(load<V>(scores + key) - largest);
    store(scores + key, value);
    sums += value;
  }
  return folded(sums, [](auto a, auto b) { return a + b; });
}

// Queries are read where they lie; the last ones, if they are no four, with zeros behind them.
void score(const Attend& a) {
  const int64_t whole = a.queries / kQuad * kQuad, rest = a.queries - whole;
  product(a.query, a.query_stride, a.keys_turned, a.padded_keys, whole, a.width, a.scores);
  if (rest == 0) return;
  for (int64_t i = 0; i < kQuad; ++i) {
    for (int64_t c = 0; c < a.width; ++c) {
      a.last[i * a.width + c] = i < rest ? a.query[(whole + i) * a.query_stride + c] : 0.0f;
    }
  }
  product(a.last, a.width, a.keys_turned, a.padded_keys, kQuad, a.width,
          a.scores + whole * a.padded_keys);
}

// Attention of `a.queries` (at most kQueries) queries to all keys.
void attend(const Attend& a) {
  score(a);
  const int64_t rows = (a.queries + kQuad - 1) / kQuad * kQuad;
  for (int64_t i = 0; i < a.queries; ++i) {
    float* scores = a.scores + i * a.padded_keys;
    for (int64_t key = 0; key < a.padded_keys; ++key) scores[key] *= a.scale;
    if (a.mask) {
      const float* mask = a.mask + i * a.mask_query_stride;
      for (int64_t key = 0; key < a.keys; ++key) scores[key] += mask[key * a.mask_key_stride];
    }
    a.sums[i] = exponentials(scores, a.keys, a.padded_keys);
  }
  product(a.scores, a.padded_keys, a.values, a.padded_value_width, rows, a.keys, a.mixed);
  for (int64_t i = 0; i < a.queries; ++i) {
    const float share = 1.0f / a.sums[i];
    float* to = a.to + i * a.to_stride;
    const float* from = a.mixed + i * a.padded_value_width;
    for (int64_t c = 0; c < a.value_width; ++c) to[c] = from[c] * share;
  }
}

}  // namespace
}  // namespace sparsify
