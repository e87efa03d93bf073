// One head's attention for a block of queries, for any width of vector.
#pragma once

#include "kernels.h"

namespace sparsify {
namespace {

constexpr int64_t kQuad = 4;  // rows that share what is loaded
constexpr int64_t kVectors = QUAD_VECTORS;

// The product of some rows from `row` on with some vectors of columns from `column` on.
template <int64_t rows, int64_t vectors>
inline void product_of(const Product& p, int64_t row, int64_t column) {
  using V = Vector<LANES>::type;
  const float* left = p.left + row * p.left_stride;
  const float* right = p.right + column;
  float* to = p.to + row * p.stride + column;
  const int64_t left_stride = p.left_stride, depth_stride = p.depth_stride, stride = p.stride;
  const int64_t right_stride = p.right_stride, depth = p.depth;
  V sums[rows][vectors] = {};
  for (int64_t i = 0; p.more && i < rows; ++i) {
    for (int64_t v = 0; v < vectors; ++v) sums[i][v] = load<V>(to + i * stride + v * LANES);
  }
  for (int64_t k = 0; k < depth; ++k) {
    V numbers[vectors];
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) {
      numbers[v] = load<V>(right + k * right_stride + v * LANES);
    }
#pragma GCC unroll 4
    for (int64_t i = 0; i < rows; ++i) {
      const float number = left[i * left_stride + k * depth_stride];
#pragma GCC unroll 4
      for (int64_t v = 0; v < vectors; ++v) sums[i][v] += number * numbers[v];
    }
  }
#pragma GCC unroll 4
  for (int64_t v = 0; v < vectors; ++v) {
    const V factor = p.factors ? load<V>(p.factors + column + v * LANES) : V{} + 1.0f;
#pragma GCC unroll 4
    for (int64_t i = 0; i < rows; ++i) store(to + i * stride + v * LANES, sums[i][v] * factor);
  }
}

// All rows, four at a time, with some vectors of columns from `column` on.
template <int64_t vectors>
inline void product_of_columns(const Product& p, int64_t column) {
  int64_t row = 0;
  for (; row + kQuad <= p.rows; row += kQuad) product_of<kQuad, vectors>(p, row, column);
  for (; row < p.rows; ++row) product_of<1, vectors>(p, row, column);
}

void product(const Product& p) {
  int64_t column = 0;
  for (; column + kVectors * LANES <= p.columns; column += kVectors * LANES) {
    product_of_columns<kVectors>(p, column);
  }
  for (; column < p.columns; column += LANES) product_of_columns<1>(p, column);
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

// Attention of `a.queries` (at most kQueries) queries to all keys; queries are read where they lie.
void attend(const Attend& a) {
  product({a.query, a.query_stride, 1, a.keys_turned, a.padded_keys, a.queries, a.width,
           a.padded_keys, false, nullptr, a.scores, a.padded_keys});
  for (int64_t i = 0; i < a.queries; ++i) {
    float* scores = a.scores + i * a.padded_keys;
    for (int64_t key = 0; key < a.padded_keys; ++key) scores[key] *= a.scale;
    if (a.mask) {
      const float* mask = a.mask + i * a.mask_query_stride;
      for (int64_t key = 0; key < a.keys; ++key) scores[key] += mask[key * a.mask_key_stride];
    }
    a.sums[i] = exponentials(scores, a.keys, a.padded_keys);
  }
  product({a.scores, a.padded_keys, 1, a.values, a.padded_value_width, a.queries, a.keys,
           a.padded_value_width, false, nullptr, a.mixed, a.padded_value_width});
  for (int64_t i = 0; i < a.queries; ++i) {
    const float share = 1.0f / a.sums[i];
    float* to = a.to + i * a.to_stride;
    const float* from = a.mixed + i * a.padded_value_width;
    for (int64_t c = 0; c < a.value_width; ++c) to[c] = from[c] * share;
  }
}

// ---- turned

// exp(scores + mask - the largest) of every column in place, and one over what they sum up to.
template <int64_t vectors>
void shares_of_columns(const Shares& s, int64_t column) {
  using V = Vector<LANES>::type;
  const auto in_row = [&](int64_t key, auto each) {
    float* scores = s.scores + key * s.columns + column;
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) each(v, scores + v * LANES);
  };
  V most[vectors], sums[vectors] = {};
  for (V& each : most) each = V{} - __builtin_inff();
  for (int64_t key = 0; key < s.keys; ++key) {
    const float added = s.key_mask ? s.key_mask[key * s.key_mask_stride] : 0.0f;
    const float* mask = s.mask ? s.mask + key * s.columns + column : nullptr;
    in_row(key, [&](int64_t v, float* scores) {
      V score = load<V>(scores);
      if (s.key_mask) score += added;
      if (mask) score += load<V>(mask + v * LANES);
      if (s.key_mask || mask) store(scores, score);
      most[v] = score > most[v] ? score : most[v];
    });
  }
  for (int64_t key = 0; key < s.keys; ++key) {
    in_row(key, [&](int64_t v, float* scores) {
      const V value = exponential<V>(load<V>(scores) - most[v]);
      store(scores, value);
      sums[v] += value;
    });
  }
  for (int64_t v = 0; v < vectors; ++v) store(s.shares + column + v * LANES, 1.0f / sums[v]);
}

void shares(const Shares& s) {
  int64_t column = 0;
  for (; column + kVectors * LANES <= s.columns; column += kVectors * LANES) {
    shares_of_columns<kVectors>(s, column);
  }
  for (; column < s.columns; column += LANES) shares_of_columns<1>(s, column);
}

}  // namespace
}  // namespace sparsify
