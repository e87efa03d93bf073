// Squares of numbers, transposed in registers.
#pragma once

#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparsify {
namespace {

inline void transpose(Float4 (&rows)[4]) {
#if defined(__x86_64__)
  __m128 a, b, c, d;
  __builtin_memcpy(&a, &rows[0], 16);
  __builtin_memcpy(&b, &rows[1], 16);
  __builtin_memcpy(&c, &rows[2], 16);
  __builtin_memcpy(&d, &rows[3], 16);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  rows[0] = a, rows[1] = b, rows[2] = c, rows[3] = d;
#else
  Float4 turned[4];
  for (int i = 0; i < 4; ++i) {
    for (int k = 0; k < 4; ++k) turned[i][k] = rows[k][i];
  }
  for (int i = 0; i < 4; ++i) rows[i] = turned[i];
#endif
}

#if LANES >= 8
inline void transpose(Float8 (&rows)[8]) {
  __m256 pairs[8], fours[8];
  for (int i = 0; i < 4; ++i) {
    pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    const __m256* p = pairs + 4 * i;
    fours[4 * i] = _mm256_shuffle_ps(p[0], p[2], 0x44);
    fours[4 * i + 1] = _mm256_shuffle_ps(p[0], p[2], 0xee);
    fours[4 * i + 2] = _mm256_shuffle_ps(p[1], p[3], 0x44);
    fours[4 * i + 3] = _mm256_shuffle_ps(p[1], p[3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
  }
}
#endif

#if LANES >= 16
inline __m512 pairs_of(__m512 a, __m512 b, bool high) {
  const __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
  return _mm512_castpd_ps(high ? _mm512_unpackhi_pd(x, y) : _mm512_unpacklo_pd(x, y));
}

inline void transpose(Float16 (&rows)[16]) {
  __m512 pairs[16], fours[16];
  for (int i = 0; i < 8; ++i) {
    pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512* p = pairs + 4 * i;
    fours[4 * i] = pairs_of(p[0], p[2], false);
    fours[4 * i + 1] = pairs_of(p[0], p[2], true);
    fours[4 * i + 2] = pairs_of(p[1], p[3], false);
    fours[4 * i + 3] = pairs_of(p[1], p[3], true);
  }
  __m512 eights[16];
  for (int i = 0; i < 4; ++i) {
    eights[i] = _mm512_shuffle_f32x4(fours[i], fours[i + 4], 0x88);
    eights[i + 4] = _mm512_shuffle_f32x4(fours[i], fours[i + 4], 0xdd);
    eights[i + 8] = _mm512_shuffle_f32x4(fours[i + 8], fours[i + 12], 0x88);
    eights[i + 12] = _mm512_shuffle_f32x4(fours[i + 8], fours[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm512_shuffle_f32x4(eights[i], eights[i + 8], 0x88);
    rows[i + 8] = _mm512_shuffle_f32x4(eights[i], eights[i + 8], 0xdd);
    rows[i + 4] = _mm512_shuffle_f32x4(eights[i + 4], eights[i + 12], 0x88);
    rows[i + 12] = _mm512_shuffle_f32x4(eights[i + 4], eights[i + 12], 0xdd);
  }
}
#endif

}  // namespace
}  // namespace sparsify
