// Activations on vectors of floats, to a relative 1e-5 and an absolute 1e-7.
#pragma once

#include "layout.h"
#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparsify {
namespace {

template <typename V>
inline V splat(float value) {
  return V{} + value;
}

template <typename V>
inline typename Integers<V>::type bits_of(V value) {
  typename Integers<V>::type bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

template <typename V>
inline V from_bits(typename Integers<V>::type bits) {
  V value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// 2^x to 2e-7, for x from -126 to 127.
template <typename V>
inline V power_of_two(V x) {
  const V shift = splat<V>(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const V shifted = x + shift;
  const V r = x - (shifted - shift);
  V p = splat<V>(0.00133335579f);
  p = p * r + 0.00967589207f;
  p = p * r + 0.0555053614f;
  p = p * r + 0.240221113f;
  p = p * r + 0.693147063f;
  p = p * r + 1.00000012f;
  return from_bits<V>(bits_of(p) + (bits_of(shifted) << 23));  // the low bits are the integer
}

template <typename V>
inline V exponential(V x) {
  V y = x * 1.44269504f;
  y = 127.0f < y ? splat<V>(127.0f) : y;
  return power_of_two<V>(-126.0f > y ? splat<V>(-126.0f) : y);
}

// z times the share of a normal distribution above z, for z >= 0, to 1e-7: the logarithm of that
// share is nearly a parabola. The polynomial was fitted on [0, 6], where the product ends as 6e-9.
template <typename V>
inline V above(V z) {
  z = 6.0f < z ? splat<V>(6.0f) : z;
  V p = splat<V>(7.36898116e-08f);
  p = p * z - 1.96370274e-06f;
  p = p * z + 1.98687339e-05f;
  p = p * z - 6.70108639e-05f;
  p = p * z - 0.000489596743f;
  p = p * z + 0.00762814796f;
  p = p * z - 0.0529860482f;
  p = p * z - 0.458995432f;
  p = p * z - 1.15114272f;
  p = p * z - 0.999998629f;
  return z * power_of_two<V>(p);
}

#if LANES >= 16
// The same from a table, which one instruction looks up for all lanes.
template <>
inline Float16 above<Float16>(Float16 z) {
  const Float16 shift = splat<Float16>(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Float16 place = (Tail::kEnd < z ? splat<Float16>(Tail::kEnd) : z) * Tail::kSegmentsOfOne;
  const Float16 shifted = place + shift;
  const Float16 apart = place - (shifted - shift);
  __m512i segment;
  __builtin_memcpy(&segment, &shifted, sizeof segment);  // its low bits are the integer
  const auto power = [&](int k) {
    const float* row = kTail.powers[k];
    return Float16(_mm512_permutex2var_ps(_mm512_load_ps(row), segment, _mm512_load_ps(row + 16)));
  };
  Float16 p = power(Tail::kPowers - 1);
#pragma GCC unroll 4
  for (int k = Tail::kPowers - 2; k >= 0; --k) p = p * apart + power(k);
  return p;
}
#endif

template <typename V>
inline V logistic(V x) {
  return 1.0f / (1.0f + exponential<V>(-x));
}

template <Activation kind, typename V>
inline V activate(V x) {
  if constexpr (kind == Activation::relu) {
    return x < 0.0f ? V{} : x;
  } else if constexpr (kind == Activation::gelu) {
    return (0.0f > x ? V{} : x) - above<V>(from_bits<V>(bits_of(x) & 0x7fffffff));
  } else if constexpr (kind == Activation::gelu_tanh) {
    return x * logistic<V>(1.5957691216f * (x + 0.044715f * x * x * x));
  } else if constexpr (kind == Activation::silu) {
    return x * logistic<V>(x);
  }
  return x;
}

}  // namespace
}  // namespace sparsify
