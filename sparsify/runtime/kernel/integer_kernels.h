// Products of 8-bit integers and how numbers become them, for any width of vector. All processors
// compute the same integers. INTEGER_ROWS: how many rows run side by side.
#pragma once

#include "kernels.h"

namespace sparsify {
namespace {

template <typename V> using IntegersOf = typename Integers<V>::type;

template <typename I>
inline I load_integers(const void* from) {
  I value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// ---- four products at once

// Four signed bytes, in every lane, as `dot` wants them.
template <typename I>
struct Four {
#if defined(__AVX512VNNI__)
  I all;
  explicit inline Four(int32_t bytes) : all(I{} + bytes) {}
#elif defined(__SSE2__)
  I even, odd;  // two 16-bit numbers in every lane
  explicit inline Four(int32_t bytes) {
    const auto byte = [&](int i) { return uint32_t(uint16_t(int8_t(uint32_t(bytes) >> 8 * i))); };
    even = I{} + int32_t(byte(0) | byte(2) << 16);
    odd = I{} + int32_t(byte(1) | byte(3) << 16);
  }
#else
  int32_t each[4];
  explicit inline Four(int32_t bytes) {
    for (int i = 0; i < 4; ++i) each[i] = int8_t(uint32_t(bytes) >> 8 * i);
  }
#endif
};

// sums + the four products of each lane's unsigned bytes.
#if defined(__AVX512VNNI__)
inline Int4 dot(Int4 sums, Int4 inputs, Int4 four) {
  return (Int4)_mm_dpbusd_epi32((__m128i)sums, (__m128i)inputs, (__m128i)four);
}
inline Int8 dot(Int8 sums, Int8 inputs, Int8 four) {
  return (Int8)_mm256_dpbusd_epi32((__m256i)sums, (__m256i)inputs, (__m256i)four);
}
inline Int16 dot(Int16 sums, Int16 inputs, Int16 four) {
  return (Int16)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)inputs, (__m512i)four);
}
template <typename I>
inline I dot(I sums, I inputs, const Four<I>& four) {
  return dot(sums, inputs, four.all);
}
#elif defined(__SSE2__)
inline Int4 pairs(Int4 a, Int4 b) { return (Int4)_mm_madd_epi16((__m128i)a, (__m128i)b); }
#if LANES >= 8
inline Int8 pairs(Int8 a, Int8 b) { return (Int8)_mm256_madd_epi16((__m256i)a, (__m256i)b); }
#endif
#if LANES >= 16
inline Int16 pairs(Int16 a, Int16 b) { return (Int16)_mm512_madd_epi16((__m512i)a, (__m512i)b); }
#endif
template <typename I>
inline I dot(I sums, I inputs, const Four<I>& four) {
  return sums + pairs(inputs & 0x00ff00ff, four.even) + pairs((inputs >> 8) & 0x00ff00ff, four.odd);
}
#else
template <typename I>
inline I dot(I sums, I inputs, const Four<I>& four) {
  for (int i = 0; i < 4; ++i) sums += ((inputs >> 8 * i) & 255) * four.each[i];
  return sums;
}
#endif

template <int64_t panel, int64_t rows, int64_t vectors>
__attribute__((always_inline)) inline void integer_rows(const IntegerWork& work,
                                                        const uint16_t* columns,
                                                        const int32_t* values, uint32_t length,
                                                        const uint16_t* order, int64_t token) {
  using V = VectorOf<panel>;
  using I = IntegersOf<V>;
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  const int32_t* inputs = work.inputs + token;
  I sums[rows][vectors];
#pragma GCC unroll 4
  for (int64_t r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) {
      if (work.row_sums) {
        sums[r][v] = load_integers<I>(work.zero_points + token + v * lanes) *
                     -work.row_sums[order[r]];
      } else {
        sums[r][v] = load_integers<I>(work.sums + order[r] * panel + token + v * lanes);
      }
    }
  }
  for (uint32_t i = 0; i < length; ++i) {
#pragma GCC unroll 4
    for (int64_t r = 0; r < rows; ++r) {
      const Four<I> four(values[i + r * length]);
      const int32_t* from = inputs + columns[i + r * length] * panel;
#pragma GCC unroll 4
      for (int64_t v = 0; v < vectors; ++v) {
        sums[r][v] = dot(sums[r][v], load_integers<I>(from + v * lanes), four);
      }
    }
  }
#pragma GCC unroll 4
  for (int64_t r = 0; r < rows; ++r) {
    float* place = work.sums + order[r] * panel + token;
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) {
      if (work.row_scales) {
        const V scale = load<V>(work.token_scales + token + v * lanes) * work.row_scales[order[r]];
        store(place + v * lanes, __builtin_convertvector(sums[r][v], V) * scale + work.bias[order[r]]);
      } else {
        __builtin_memcpy(place + v * lanes, &sums[r][v], sizeof(I));
      }
    }
  }
}

