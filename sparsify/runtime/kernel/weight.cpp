#include "weight.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>

namespace sparsify {
namespace {

constexpr int64_t kLargestSide = int64_t{1} << 24;
constexpr int64_t kLargestTable = int64_t{1} << 26;  // rows x bands
constexpr int64_t kLargestEntries = int64_t{1} << 31;
constexpr int64_t kLargestSum = (int64_t{1} << 31) / 510;  // of a row's absolute integers
constexpr int64_t kChunk[] = {128, 512};  // rows of the smallest and largest chunk
constexpr int64_t kStep = 64;

void require(bool holds, const char* what) {
  if (!holds) throw Malformed(what);
}

template <typename T>
T read(const Tensor& tensor, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(tensor.data) + index * sizeof(T), sizeof(T));
  return value;
}

float half(uint16_t bits) {
  const uint32_t sign = uint32_t(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 31, fraction = bits & 0x3ff;
  uint32_t wide;
  if (exponent == 31) {
    wide = sign | 0x7f800000 | (fraction << 13);
  } else if (exponent != 0) {
    wide = sign | ((exponent + 112) << 23) | (fraction << 13);
  } else {
    const float small = float(fraction) * 0x1p-24f;
    return sign ? -small : small;
  }
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

int64_t integer(const Tensor& tensor, int64_t index) {
  switch (tensor.type) {
    case Type::u8: return read<uint8_t>(tensor, index);
    case Type::u16: return read<uint16_t>(tensor, index);
    case Type::u32: return read<uint32_t>(tensor, index);
    case Type::i32: return read<int32_t>(tensor, index);
    default: return read<int64_t>(tensor, index);
  }
}

float number(const Tensor& tensor, int64_t index) {
  switch (tensor.type) {
    case Type::f32: return read<float>(tensor, index);
    case Type::f16: return half(read<uint16_t>(tensor, index));
    default: return read<int8_t>(tensor, index);
  }
}

// Two of every four neighbouring inputs: four places a byte, the first in its lowest bits.
std::vector<int64_t> cells_of_four(const Encoded& e) {
  require(e.positions.type == Type::u8, "positions are no bytes");
  require(e.block_rows == 1 && e.block_columns == 1 && e.columns % 4 == 0,
          "the weight does not divide into fours");
  // compared with what is in memory before anything of that size is made
  require(e.values.count % 2 == 0 && e.rows * (e.columns / 4) == e.values.count / 2 &&
              e.positions.count == (e.values.count + 3) / 4,
          "values and positions differ in number");
  std::vector<int64_t> found(size_t(e.values.count));
  for (int64_t i = 0; i < e.values.count; ++i) {
    found[size_t(i)] = i / 2 * 4 + ((read<uint8_t>(e.positions, i / 4) >> (2 * (i % 4))) & 3);
    require(i % 2 == 0 || found[size_t(i)] > found[size_t(i - 1)], "a position repeats");
  }
  return found;
}

// Where the blocks lie in the grid of blocks, ascending.
std::vector<int64_t> cells(const Encoded& e, int64_t grid_rows, int64_t grid_columns) {
  const int64_t count = e.positions.count;
  std::vector<int64_t> found(count);
  const Type type = e.positions.type;
  require(type == Type::u8 || type == Type::u16 || type == Type::u32,
          "positions are no unsigned integers");
  if (e.where == Where::two_of_four) return cells_of_four(e);
  if (e.where == Where::gaps) {
    int64_t cell = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t gap = integer(e.positions, i);
      require(gap > 0 || i == 0, "a position repeats");
      cell += gap;
      require(cell < grid_rows * grid_columns, "a position lies outside the weight");
      found[i] = cell;
    }
    return found;
  }
  require(e.row_offsets.type == Type::i32 || e.row_offsets.type == Type::i64,
          "row offsets are no signed integers");
  require(e.row_offsets.count == grid_rows + 1, "the number of row offsets is wrong");
  require(integer(e.row_offsets, 0) == 0, "row offsets do not begin at 0");
  require(integer(e.row_offsets, grid_rows) == count, "row offsets do not end at the last value");
  for (int64_t row = 0; row < grid_rows; ++row) {
    require(integer(e.row_offsets, row) <= integer(e.row_offsets, row + 1),
            "row offsets are not monotone");
  }
  for (int64_t row = 0; row < grid_rows; ++row) {
    const int64_t begin = integer(e.row_offsets, row), end = integer(e.row_offsets, row + 1);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = integer(e.positions, i);
      require(column < grid_columns, "a column lies outside the weight");
      require(i == begin || column > integer(e.positions, i - 1), "columns do not ascend");
      found[i] = row * grid_columns + column;
    }
  }
  return found;
}

void check(const Encoded& e) {
  require(e.rows > 0 && e.rows <= kLargestSide, "the number of rows is out of range");
  require(e.columns > 0 && e.columns <= kLargestSide, "the number of columns is out of range");
  require(e.block_rows > 0 && e.block_columns > 0, "the block has no size");
  require(e.rows % e.block_rows == 0 && e.columns % e.block_columns == 0,
          "the shape is no multiple of the block");
  const int64_t size = e.block_rows * e.block_columns;  // both at most 2^24
  require(e.values.type == Type::f32 || e.values.type == Type::f16 || e.values.type == Type::i8,
          "values are neither float, float16 nor int8");
  require(!e.integers || e.values.type == Type::i8, "values of integer products are not int8");
  require(e.values.count >= 0 && e.positions.count >= 0 && e.values.count < kLargestEntries,
          "the number of values is out of range");
  require(e.where == Where::two_of_four ||
              (e.values.count % size == 0 && e.values.count / size == e.positions.count),
          "values and positions differ in number");
  require(e.bias.type == Type::f32 && (e.bias.count == 1 || e.bias.count == e.rows),
          "the bias is not one float a row");
  require(e.scales.type == Type::f32 && (e.scales.count == 1 || e.scales.count == e.rows),
          "the scales are not one float a row");
}

// Bands so narrow that a panel's slice stays near the processor, and so wide that a row has some
// entries in each. The numbers were measured on layers of 768 x 768 to 3072 x 768.
void choose_band(Weight& w, int64_t entries) {
  const double density = double(entries) * w.unit * w.depth / (double(w.rows) * w.columns);
  w.panel = w.unit == 1 && !w.integers && density > 0.25 ? 128 : 64;
  const double wanted = w.unit == 1 ? 100 + 5 / std::max(density, 1e-6) : 32 / std::max(density, 1e-6);
  int64_t band = w.panel == 128 ? 64 : int64_t(std::min(std::max(wanted, 128.0), 1024.0));
  if (w.integers) band = density > 0.25 ? 512 : 768;
  while ((w.columns + band - 1) / band * (w.rows / w.unit) > kLargestTable && band < 32768) {
    band *= 2;
  }
  w.band = std::min(band, (w.columns + w.depth - 1) / w.depth * w.depth);
  w.bands = (w.columns + w.band - 1) / w.band;
  require(w.bands * (w.rows / w.unit) <= kLargestTable, "the weight is too large");
}

// Rows of a chunk: the more, the longer the runs of rows with equally many entries; one for each
// core, because cores share the chunks where there are few tokens.
int64_t rows_of_chunk(int64_t rows) {
  const int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  const int64_t share = (rows + cores * kStep - 1) / (cores * kStep) * kStep;
  return std::clamp(share, kChunk[0], kChunk[1]);
}

// Calls entry(unit, column, values) for everything stored that is not zero.
template <typename Entry>
void each_entry(const Encoded& e, const std::vector<int64_t>& cells, int64_t unit, Entry entry) {
  const int64_t grid_columns = e.columns / e.block_columns;
  const int64_t size = e.block_rows * e.block_columns;
  for (size_t i = 0; i < cells.size(); ++i) {
    const int64_t top = cells[i] / grid_columns * e.block_rows;
    const int64_t left = cells[i] % grid_columns * e.block_columns;
    for (int64_t r = 0; r < e.block_rows; r += unit) {
      for (int64_t c = 0; c < e.block_columns; ++c) {
        float values[4];
        bool any = false;
        for (int64_t u = 0; u < unit; ++u) {
          const int64_t row = top + r + u;
          const float scale = number(e.scales, e.scales.count == 1 ? 0 : row);
          values[u] = number(e.values, int64_t(i) * size + (r + u) * e.block_columns + c) * scale;
          any |= values[u] != 0;
        }
        if (any) entry((top + r) / unit, left + c, values);
      }
    }
  }
}

// The same for integers: entry(row, the first of four columns, four signed bytes).
template <typename Entry>
void each_four(const Encoded& e, const std::vector<int64_t>& cells, Entry entry) {
  const int64_t grid_columns = e.columns / e.block_columns;
  const int64_t size = e.block_rows * e.block_columns;
  std::vector<uint32_t> bytes(size_t((e.columns + 3) / 4));  // of one row
  std::vector<int64_t> touched;
  for (size_t begin = 0, end = 0; begin < cells.size(); begin = end) {
    const int64_t top = cells[begin] / grid_columns;
    while (end < cells.size() && cells[end] / grid_columns == top) ++end;
    for (int64_t r = 0; r < e.block_rows; ++r) {
      for (size_t i = begin; i < end; ++i) {
        for (int64_t c = 0; c < e.block_columns; ++c) {
          const auto byte = read<uint8_t>(e.values, int64_t(i) * size + r * e.block_columns + c);
          const int64_t column = cells[i] % grid_columns * e.block_columns + c;
          if (byte && !bytes[size_t(column / 4)]) touched.push_back(column / 4);
          bytes[size_t(column / 4)] |= uint32_t(byte) << 8 * (column % 4);
        }
      }
      for (const int64_t four : touched) {
        entry(top * e.block_rows + r, four * 4, int32_t(bytes[size_t(four)]));
        bytes[size_t(four)] = 0;
      }
      touched.clear();
    }
  }
}

// What the integers of each row sum up to; the kernels' sums hold twice the largest product.
void sum_rows(Weight& w, const Encoded& e, const std::vector<int64_t>& cells) {
  std::vector<int64_t> sizes(size_t(w.rows));
  w.row_sums.resize(size_t(w.rows));
  each_four(e, cells, [&](int64_t row, int64_t, int32_t four) {
    for (int i = 0; i < 4; ++i) {
      const int value = int8_t(uint32_t(four) >> 8 * i);
      w.row_sums[size_t(row)] += value;
      sizes[size_t(row)] += std::abs(value);
    }
    require(sizes[size_t(row)] <= kLargestSum, "the sums of integer products exceed 32 bits");
  });
  w.row_scales.resize(size_t(w.rows));
  for (int64_t row = 0; row < w.rows; ++row) {
    w.row_scales[size_t(row)] = number(e.scales, e.scales.count == 1 ? 0 : row);
  }
}

// Puts the units of every chunk into the order of their number of entries; `counts` becomes the
// place of each unit's first entry.
void arrange(Weight& w, std::vector<uint32_t>& counts) {
  const int64_t units = w.rows / w.unit;
  uint32_t place = 0;
  std::vector<uint16_t> chunk;
  for (int64_t b = 0; b < w.bands; ++b) {
    const bool all = b == 0 || (w.integers && b == w.bands - 1);
    for (int64_t first = 0; first < units; first += w.chunk) {
      uint32_t* count = counts.data() + b * units + first;
      chunk.clear();
      for (int64_t u = 0; u < std::min(w.chunk, units - first); ++u) {
        if (all || count[u] > 0) chunk.push_back(uint16_t(u));
      }
      std::stable_sort(chunk.begin(), chunk.end(),
                       [&](uint16_t x, uint16_t y) { return count[x] < count[y]; });
      const uint32_t begin = uint32_t(w.runs.size());
      w.pieces.push_back({begin, begin, w.order.size(), place});
      for (const uint16_t u : chunk) {
        const uint32_t length = count[u];
        if (w.runs.size() == begin || w.runs.back().length != length) w.runs.push_back({length, 0});
        ++w.runs.back().count;
        w.order.push_back(u);
        count[u] = place;
        place += length;
      }
      w.pieces.back().run_end = uint32_t(w.runs.size());
    }
  }
}

// Puts every entry, that walk(entry) calls entry(unit, column, what is stored) for, into its place.
template <typename Walk, typename Put>
void lay_out(Weight& w, Walk walk, Put put) {
  int64_t entries = 0;
  walk([&](auto...) { ++entries; });
  choose_band(w, entries);
  const int64_t units = w.rows / w.unit;
  w.chunk = rows_of_chunk(w.rows) / w.unit;
  w.chunks = (units + w.chunk - 1) / w.chunk;
  std::vector<uint32_t> places(size_t(w.bands * units));
  walk([&](int64_t unit, int64_t column, auto) { ++places[column / w.band * units + unit]; });
  arrange(w, places);
  w.columns_in_band.resize(entries);
  w.fours.resize(w.integers ? entries : 0);
  w.values.resize(w.integers ? 0 : entries * w.unit);
  walk([&](int64_t unit, int64_t column, auto stored) {
    const size_t place = places[column / w.band * units + unit]++;
    w.columns_in_band[place] = uint16_t(column % w.band / w.depth);
    put(place, stored);
  });
}

}  // namespace

Weight pack(const Encoded& e) {
  check(e);
  const auto found = cells(e, e.rows / e.block_rows, e.columns / e.block_columns);
  Weight w;
  w.rows = e.rows;
  w.columns = e.columns;
  w.integers = e.integers;
  if (e.integers) {
    w.depth = 4;
    lay_out(w, [&](auto entry) { each_four(e, found, entry); },
            [&](size_t place, int32_t four) { w.fours[place] = four; });
    sum_rows(w, e, found);
  } else {
    w.unit = e.block_rows % 4 == 0 ? 4 : 1;
    lay_out(w, [&](auto entry) { each_entry(e, found, w.unit, entry); },
            [&](size_t place, const float* values) {
              std::copy(values, values + w.unit, w.values.begin() + int64_t(place) * w.unit);
            });
  }
  w.bias.resize(e.rows);
  for (int64_t row = 0; row < e.rows; ++row) w.bias[row] = number(e.bias, e.bias.count == 1 ? 0 : row);
  return w;
}

}  // namespace sparsify
