// The kernels, for any width of vector. Every file that includes this is compiled for one
// instruction set and defines LANES (floats of the widest vector), SINGLE_VECTORS and QUAD_VECTORS
// (how many sums of a row, and of each of four rows, stay in registers).
//
// Nothing of the standard library is used: an inline function of it, compiled here for a newer
// processor, could be the copy that the linker keeps for all.
#pragma once

#include "activation.h"
#include "layout.h"
#include "transpose.h"

namespace sparsify {
namespace {

template <typename V>
inline V load(const float* from) {
  V value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

template <typename V>
inline void store(float* to, V value) {
  __builtin_memcpy(to, &value, sizeof value);
}

constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// The vector for a panel of `panel` tokens: the widest that it fills.
template <int64_t panel> using VectorOf = typename Vector<least(panel, LANES)>::type;

// ---- multiply

// `vectors` of the sums of one unit of rows: tokens [token, token + vectors * lanes).
template <typename V, int64_t unit, int64_t vectors>
struct Sums {
  V at[unit][vectors];

  template <typename Initial>
  explicit inline Sums(Initial initial) {
#pragma GCC unroll 4
    for (int64_t u = 0; u < unit; ++u) {
#pragma GCC unroll 16
      for (int64_t v = 0; v < vectors; ++v) at[u][v] = initial(u, v);
    }
  }

  // The same for one row, whose value is in every lane already.
  inline void add_to_row(V value, const float* inputs) {
#pragma GCC unroll 16
    for (int64_t v = 0; v < vectors; ++v) {
      at[0][v] += value * load<V>(inputs + v * int64_t(sizeof(V) / sizeof(float)));
    }
  }

  inline void add(const float* values, const float* inputs) {
#pragma GCC unroll 4
    for (int64_t u = 0; u < unit; ++u) {
#pragma GCC unroll 16
      for (int64_t v = 0; v < vectors; ++v) {
        at[u][v] += values[u] * load<V>(inputs + v * int64_t(sizeof(V) / sizeof(float)));
      }
    }
  }
};

template <int64_t panel, int64_t unit, int64_t vectors>
__attribute__((always_inline)) inline void row_products(const Work& work, const uint16_t* columns, const float* values,
                         uint32_t length, int64_t row, int64_t token) {
  using V = VectorOf<panel>;
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  float* place = work.sums + row * unit * panel + token;
  const float* inputs = work.inputs + token;
  using Kept = Sums<V, unit, vectors>;
  const float* bias = work.bias + row * unit;
  Kept sums = work.bias ? Kept([&](int64_t u, int64_t) { return V{} + bias[u]; })
                        : Kept([&](int64_t u, int64_t v) {
                            return load<V>(place + u * panel + v * lanes);
                          });
  uint32_t i = 0;
#if LANES >= 16
  // A load of a whole vector is what the processor does once a cycle: four values share one, and
  // four columns another.
  if constexpr (unit == 1 && lanes == 16) {
    for (; i + 4 <= length; i += 4) {
      uint64_t next;
      __builtin_memcpy(&next, columns + i, sizeof next);
      const __m512 four = _mm512_broadcast_f32x4(_mm_loadu_ps(values + i));
      sums.add_to_row(_mm512_permute_ps(four, 0x00), inputs + (next & 0xffff) * panel);
      sums.add_to_row(_mm512_permute_ps(four, 0x55), inputs + (next >> 16 & 0xffff) * panel);
      sums.add_to_row(_mm512_permute_ps(four, 0xaa), inputs + (next >> 32 & 0xffff) * panel);
      sums.add_to_row(_mm512_permute_ps(four, 0xff), inputs + (next >> 48) * panel);
    }
  }
#endif
  for (; i < length; ++i) sums.add(values + i * unit, inputs + columns[i] * panel);
#pragma GCC unroll 4
  for (int64_t u = 0; u < unit; ++u) {
#pragma GCC unroll 16
    for (int64_t v = 0; v < vectors; ++v) store(place + u * panel + v * lanes, sums.at[u][v]);
  }
}

template <int64_t panel, int64_t unit>
void multiply_panel(const Work& work) {
  constexpr int64_t lanes = sizeof(VectorOf<panel>) / sizeof(float);
  constexpr int64_t vectors = least(panel / lanes, unit == 1 ? SINGLE_VECTORS : QUAD_VECTORS);
  const uint16_t* order = work.order;
  const uint16_t* columns = work.columns;
  const float* values = work.values;
  for (const Run* run = work.runs; run != work.runs_end; ++run) {
    const uint32_t length = run->length;
    for (uint32_t i = 0; i < run->count; ++i) {
      for (int64_t token = 0; token < panel; token += vectors * lanes) {
        row_products<panel, unit, vectors>(work, columns, values, length, *order, token);
      }
      ++order;
      columns += length;
      values += length * unit;
    }
  }
}

// One token: four sums a row, because each addition waits for the one before it.
template <int64_t unit>
void multiply_vector(const Work& work) {
  const uint16_t* order = work.order;
  const uint16_t* columns = work.columns;
  const float* values = work.values;
  for (const Run* run = work.runs; run != work.runs_end; ++run) {
    const uint32_t length = run->length;
    for (uint32_t i = 0; i < run->count; ++i) {
      const int64_t row = int64_t(*order++) * unit;
      for (int64_t u = 0; u < unit; ++u) {
        float sums[4] = {work.bias ? work.bias[row + u] : work.sums[row + u], 0, 0, 0};
        uint32_t k = 0;
        for (; k + 4 <= length; k += 4) {
          for (uint32_t s = 0; s < 4; ++s) {
            sums[s] += values[(k + s) * unit + u] * work.inputs[columns[k + s]];
          }
        }
        for (; k < length; ++k) sums[0] += values[k * unit + u] * work.inputs[columns[k]];
        work.sums[row + u] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      }
      columns += length;
      values += length * unit;
    }
  }
}

template <int64_t unit>
void multiply(const Work& work, int64_t panel) {
  switch (panel) {
    case 1: return multiply_vector<unit>(work);
    case 4: return multiply_panel<4, unit>(work);
    case 8: return multiply_panel<8, unit>(work);
    case 16: return multiply_panel<16, unit>(work);
    case 32: return multiply_panel<32, unit>(work);
    case 64: return multiply_panel<64, unit>(work);
    default: return multiply_panel<128, unit>(work);
  }
}

// ---- gather and scatter

// Numbers ahead of those that are turned: a tile has a line of each of many tokens, more streams
// than the processor foresees by itself.
constexpr int64_t kReadAhead = 64, kWriteAhead = 32;

template <bool written>
inline void fetch_ahead(const float* from, int64_t stride, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    __builtin_prefetch(from + i * stride + (written ? kWriteAhead : kReadAhead), written);
  }
}

// A square of numbers, its rows `from_stride` apart, turned.
template <typename V>
inline void turn(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  V square[lanes];
#pragma GCC unroll 16
  for (int64_t i = 0; i < lanes; ++i) square[i] = load<V>(from + i * from_stride);
  transpose(square);
#pragma GCC unroll 16
  for (int64_t i = 0; i < lanes; ++i) store(to + i * to_stride, square[i]);
}

// The same for a part of a square, `rows` x `columns`. What is missing is zero and is not written,
// except that whole columns of the result are if `pad` says so.
template <typename V>
void turn_part(const float* from, int64_t from_stride, float* to, int64_t to_stride, int64_t rows,
               int64_t columns, bool pad) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  float part[lanes * lanes] = {}, turned[lanes * lanes];
  for (int64_t i = 0; i < rows; ++i) {
    __builtin_memcpy(part + i * lanes, from + i * from_stride, size_t(columns) * sizeof(float));
  }
  turn<V>(part, lanes, turned, lanes);
  const size_t width = size_t(pad ? lanes : rows) * sizeof(float);
  for (int64_t i = 0; i < columns; ++i) {
    __builtin_memcpy(to + i * to_stride, turned + i * lanes, width);
  }
}

template <typename V>
void gather_tiles(const Gather& g) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  for (int64_t token = 0; token < g.panel; token += lanes) {
    const int64_t tokens = token < g.tokens ? least(lanes, g.tokens - token) : 0;
    for (int64_t column = 0; column < g.width; column += lanes) {
      const int64_t width = least(lanes, g.width - column);
      const float* from = g.from + token * g.stride + column;
      float* to = g.to + column * g.panel + token;
      if (tokens == lanes && width == lanes) {
        fetch_ahead<false>(from, g.stride, lanes);
        turn<V>(from, g.stride, to, g.panel);
      } else {
        turn_part<V>(from, g.stride, to, g.panel, tokens, width, true);
      }
    }
  }
}

