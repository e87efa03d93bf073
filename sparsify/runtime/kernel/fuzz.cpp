// Feeds random and damaged weights to the code that reads them, and multiplies with those that are
// accepted: `fuzz COUNT SEED`. Compiled with sanitizers, whatever it reads or writes out of bounds
// ends it. An accepted weight's product is held against one computed the plain way.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "attention.h"
#include "linear.h"
#include "self_attention.h"
#include "weight.h"

namespace {

using sparsify::Encoded;
using sparsify::Tensor;
using sparsify::Type;
using sparsify::Where;
using Random = std::mt19937_64;

int64_t below(Random& random, int64_t limit) { return int64_t(random() % uint64_t(limit)); }

size_t size_of(Type type) {
  switch (type) {
    case Type::i8: case Type::u8: return 1;
    case Type::f16: case Type::u16: return 2;
    case Type::i64: return 8;
    case Type::other: return 0;
    default: return 4;
  }
}

// A tensor in memory of exactly its size, so that a sanitizer sees the first byte beyond.
struct Owned {
  std::unique_ptr<char[]> memory;
  Tensor tensor;
};

template <typename Value>
Owned owned(Type type, int64_t count, Value value) {
  const size_t size = size_of(type);
  Owned made{std::make_unique<char[]>(size_t(count) * size), {nullptr, type, count}};
  for (int64_t i = 0; i < count; ++i) {
    const double number = value(i);
    char* at = made.memory.get() + size_t(i) * size;
    const int64_t whole = int64_t(number);
    const float real = float(number);
    if (type == Type::f32) std::memcpy(at, &real, 4);
    else std::memcpy(at, &whole, size);
  }
  made.tensor.data = made.memory.get();
  return made;
}

struct Case {
  Encoded encoded;
  std::vector<Owned> tensors;
  std::vector<float> dense;
};

// Two of every four inputs, at random places.
Case valid_two_of_four(Random& random) {
  Case c;
  Encoded& e = c.encoded;
  e.rows = 1 + below(random, 40), e.columns = 4 * (1 + below(random, 24));
  e.where = Where::two_of_four;
  const Type kind = below(random, 2) ? Type::f32 : Type::i8;
  e.integers = kind == Type::i8 && below(random, 2);
  const size_t count = size_t(e.rows * e.columns / 2);
  std::vector<int64_t> bytes((count + 3) / 4);
  std::vector<float> numbers(count);
  c.dense.resize(2 * count);
  for (size_t i = 0; i < count; i += 2) {
    const int64_t first = below(random, 3), second = first + 1 + below(random, 3 - first);
    for (const auto& [at, place] : {std::pair(i, first), std::pair(i + 1, second)}) {
      numbers[at] = float(below(random, 255) - 127);
      bytes[at / 4] |= place << 2 * (at % 4);
      c.dense[i * 2 + size_t(place)] = numbers[at] * 0.5f;
    }
  }
  c.tensors.push_back(owned(kind, int64_t(count), [&](int64_t i) { return numbers[i]; }));
  c.tensors.push_back(owned(Type::u8, int64_t(bytes.size()), [&](int64_t i) { return bytes[i]; }));
  c.tensors.push_back(owned(Type::i32, 0, [](int64_t) { return 0; }));
  c.tensors.push_back(owned(Type::f32, 1, [](int64_t) { return 0; }));
  c.tensors.push_back(owned(Type::f32, e.rows, [](int64_t) { return 0.5; }));
  return c;
}

Case valid(Random& random) {
  if (below(random, 6) == 0) return valid_two_of_four(random);
  static const int64_t blocks[] = {1, 1, 1, 2, 4, 8};
  Case c;
  Encoded& e = c.encoded;
  e.block_rows = blocks[below(random, 6)], e.block_columns = blocks[below(random, 6)];
  const int64_t down = 1 + below(random, 24), across = 1 + below(random, 24);
  e.rows = down * e.block_rows, e.columns = across * e.block_columns;
  const bool gaps = below(random, 2);
  e.where = gaps ? Where::gaps : Where::csr;
  const int64_t one_in = 1 + below(random, 20), size = e.block_rows * e.block_columns;
  std::vector<int64_t> cells, offsets{0};
  for (int64_t row = 0; row < down; ++row) {
    for (int64_t column = 0; column < across; ++column) {
      if (below(random, one_in) == 0) cells.push_back(row * across + column);
    }
    offsets.push_back(int64_t(cells.size()));
  }
  const Type wide = below(random, 2) ? Type::u16 : Type::u32;
  const Type kind = below(random, 2) ? Type::f32 : Type::i8;
  e.integers = kind == Type::i8 && below(random, 2);
  std::vector<float> numbers(cells.size() * size_t(size));
  for (float& number : numbers) number = float(below(random, 255) - 127);
  c.tensors.push_back(owned(kind, int64_t(numbers.size()), [&](int64_t i) { return numbers[i]; }));
  c.tensors.push_back(owned(wide, int64_t(cells.size()), [&](int64_t i) -> double {
    if (!gaps) return double(cells[i] % across);
    return double(i ? cells[i] - cells[i - 1] : cells[i]);
  }));
  c.tensors.push_back(owned(below(random, 2) ? Type::i32 : Type::i64, down + 1,
                            [&](int64_t i) { return double(offsets[i]); }));
  c.tensors.push_back(owned(Type::f32, below(random, 2) ? 1 : e.rows, [](int64_t i) { return i; }));
  c.tensors.push_back(owned(Type::f32, below(random, 2) ? 1 : e.rows, [](int64_t) { return 0.5; }));
  c.dense.resize(size_t(e.rows * e.columns));
  for (size_t b = 0; b < cells.size(); ++b) {
    for (int64_t i = 0; i < size; ++i) {
      const int64_t row = cells[b] / across * e.block_rows + i / e.block_columns;
      const int64_t column = cells[b] % across * e.block_columns + i % e.block_columns;
      c.dense[size_t(row * e.columns + column)] = numbers[b * size_t(size) + size_t(i)] * 0.5f;
    }
  }
  return c;
}

int64_t odd_number(Random& random) {
  static const int64_t odd[] = {0, -1, 1, 2, 3, 65535, 65536, int64_t{1} << 31, int64_t{1} << 40,
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()};
  return odd[below(random, 11)];
}

void damage(Random& random, Case& c) {
  Encoded& e = c.encoded;
  int64_t* sizes[] = {&e.rows, &e.columns, &e.block_rows, &e.block_columns};
  Owned& some = c.tensors[size_t(below(random, 5))];
  switch (below(random, 6)) {
    case 0: *sizes[below(random, 4)] = odd_number(random); break;
    case 1: *sizes[below(random, 4)] = 1 + below(random, 64); break;
    case 2: some.tensor.count = some.tensor.count > 0 ? below(random, some.tensor.count) : 0; break;
    case 3:  // a narrower type, so that the memory is still there
      some.tensor.type = Type(below(random, 9));
      if (size_of(some.tensor.type) > 1) some.tensor.count /= 8;
      break;
    case 4:
      if (below(random, 2)) e.integers ^= true;
      else e.where = Where(below(random, 3));
      break;
    default:
      if (const size_t bytes = size_t(some.tensor.count) * size_of(some.tensor.type)) {
        for (int64_t i = 1 + below(random, 4); i > 0; --i) {
          some.memory[size_t(below(random, int64_t(bytes)))] = char(random());
        }
      }
  }
}

void attach(Case& c) {
  Tensor* at[] = {&c.encoded.values, &c.encoded.positions, &c.encoded.row_offsets,
                  &c.encoded.bias, &c.encoded.scales};
  for (size_t i = 0; i < 5; ++i) *at[i] = c.tensors[i].tensor;
}

void in_turn(void*, sparsify::Task task, size_t count, void* state) {
  for (size_t i = 0; i < count; ++i) task(state, i);
}

// The same product with a residual and its layer normalization, in memory of exactly their sizes.
void normalized(const sparsify::Layer& layer, const std::vector<float>& inputs, int64_t tokens) {
  const size_t rows = size_t(layer.weight.rows);
  const sparsify::Normalization norm{std::vector<float>(rows, 1), std::vector<float>(rows, 0), 1e-5f};
  std::vector<float> residual(size_t(tokens) * rows, 0.5f), outputs(residual.size());
  sparsify::multiply(&layer, 1, sparsify::choose_kernels(), inputs.data(), tokens, outputs.data(),
                     {nullptr, in_turn}, &norm, residual.data());
}

// The largest relative difference from the plain product, or 0 where there is none to compare.
double multiplied(Random& random, const Case& c, bool damaged, const sparsify::Layer& layer) {
  const sparsify::Weight& weight = layer.weight;
  const int64_t tokens = 1 + below(random, 70);
  const size_t rows = size_t(weight.rows), columns = size_t(weight.columns);
  if (rows > 4096 || columns > 4096) return 0;  // sparse, yet its outputs would be large
  std::vector<float> inputs(size_t(tokens) * columns), outputs(size_t(tokens) * rows);
  for (float& input : inputs) input = float(below(random, 7) - 3);
  for (size_t t = 0; weight.integers && t < size_t(tokens); ++t) {
    // ends that whole steps divide, so that rounding changes nothing
    inputs[t * columns] = 51;
    if (columns > 1) inputs[t * columns] = 128, inputs[t * columns + 1] = -127;
  }
  sparsify::multiply(&layer, 1, sparsify::choose_kernels(), inputs.data(), tokens, outputs.data(),
                     {nullptr, in_turn});
  if (below(random, 4) == 0) normalized(layer, inputs, tokens);
  double worst = 0;
  for (size_t t = 0; !damaged && t < size_t(tokens); ++t) {
    for (size_t r = 0; r < rows; ++r) {
      double sum = c.encoded.bias.count == 1 ? 0 : double(r);
      for (size_t k = 0; k < columns; ++k) sum += double(c.dense[r * columns + k]) * inputs[t * columns + k];
      worst = std::fmax(worst, std::fabs(sum - outputs[t * rows + r]) / (1 + std::fabs(sum)));
    }
  }
  return worst;
}

// Attention of random sizes, from memory of exactly its size. Values are all 1: so is each output.
bool attends(Random& random) {
  sparsify::Attention a{};
  a.batch = 1 + below(random, 2), a.heads = 1 + below(random, 3);
  a.queries = below(random, 70), a.keys = 1 + below(random, 70);
  a.width = below(random, 40), a.value_width = below(random, 40), a.scale = 0.1f;
  const auto filled = [](int64_t size, float number) {
    return std::vector<float>(size_t(size), number);
  };
  const int64_t heads = a.batch * a.heads;
  const auto query = filled(heads * a.queries * a.width, 0.5f);
  const auto key = filled(heads * a.keys * a.width, 0.25f);
  const auto value = filled(heads * a.keys * a.value_width, 1);
  const auto mask = filled(a.batch * a.keys, -1);
  auto to = filled(heads * a.queries * a.value_width, 0);
  a.query = query.data(), a.key = key.data(), a.value = value.data(), a.to = to.data();
  if (below(random, 2)) a.mask = mask.data(), a.mask_strides[0] = a.keys, a.mask_strides[3] = 1;
  sparsify::attend(a, sparsify::choose_kernels(), {nullptr, in_turn});
  for (const float number : to) {
    if (!(std::fabs(number - 1) < 1e-5)) return false;
  }
  return true;
}

// A weight whose rows are all alike: one stored number in each, at the first input.
sparsify::Layer first_input(int64_t rows, int64_t columns, float number, bool integers) {
  Encoded e;
  e.rows = rows, e.columns = columns, e.where = Where::csr, e.integers = integers;
  const auto values = owned(integers ? Type::i8 : Type::f32, rows, [&](int64_t) { return 1; });
  const auto positions = owned(Type::u16, rows, [](int64_t) { return 0; });
  const auto offsets = owned(Type::i32, rows + 1, [](int64_t i) { return i; });
  const auto bias = owned(Type::f32, 1, [](int64_t) { return 0; });
  const auto scales = owned(Type::f32, 1, [&](int64_t) { return number; });
  e.values = values.tensor, e.positions = positions.tensor, e.row_offsets = offsets.tensor;
  e.bias = bias.tensor, e.scales = scales.tensor;
  return {sparsify::pack(e), sparsify::Activation::none};
}

// A block of random sizes, in memory of exactly its size. Inputs are all 1: so is each output.
bool attends_to_itself(Random& random) {
  sparsify::SelfAttention a;
  a.heads = 1 + below(random, 3);
  const int64_t inputs = 1 + below(random, 40), outputs = 1 + below(random, 40);
  const int64_t width = a.heads * (1 + below(random, 20)), tall = a.heads * (1 + below(random, 20));
  const bool integers = below(random, 4) == 0;
  for (const float number : {0.5f, 0.25f}) {
    a.layers.push_back(first_input(width, inputs, number, integers));
  }
  a.layers.push_back(first_input(tall, inputs, 1, integers));
  a.layers.push_back(first_input(outputs, tall, 1, integers));
  sparsify::Texts t{};
  t.batch = 1 + below(random, 9), t.length = 1 + below(random, 150);
  const size_t tokens = size_t(t.batch * t.length);
  const std::vector<float> from(tokens * size_t(inputs), 1);
  const int64_t queries = below(random, 2) ? t.length : 1;
  const std::vector<float> mask(size_t(t.batch * queries * t.length), -1);
  std::vector<float> to(tokens * size_t(outputs));
  t.inputs = from.data(), t.outputs = to.data();
  if (below(random, 2)) {
    t.mask = mask.data();
    t.mask_strides[0] = queries * t.length, t.mask_strides[3] = 1;
    t.mask_strides[2] = queries == 1 ? 0 : t.length;
  }
  sparsify::attend_self(a, t, sparsify::choose_kernels(), {nullptr, in_turn});
  for (const float number : to) {
    if (!(std::fabs(number - 1) < 1e-5)) return false;
  }
  return true;
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
  const long count = count_of_arguments > 1 ? std::atol(arguments[1]) : 10000;
  Random random(count_of_arguments > 2 ? std::strtoull(arguments[2], nullptr, 10) : 0);
  long refused = 0, accepted = 0;
  for (long i = 0; i < count; ++i) {
    if (i % 16 == 0 && !attends(random)) {
      std::printf("case %ld: attention is wrong\n", i);
      return 1;
    }
    if (i % 64 == 0 && !attends_to_itself(random)) {
      std::printf("case %ld: self-attention is wrong\n", i);
      return 1;
    }
    Case c = valid(random);
    const bool damaged = below(random, 8) != 0;
    for (int64_t k = damaged ? 1 + below(random, 2) : 0; k > 0; --k) damage(random, c);
    attach(c);
    try {
      const sparsify::Layer layer{sparsify::pack(c.encoded), sparsify::Activation::none};
      ++accepted;
      if (const double off = multiplied(random, c, damaged, layer); !(off <= 1e-5)) {
        std::printf("case %ld: off by %g\n", i, off);
        return 1;
      }
    } catch (const sparsify::Malformed& malformed) {
      ++refused;
      if (!damaged) {
        std::printf("case %ld: a valid weight is refused: %s\n", i, malformed.what());
        return 1;
      }
    }
  }
  std::printf("%ld refused, %ld accepted\n", refused, accepted);
  return 0;
}
