// Activations on vectors of floats, accurate to a few units in the last place.
#pragma once

#include "layout.h"
#include "vectors.h"

namespace sparsify {
namespace {

template <typename V>
inline V splat(float value) {
  return V{} + value;
}

// Cody and Waite's reduction by ln 2 and the polynomial of Cephes; 0 below the smallest normal.
template <typename V>
inline V exponential(V x) {
  using I = typename Integers<V>::type;
  const V low = splat<V>(-87.33654f), high = splat<V>(88.37626f);
  const auto vanishes = x < low;
  x = x > high ? high : x;
  x = vanishes ? low : x;
  const V shift = splat<V>(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const V shifted = x * 1.44269504f + shift;
  const V n = shifted - shift;
  const V r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  V p = splat<V>(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  I bits, power;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  power = (bits << 23) + 0x3f800000;  // the low bits of `shifted` are n
  V scale;
  __builtin_memcpy(&scale, &power, sizeof scale);
  return vanishes ? V{} : p * scale;
}

// 1 - erf(z) for z >= 0, relative error 1.2e-7: Press et al., Numerical Recipes, section 6.2.
template <typename V>
inline V complementary_error(V z) {
  const V t = 1.0f / (1.0f + 0.5f * z);
  V p = splat<V>(0.17087277f);
  p = p * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  return t * exponential<V>(p - z * z);
}

template <typename V>
inline V logistic(V x) {
  return 1.0f / (1.0f + exponential<V>(-x));
}

template <Activation kind, typename V>
inline V activate(V x) {
  if constexpr (kind == Activation::relu) {
    return x < 0.0f ? V{} : x;
  } else if constexpr (kind == Activation::gelu) {
    const V tail = 0.5f * complementary_error<V>((x < 0.0f ? -x : x) * 0.70710678f);
    return x * (x < 0.0f ? tail : 1.0f - tail);
  } else if constexpr (kind == Activation::gelu_tanh) {
    return x * logistic<V>(1.5957691216f * (x + 0.044715f * x * x * x));
  } else if constexpr (kind == Activation::silu) {
    return x * logistic<V>(x);
  }
  return x;
}

}  // namespace
}  // namespace sparsify
