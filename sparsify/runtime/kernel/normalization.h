// Layer normalization with a residual, for any width of vector.
#pragma once

#include "attention_kernels.h"

namespace sparsify {
namespace {

// The last numbers of a token, which fill no vector, with zeros behind them.
template <typename V>
inline V load_part(const float* from, int64_t count) {
  V value{};
  __builtin_memcpy(&value, from, size_t(count) * sizeof(float));
  return value;
}

// Calls each(place, count, sum) for whole vectors and for what is left; the vectors go into four sums
// in turn, because each addition waits for the one before it.
constexpr int64_t kSums = 4;

template <typename Each>
inline void in_vectors(int64_t width, Each each) {
  int64_t i = 0;
  for (; i + kSums * LANES <= width; i += kSums * LANES) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < kSums; ++v) each(i + v * LANES, int64_t(LANES), v);
  }
  for (; i + LANES <= width; i += LANES) each(i, int64_t(LANES), int64_t(0));
  if (i < width) each(i, width - i, int64_t(0));
}

template <typename V>
inline V load_some(const float* from, int64_t count) {
  return count == LANES ? load<V>(from) : load_part<V>(from, count);
}

template <typename V>
inline void store_some(float* to, V value, int64_t count) {
  if (count == LANES) store(to, value);
  else __builtin_memcpy(to, &value, size_t(count) * sizeof(float));
}

// The mean first and the variance around it: no digits are lost where numbers are far from zero.
void normalize(const Normalize& n) {
  using V = Vector<LANES>::type;
  const auto sum_of = [](const V(&sums)[kSums]) {
    return folded((sums[0] + sums[1]) + (sums[2] + sums[3]), [](auto a, auto b) { return a + b; });
  };
  for (int64_t token = 0; token < n.tokens; ++token) {
    float* numbers = n.numbers + token * n.width;
    const float* residual = n.residual + token * n.width;
    V sums[kSums] = {};
    in_vectors(n.width, [&](int64_t i, int64_t count, int64_t at) {
      const V sum = load_some<V>(numbers + i, count) + load_some<V>(residual + i, count);
      store_some(numbers + i, sum, count);
      sums[at] += sum;
    });
    const float mean = sum_of(sums) / float(n.width);
    V squares[kSums] = {};
    in_vectors(n.width, [&](int64_t i, int64_t count, int64_t at) {
      if (count < LANES) {
        for (int64_t k = i; k < n.width; ++k) squares[0][0] += (numbers[k] - mean) * (numbers[k] - mean);
        return;
      }
      const V apart = load<V>(numbers + i) - mean;
      squares[at] += apart * apart;
    });
    const float variance = sum_of(squares) / float(n.width);
    const float share = 1.0f / __builtin_sqrtf(variance + n.epsilon);
    in_vectors(n.width, [&](int64_t i, int64_t count, int64_t) {
      const V scaled = (load_some<V>(numbers + i, count) - mean) * share *
                       load_some<V>(n.scale + i, count);
      store_some(numbers + i, scaled + load_some<V>(n.bias + i, count), count);
    });
  }
}

}  // namespace
}  // namespace sparsify
