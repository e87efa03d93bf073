// Products of a panel of tokens with the layers of an operator.
#pragma once

#include <algorithm>
#include <thread>

#include "linear.h"

namespace sparsify {

constexpr int64_t kTileRows = 1024;        // rows whose sums are kept in the second-level cache
constexpr int64_t kLeastPanel = 32;        // tokens of the smallest panel that threads share
constexpr int64_t kLeastWork = 64 * 1024;  // multiplications that are worth another thread

// The smallest panel that takes `tokens`.
inline int64_t panel_of(int64_t tokens, int64_t largest) {
  if (tokens == 1) return 1;
  int64_t panel = 4;
  while (panel < tokens && panel < largest) panel *= 2;
  return panel;
}

inline int64_t fours_of(const Weight& w) { return (w.columns + 3) / 4; }

// What a layer reads of a panel: where they lie in memory, or as the layer before left them.
struct Inputs {
  const float* from;
  int64_t stride;  // between tokens, or 0 where they lie as [input][token]
  int64_t tokens, panel;
};

// A panel's inputs as the kernels multiply them: all at once, or band by band where every band is
// read once.
struct Prepared {
  const Kernels& kernels;
  const Weight& weight;
  Inputs inputs;
  float* space;
  Quantized quantized{};

  static bool at_once(const Weight& w) { return w.rows > kTileRows; }

  // Numbers of space that a panel's inputs take.
  static int64_t size(const Weight& w, int64_t panel) {
    if (!w.integers) return (at_once(w) ? w.columns : w.band) * panel;
    const int64_t fours = (fours_of(w) + kTurned - 1) / kTurned * kTurned;
    return (fours + 2) * panel + fours * kTurned;
  }

  void prepare() {
    if (weight.integers) return quantize();
    if (!inputs.stride || !at_once(weight)) return;
    kernels.gather({inputs.from, inputs.stride, inputs.tokens, weight.columns, inputs.panel, space});
    inputs.from = space;
    inputs.stride = 0;
  }

  void quantize() {
    const int64_t panel = inputs.panel, width = weight.columns;
    float* scales = space;
    auto* zero_points = reinterpret_cast<int32_t*>(scales + panel);
    quantized = {zero_points + panel, scales, zero_points};
    float* bytes = space + size(weight, panel) - size(weight, 0);
    if (inputs.stride) {
      kernels.quantize({inputs.from, inputs.stride, inputs.tokens, width, panel, bytes, quantized});
    } else {
      kernels.quantize_turned({inputs.from, width, panel, quantized});
    }
  }

  // [input][token] of the band
  const float* band(int64_t number) const {
    const int64_t left = number * weight.band;
    if (!inputs.stride) return inputs.from + left * inputs.panel;
    kernels.gather({inputs.from + left, inputs.stride, inputs.tokens,
                    std::min(weight.band, weight.columns - left), inputs.panel, space});
    return space;
  }
};

// sums[row][token] of the chunks [begin, end).
inline int64_t multiply_chunks(const Layer& layer, const Prepared& prepared, int64_t begin, int64_t end,
                        float* sums) {
  const Weight& w = layer.weight;
  const Kernels& kernels = prepared.kernels;
  const Quantized& q = prepared.quantized;
  const int64_t height = w.chunk * w.unit, panel = prepared.inputs.panel;
  const auto multiply = w.unit == 1 ? kernels.multiply_single : kernels.multiply_quad;
  for (int64_t band = 0; band < w.bands; ++band) {
    const bool first = band == 0, last = band == w.bands - 1;
    const float* inputs = w.integers ? nullptr : prepared.band(band);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const Piece& piece = w.pieces[band * w.chunks + chunk];
      const Run *runs = w.runs.data() + piece.run_begin, *runs_end = w.runs.data() + piece.run_end;
      const uint16_t* order = w.order.data() + piece.row_begin;
      const uint16_t* columns = w.columns_in_band.data() + piece.entry_begin;
      const int64_t row = chunk * height;
      float* to = sums + (chunk - begin) * height * panel;
      if (w.integers) {
        kernels.multiply_integers(
            {runs, runs_end, order, columns, w.fours.data() + piece.entry_begin,
             first ? w.row_sums.data() + row : nullptr, last ? w.row_scales.data() + row : nullptr,
             w.bias.data() + row, q.fours + band * (w.band / 4) * panel, q.scales, q.zero_points, to},
            panel);
      } else {
        multiply({runs, runs_end, order, columns, w.values.data() + piece.entry_begin * w.unit,
                  first ? w.bias.data() + row : nullptr, inputs, to},
                 panel);
      }
      // what was just summed up lies in the nearest cache
      if (last) kernels.activate(to, (std::min(row + height, w.rows) - row) * panel, layer.activation);
    }
  }
  return std::min(end * height, w.rows) - begin * height;
}

// Chunks whose sums are worked on at once.
inline int64_t tile(const Weight& w) { return kTileRows / (w.chunk * w.unit); }

// The outputs of the last layer's chunks [begin, end) to where those of a panel's tokens lie.
inline void multiply_last(const Layer& layer, const Prepared& prepared, int64_t begin, int64_t end,
                          float* sums, float* outputs) {
  const Weight& w = layer.weight;
  const Inputs& in = prepared.inputs;
  for (int64_t chunk = begin; chunk < end; chunk += tile(w)) {
    const int64_t rows =
        multiply_chunks(layer, prepared, chunk, std::min(end, chunk + tile(w)), sums);
    prepared.kernels.scatter({sums, rows, in.panel, in.tokens, w.rows, outputs + chunk * w.chunk * w.unit});
  }
}

// All outputs of a layer as [output][token]; how many there are.
inline int64_t multiply_turned(const Layer& layer, const Prepared& prepared, float* sums) {
  const Weight& w = layer.weight;
  int64_t rows = 0;
  for (int64_t chunk = 0; chunk < w.chunks; chunk += tile(w)) {
    rows += multiply_chunks(layer, prepared, chunk, std::min(w.chunks, chunk + tile(w)),
                            sums + rows * prepared.inputs.panel);
  }
  return rows;
}

// What becomes of the outputs of `count` tokens when they are complete.
inline void normalize(const Kernels& kernels, const Normalization* normalization, float* outputs,
                      const float* residual, int64_t token, int64_t count) {
  if (!normalization) return;
  const Normalization& n = *normalization;
  const int64_t width = int64_t(n.scale.size()), first = token * width;
  kernels.normalize(
      {outputs + first, residual + first, count, width, n.scale.data(), n.bias.data(), n.epsilon});
}

inline int64_t cores() {
  static const int64_t count = std::max(1u, std::thread::hardware_concurrency());
  return count;
}

}  // namespace sparsify
