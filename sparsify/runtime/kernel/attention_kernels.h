// One head's attention for a block of queries, for any width of vector.
#pragma once

#include "kernels.h"

namespace sparsify {
namespace {

constexpr int64_t kQuad = 4;  // rows that share what is loaded
constexpr int64_t kVectors = QUAD_VECTORS;

// products[row][column] of some rows: sum over k of left[row][k] * right[k][column], added to what
// is there if `more` says so. The numbers of a row of `left` lie `depth_stride` apart.
template <int64_t rows, int64_t vectors>
inline void quad_product(const float* left, int64_t left_stride, int64_t depth_stride,
                         const float* right, int64_t right_stride, int64_t depth, bool more,
                         float* products, int64_t stride) {
  using V = Vector<LANES>::type;
  V sums[rows][vectors] = {};
  for (int64_t i = 0; more && i < rows; ++i) {
    for (int64_t v = 0; v < vectors; ++v) sums[i][v] = load<V>(products + i * stride + v * LANES);
  }
  for (int64_t k = 0; k < depth; ++k) {
    V row[vectors];
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) row[v] = load<V>(right + k * right_stride + v * LANES);
#pragma GCC unroll 4
    for (int64_t i = 0; i < rows; ++i) {
      const float number = left[i * left_stride + k * depth_stride];
#pragma GCC unroll 4
      for (int64_t v = 0; v < vectors; ++v) sums[i][v] += number * row[v];
    }
  }
#pragma GCC unroll 4
  for (int64_t i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) store(products + i * stride + v * LANES, sums[i][v]);
  }
}

// The same for any number of rows, and whole vectors of columns.
void product(const Product& p) {
  int64_t column = 0;
  const auto each = [&](auto four, auto one) {
    int64_t row = 0;
    const auto take = [&](auto multiply) {
      multiply(p.left + row * p.left_stride, p.left_stride, p.depth_stride, p.right + column,
               p.right_stride, p.depth, p.more, p.to + row * p.stride + column, p.stride);
    };
    for (; row + kQuad <= p.rows; row += kQuad) take(four);
    for (; row < p.rows; ++row) take(one);
  };
  for (; column + kVectors * LANES <= p.columns; column += kVectors * LANES) {
    each(quad_product<kQuad, kVectors>, quad_product<1, kVectors>);
  }
  for (; column < p.columns; column += LANES) each(quad_product<kQuad, 1>, quad_product<1, 1>);
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
           a.padded_keys, false, a.scores, a.padded_keys});
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
           a.padded_value_width, false, a.mixed, a.padded_value_width});
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