template <int64_t panel>
void multiply_integer_panel(const IntegerWork& work) {
  constexpr int64_t lanes = sizeof(VectorOf<panel>) / sizeof(float);
  constexpr int64_t vectors = least(panel / lanes, 4);
  const uint16_t* order = work.order;
  const uint16_t* columns = work.columns;
  const int32_t* values = work.values;
  const auto advance = [&](int64_t rows, uint32_t length) {
    order += rows;
    columns += rows * length;
    values += rows * length;
  };
  for (const Run* run = work.runs; run != work.runs_end; ++run) {
    const uint32_t length = run->length;
    uint32_t i = 0;
    for (; i + INTEGER_ROWS <= run->count; i += INTEGER_ROWS) {
      for (int64_t token = 0; token < panel; token += vectors * lanes) {
        integer_rows<panel, INTEGER_ROWS, vectors>(work, columns, values, length, order, token);
      }
      advance(INTEGER_ROWS, length);
    }
    for (; i < run->count; ++i) {
      for (int64_t token = 0; token < panel; token += vectors * lanes) {
        integer_rows<panel, 1, vectors>(work, columns, values, length, order, token);
      }
      advance(1, length);
    }
  }
}

// The entries of one row for a single token: as many as fill whole vectors, and how many those are.
#if defined(__AVX512VNNI__)
inline uint32_t whole_vectors(const uint16_t* columns, const int32_t* values, uint32_t length,
                              const int32_t* inputs, int32_t& sum) {
  uint32_t i = 0;
  __m512i sums = _mm512_setzero_si512();
  for (; i + 16 <= length; i += 16) {
    const __m512i at = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(columns + i)));
    sums = _mm512_dpbusd_epi32(sums, _mm512_i32gather_epi32(at, inputs, 4),
                               _mm512_loadu_si512(values + i));
  }
  sum += _mm512_reduce_add_epi32(sums);
  return i;
}
#else
inline uint32_t whole_vectors(const uint16_t*, const int32_t*, uint32_t, const int32_t*, int32_t&) {
  return 0;
}
#endif

void multiply_integer_vector(const IntegerWork& work) {
  const uint16_t* order = work.order;
  const uint16_t* columns = work.columns;
  const int32_t* values = work.values;
  for (const Run* run = work.runs; run != work.runs_end; ++run) {
    const uint32_t length = run->length;
    for (uint32_t i = 0; i < run->count; ++i) {
      const int64_t row = *order++;
      int32_t sum;
      __builtin_memcpy(&sum, work.sums + row, sizeof sum);
      if (work.row_sums) sum = -work.row_sums[row] * work.zero_points[0];
      uint32_t k = whole_vectors(columns, values, length, work.inputs, sum);
      for (; k < length; ++k) {
        const uint32_t input = uint32_t(work.inputs[columns[k]]), value = uint32_t(values[k]);
        for (int byte = 0; byte < 4; ++byte) {
          sum += int32_t(uint8_t(input >> 8 * byte)) * int8_t(value >> 8 * byte);
        }
      }
      if (work.row_scales) {
        work.sums[row] = float(sum) * (work.token_scales[0] * work.row_scales[row]) + work.bias[row];
      } else {
        __builtin_memcpy(work.sums + row, &sum, sizeof sum);
      }
      columns += length;
      values += length;
    }
  }
}