template <typename V>
void scatter_tiles(const Scatter& s) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  for (int64_t token = 0; token < s.tokens; token += lanes) {
    const int64_t tokens = least(lanes, s.tokens - token);
    for (int64_t row = 0; row < s.rows; row += lanes) {
      const int64_t rows = least(lanes, s.rows - row);
      const float* from = s.from + row * s.panel + token;
      float* to = s.to + token * s.stride + row;
      if (rows == lanes && tokens == lanes) {
        fetch_ahead<true>(to, s.stride, lanes);
        turn<V>(from, s.panel, to, s.stride);
      } else {
        turn_part<V>(from, s.panel, to, s.stride, rows, tokens, false);
      }
    }
  }
}

void gather(const Gather& g) {
  switch (g.panel) {
    case 1: __builtin_memcpy(g.to, g.from, size_t(g.width) * sizeof(float)); return;
    case 4: return gather_tiles<VectorOf<4>>(g);
    case 8: return gather_tiles<VectorOf<8>>(g);
    default: return gather_tiles<VectorOf<16>>(g);
  }
}

void scatter(const Scatter& s) {
  switch (s.panel) {
    case 1: __builtin_memcpy(s.to, s.from, size_t(s.rows) * sizeof(float)); return;
    case 4: return scatter_tiles<VectorOf<4>>(s);
    case 8: return scatter_tiles<VectorOf<8>>(s);
    default: return scatter_tiles<VectorOf<16>>(s);
  }
}

// ---- activate

template <Activation activation>
void activate_all(float* numbers, int64_t count) {
  using V = Vector<LANES>::type;
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    store(numbers + i, activate<activation>(load<V>(numbers + i)));
  }
  if (i == count) return;
  V value{};
  const size_t size = size_t(count - i) * sizeof(float);
  __builtin_memcpy(&value, numbers + i, size);
  value = activate<activation>(value);
  __builtin_memcpy(numbers + i, &value, size);
}

void activate_in_place(float* numbers, int64_t count, Activation activation) {
  switch (activation) {
    case Activation::none: return;
    case Activation::relu: return activate_all<Activation::relu>(numbers, count);
    case Activation::gelu: return activate_all<Activation::gelu>(numbers, count);
    case Activation::gelu_tanh: return activate_all<Activation::gelu_tanh>(numbers, count);
    case Activation::silu: return activate_all<Activation::silu>(numbers, count);
  }
}

}  // namespace
}  // namespace sparsify
