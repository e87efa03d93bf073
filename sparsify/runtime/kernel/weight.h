// A sparse weight: as a file stores it, and as the kernels read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "layout.h"

namespace sparsify {

struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Type { f32, f16, i8, u8, u16, u32, i32, i64, other };

struct Tensor {
  const void* data = nullptr;
  Type type = Type::other;
  int64_t count = 0;
};

// What positions are: columns of a CSR, distances in the grid of blocks, or places of two among four.
enum class Where { csr, gaps, two_of_four };

// What a file says; nothing in it is trusted.
struct Encoded {
  int64_t rows = 0, columns = 0;  // outputs and inputs of the product
  int64_t block_rows = 1, block_columns = 1;
  bool integers = false;  // inputs are quantized, and four products at a time are of integers
  Where where = Where::csr;
  Tensor values;       // of every stored block, row by row
  Tensor positions;    // one a block; four a byte of two among four
  Tensor row_offsets;  // of a CSR: where each row of blocks begins, and the end
  Tensor bias;         // one, or one a row
  Tensor scales;       // one, or one a row
};

// The products of one slice of inputs (a band) with one range of rows (a chunk): rows that have
// equally many entries follow one another, so that the kernels' loops end where they are expected
// to. The first band names every row, because there the sums begin; so does the last one of
// integers, because there they end.
struct Piece {
  uint32_t run_begin, run_end;
  size_t row_begin, entry_begin;
};

struct Weight {
  int64_t rows = 0, columns = 0;
  bool integers = false;
  int64_t unit = 1;       // rows that share a column: 1 or 4
  int64_t depth = 1;      // inputs that share a column: 1, or 4 of integers
  int64_t band = 0;       // inputs of a band
  int64_t bands = 0;
  int64_t chunk = 0;      // units of a chunk
  int64_t chunks = 0;
  int64_t panel = 0;      // tokens that are worked on at once
  std::vector<Piece> pieces;      // [band][chunk]
  std::vector<Run> runs;
  std::vector<uint16_t> order;    // units, counted from the chunk's first
  std::vector<uint16_t> columns_in_band;
  std::vector<float> values;      // `unit` an entry
  std::vector<int32_t> fours;     // of integers instead: four signed bytes an entry
  std::vector<int32_t> row_sums;  // of the integers of each row
  std::vector<float> row_scales;  // what its integers are multiplied with
  std::vector<float> bias;        // one a row

  size_t numbers() const { return values.size() + 4 * fours.size(); }
};

// Throws Malformed.
Weight pack(const Encoded& encoded);

}  // namespace sparsify