void multiply_integers(const IntegerWork& work, int64_t panel) {
  switch (panel) {
    case 1: return multiply_integer_vector(work);
    case 4: return multiply_integer_panel<4>(work);
    case 8: return multiply_integer_panel<8>(work);
    case 16: return multiply_integer_panel<16>(work);
    case 32: return multiply_integer_panel<32>(work);
    default: return multiply_integer_panel<64>(work);
  }
}

// ---- quantize

// To the nearest integer, halves to the even one. No sum is near the product that is rounded here: a
// fused one would round it otherwise, and only on some processors.
inline Int4 rounded(Float4 x) {
#if defined(__x86_64__)
  return (Int4)_mm_cvtps_epi32(x);
#else
  Int4 whole;
  for (int i = 0; i < 4; ++i) whole[i] = int32_t(__builtin_rintf(x[i]));
  return whole;
#endif
}
#if LANES >= 8
inline Int8 rounded(Float8 x) { return (Int8)_mm256_cvtps_epi32(x); }
#endif
#if LANES >= 16
inline Int16 rounded(Float16 x) { return (Int16)_mm512_cvtps_epi32(x); }
#endif

// What makes 8-bit numbers of those between the lowest and the highest.
template <typename V>
struct Steps {
  V inverse;
  IntegersOf<V> zero_point;

  Steps() = default;

  // `odd` is zero, or NaN where a number is not finite. Both ends include zero.
  inline Steps(V lowest, V highest, V odd, V& scale) {
    const V wanted = (highest - lowest) / 255.0f, smallest = splat<V>(1e-30f);
    scale = wanted > smallest ? wanted : smallest;
    inverse = 1.0f / scale;
    const V distance = -lowest * inverse;
    zero_point = clipped(rounded(distance == distance ? distance : V{}));
    scale += odd;
  }

  inline IntegersOf<V> of(V x) const {
    const V steps = x * inverse;
    return clipped(rounded(steps) + zero_point);
  }

  static inline IntegersOf<V> clipped(IntegersOf<V> x) {
    x = x < 0 ? IntegersOf<V>{} : x;
    return x > 255 ? IntegersOf<V>{} + 255 : x;
  }
};

template <typename V>
inline V smaller(V a, V b) { return a < b ? a : b; }
template <typename V>
inline V larger(V a, V b) { return a > b ? a : b; }

// One vector of numbers at a time, the last one filled up with zeros.
template <typename V, typename Each>
inline void each_vector(const float* numbers, int64_t count, Each each) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) each(i, load<V>(numbers + i));
  if (i == count) return;
  V last{};
  __builtin_memcpy(&last, numbers + i, size_t(count - i) * sizeof(float));
  each(i, last);
}

// The bytes of one token; its scale and zero point.
inline void quantize_token(const float* numbers, int64_t count, char* bytes, float& scale,
                           int32_t& zero_point) {
  using V = Vector<LANES>::type;
  V lowest{}, highest{}, odd{};
  each_vector<V>(numbers, count, [&](int64_t, V x) {
    lowest = smaller(x, lowest);
    highest = larger(x, highest);
    odd += x * 0.0f;
  });
  const auto low = [](auto a, auto b) { return smaller(a, b); };
  const auto high = [](auto a, auto b) { return larger(a, b); };
  const auto sum = [](auto a, auto b) { return a + b; };
  V scales;
  const Steps<V> steps(splat<V>(folded(lowest, low)), splat<V>(folded(highest, high)),
                       splat<V>(folded(odd, sum)), scales);
  scale = scales[0];
  zero_point = steps.zero_point[0];
  each_vector<V>(numbers, count, [&](int64_t i, V x) {
    const auto narrow = __builtin_convertvector(steps.of(x), typename Bytes<LANES>::type);
    __builtin_memcpy(bytes + i, &narrow, LANES);
  });
}

template <typename V>
void quantize_tiles(const Quantize& q) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  const int64_t fours = (q.width + 3) / 4, stride = (fours + kTurned - 1) / kTurned * kTurned;
  for (int64_t token = 0; token < q.panel; token += lanes) {
    for (int64_t i = 0; i < lanes; ++i) {
      const int64_t at = token + i;
      char* bytes = reinterpret_cast<char*>(q.bytes + i * stride);
      if (at < q.tokens) {
        quantize_token(q.from + at * q.stride, q.width, bytes, q.to.scales[at], q.to.zero_points[at]);
      } else {
        __builtin_memset(bytes, 0, size_t(stride) * 4);
        q.to.scales[at] = 1, q.to.zero_points[at] = 0;
      }
    }
    // bytes are only moved, four at a time, as if they were floats
    float* to = reinterpret_cast<float*>(q.to.fours) + token;
    for (int64_t four = 0; four < fours; four += lanes) {
      if (four + lanes <= fours) {
        turn<V>(q.bytes + four, stride, to + four * q.panel, q.panel);
      } else {
        turn_part<V>(q.bytes + four, stride, to + four * q.panel, q.panel, lanes, fours - four, true);
      }
    }
  }
}

void quantize(const Quantize& q) {
  switch (q.panel) {
    case 1:
      return quantize_token(q.from, q.width, reinterpret_cast<char*>(q.to.fours), q.to.scales[0],
                            q.to.zero_points[0]);
    case 4: return quantize_tiles<VectorOf<4>>(q);
    case 8: return quantize_tiles<VectorOf<8>>(q);
    default: return quantize_tiles<VectorOf<16>>(q);
  }
}

// `vectors` of tokens, from `token` on: what lies together is read together.
template <typename V, int64_t vectors>
inline void quantize_columns(const QuantizeTurned& q, int64_t token) {
  using I = IntegersOf<V>;
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  const float* from = q.from + token;
  V lowest[vectors] = {}, highest[vectors] = {}, odd[vectors] = {};
  for (int64_t row = 0; row < q.width; ++row) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) {
      const V x = load<V>(from + row * q.panel + v * lanes);
      lowest[v] = smaller(x, lowest[v]);
      highest[v] = larger(x, highest[v]);
      odd[v] += x * 0.0f;
    }
  }
  Steps<V> steps[vectors];
#pragma GCC unroll 4
  for (int64_t v = 0; v < vectors; ++v) {
    V scale;
    steps[v] = Steps<V>(lowest[v], highest[v], odd[v], scale);
    store(q.to.scales + token + v * lanes, scale);
    __builtin_memcpy(q.to.zero_points + token + v * lanes, &steps[v].zero_point, sizeof(I));
  }
  for (int64_t row = 0; row < q.width; row += 4) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < vectors; ++v) {
      I four{};
      for (int64_t i = 0; i < least(4, q.width - row); ++i) {
        four |= steps[v].of(load<V>(from + (row + i) * q.panel + v * lanes)) << int32_t(8 * i);
      }
      __builtin_memcpy(q.to.fours + row / 4 * q.panel + token + v * lanes, &four, sizeof(I));
    }
  }
}

template <int64_t panel>
void quantize_panel(const QuantizeTurned& q) {
  using V = VectorOf<panel>;
  constexpr int64_t lanes = sizeof(V) / sizeof(float), vectors = least(panel / lanes, 4);
  for (int64_t token = 0; token < panel; token += vectors * lanes) {
    quantize_columns<V, vectors>(q, token);
  }
}

void quantize_turned(const QuantizeTurned& q) {
  switch (q.panel) {
    case 1:
      return quantize_token(q.from, q.width, reinterpret_cast<char*>(q.to.fours), q.to.scales[0],
                            q.to.zero_points[0]);
    case 4: return quantize_panel<4>(q);
    case 8: return quantize_panel<8>(q);
    case 16: return quantize_panel<16>(q);
    case 32: return quantize_panel<32>(q);
    default: return quantize_panel<64>(q);
  }
}

}  // namespace
}  // namespace sparsify
