#include "self_attention.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <thread>

#include "attention.h"
#include "panels.h"
#include "scratch.h"

namespace sparsify {
namespace {

constexpr size_t kQuery = 0, kKey = 1, kValue = 2, kOutput = 3;
constexpr int64_t kGroup = 16;  // tokens of the smallest panel; the vectors of all kernels divide it
constexpr int64_t kRound = 2048;  // tokens that stay turned while threads share them, or one text
constexpr int64_t kBlock = 64;  // queries whose scores are worked on at once

int64_t up(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

// Some texts whose tokens lie one after the other in panels. What the layers read and make stays
// [row][token] there: queries, keys, values, and what heads make of the values, in the place of the
// queries if it has their size.
struct Round {
  const SelfAttention& attention;
  const Texts& texts;
  const Kernels& kernels;
  int64_t panel;
  int64_t first = 0, count = 0;  // texts
  float* turned = nullptr;
  int64_t width = attention.weight(kQuery).rows / attention.heads;
  int64_t value_width = attention.weight(kValue).rows / attention.heads;

  int64_t tokens() const { return count * texts.length; }
  int64_t panels() const { return (tokens() + panel - 1) / panel; }
  int64_t tokens_of(int64_t index) const { return std::min(panel, tokens() - index * panel); }
  // between the rows of a panel
  int64_t stride(int64_t index) const {
    return std::max(kGroup, panel_of(tokens_of(index), panel));
  }
  // rows of a panel in front of what belongs to a layer, or all
  int64_t rows_before(size_t layer) const {
    const int64_t wide = width == value_width ? width : width + value_width;
    const int64_t of_head[] = {0, wide, wide + width, width == value_width ? 0 : width};
    return of_head[layer] * attention.heads;
  }
  int64_t rows() const { return rows_before(kValue) + value_width * attention.heads; }
  float* at(int64_t index, size_t layer) const {
    return turned + index * panel * rows() + rows_before(layer) * stride(index);
  }
  int64_t turned_size() const { return up(tokens(), panel) * rows(); }

  // Numbers that a task works in: for the inputs, for a head, and for the outputs.
  int64_t inputs_size() const {
    const Weight& w = attention.weight(kQuery);
    return w.integers ? Prepared::size(w, panel) : w.columns * panel;
  }
  int64_t head_size() const { return (2 * texts.length + value_width + 1) * kBlock; }
  int64_t outputs_size() const {
    const Weight& w = attention.weight(kOutput);
    return std::min(w.rows, kTileRows) * panel + Prepared::size(w, panel);
  }
  int64_t work_size() const { return std::max({inputs_size(), head_size(), outputs_size()}); }
};

// The queries, keys and values of a panel.
void project(const Round& r, int64_t index, float* work) {
  const Weight& first = r.attention.weight(kQuery);
  const int64_t token = r.first * r.texts.length + index * r.panel;
  Inputs inputs{r.texts.inputs + token * first.columns, first.columns, r.tokens_of(index),
                r.stride(index)};
  Quantized quantized{};
  if (first.integers) {
    Prepared made{r.kernels, first, inputs, work};
    made.prepare();
    quantized = made.quantized;
  } else {
    r.kernels.gather({inputs.from, inputs.stride, inputs.tokens, first.columns, inputs.panel, work});
    inputs.from = work;
    inputs.stride = 0;
  }
  for (const size_t layer : {kQuery, kKey, kValue}) {
    const Layer& made_by = r.attention.layers[layer];
    multiply_turned(made_by, {r.kernels, made_by.weight, inputs, work, quantized},
                    r.at(index, layer));
  }
}

// Space for what `mix` makes of a block of queries.
struct Space {
  float* scores;  // [keys][columns]
  float* mask;    // [keys][columns]
  float* mixed;   // [width of a value][columns]
  float* shares;  // [columns]
};

// Queries of one text in a panel: the tokens [begin, end), and the columns that they are worked on in.
struct Block {
  int64_t index, text, begin, end;

  int64_t first() const { return begin / kGroup * kGroup; }
  int64_t columns() const { return up(end, kGroup) - first(); }
};

// Calls each(panel, token of the panel, key, count) for the keys of a text, panel by panel.
template <typename Each>
void each_piece(const Round& r, int64_t text, Each each) {
  for (int64_t key = 0; key < r.texts.length;) {
    const int64_t token = text * r.texts.length + key;
    const int64_t count = std::min(r.texts.length - key, r.panel - token % r.panel);
    each(token / r.panel, token % r.panel, key, count);
    key += count;
  }
}

// A mask that differs by query, as [key][query].
void turn_mask(const Round& r, const Block& b, int64_t head, float* to) {
  const int64_t* strides = r.texts.mask_strides;
  const int64_t query = b.index * r.panel + b.begin - b.text * r.texts.length;
  const float* from = r.texts.mask + (r.first + b.text) * strides[0] + head * strides[1] +
                      query * strides[2];
  const int64_t columns = b.columns(), queries = b.end - b.begin;
  if (b.begin == b.first() && strides[3] == 1) {
    return r.kernels.gather({from, strides[2], queries, r.texts.length, columns, to});
  }
  std::fill_n(to, r.texts.length * columns, 0.0f);
  for (int64_t key = 0; key < r.texts.length; ++key) {
    float* row = to + key * columns + b.begin - b.first();
    for (int64_t i = 0; i < queries; ++i) row[i] = from[i * strides[2] + key * strides[3]];
  }
}

// What a head makes of the values for a block of queries, to [width of a value][token].
void attend_block(const Round& r, const Block& b, int64_t head, const Space& space, float* to) {
  const int64_t columns = b.columns(), stride = r.stride(b.index);
  const float* queries = r.at(b.index, kQuery) + head * r.width * stride + b.first();
  each_piece(r, b.text, [&](int64_t index, int64_t token, int64_t key, int64_t count) {
    const int64_t step = r.stride(index);
    const float* keys = r.at(index, kKey) + head * r.width * step + token;
    r.kernels.product({keys, 1, step, queries, stride, count, r.width, columns, false, nullptr,
                       space.scores + key * columns, columns});
  });
  const int64_t* strides = r.texts.mask_strides;
  const bool by_query = r.texts.mask && strides[2];
  if (by_query) turn_mask(r, b, head, space.mask);
  const float* key_mask =
      r.texts.mask && !by_query ? r.texts.mask + (r.first + b.text) * strides[0] + head * strides[1]
                                : nullptr;
  r.kernels.shares({space.scores, r.texts.length, columns, key_mask, strides[3],
                    by_query ? space.mask : nullptr, space.shares});
  const bool alone = b.begin == b.first() && b.end - b.begin == columns;
  float* mixed = alone ? to + b.first() : space.mixed;
  const int64_t mixed_stride = alone ? stride : columns;
  each_piece(r, b.text, [&](int64_t index, int64_t token, int64_t key, int64_t count) {
    const int64_t step = r.stride(index);
    const float* values = r.at(index, kValue) + head * r.value_width * step + token;
    const float* factors = key + count == r.texts.length ? space.shares : nullptr;
    r.kernels.product({values, step, 1, space.scores + key * columns, columns, r.value_width, count,
                       columns, key > 0, factors, mixed, mixed_stride});
  });
  // the columns of other texts stay as they are
  for (int64_t i = 0; !alone && i < r.value_width; ++i) {
    std::copy_n(mixed + i * columns + b.begin - b.first(), b.end - b.begin,
                to + i * stride + b.begin);
  }
}

// The same for all queries of a panel.
void attend_panel(const Round& r, int64_t head, int64_t index, float* work) {
  const int64_t tokens = r.tokens_of(index), stride = r.stride(index), start = index * r.panel;
  float* mask = work + r.texts.length * kBlock;
  float* mixed = mask + r.texts.length * kBlock;
  const Space space{work, mask, mixed, mixed + r.value_width * kBlock};
  float* to = r.at(index, kOutput) + head * r.value_width * stride;
  for (int64_t begin = 0; begin < tokens;) {
    const int64_t text = (start + begin) / r.texts.length;
    const int64_t end = std::min({tokens, (text + 1) * r.texts.length - start,
                                  begin / kGroup * kGroup + kBlock});
    attend_block(r, {index, text, begin, end}, head, space, to);
    begin = end;
  }
  for (int64_t i = 0; tokens < stride && i < r.value_width; ++i) {
    std::fill(to + i * stride + tokens, to + (i + 1) * stride, 0.0f);
  }
}

// The outputs of a panel.
void finish(const Round& r, int64_t index, float* work) {
  const Layer& output = r.attention.layers[kOutput];
  const Weight& w = output.weight;
  const int64_t tokens = r.tokens_of(index), stride = r.stride(index);
  const int64_t token = r.first * r.texts.length + index * r.panel;
  Prepared prepared{r.kernels, w, {r.at(index, kOutput), 0, tokens, stride},
                    work + std::min(w.rows, kTileRows) * stride};
  prepared.prepare();
  multiply_last(output, prepared, 0, w.chunks, work, r.texts.outputs + token * w.rows);
  normalize(r.kernels, r.texts.normalization, r.texts.outputs, r.texts.residual, token, tokens);
}

// Tasks that share one piece of work; no exception may leave one: it runs on a thread of the runtime.
template <typename Each>
void in_tasks(const Pool& pool, int64_t count, const Each& each) {
  struct State {
    const Each& each;
    std::atomic<bool> out_of_memory{false};
  } state{each};
  const Task task = [](void* at, size_t index) {
    State& s = *static_cast<State*>(at);
    try {
      s.each(int64_t(index));
    } catch (const std::bad_alloc&) {
      s.out_of_memory = true;
    }
  };
  pool.run(pool.context, task, size_t(count), &state);
  if (state.out_of_memory) throw std::bad_alloc();
}

// Memory for what stays turned, and for what a task works in behind it.
float* space_of(Round& r) {
  r.turned = scratch(size_t(r.turned_size() + r.work_size()));
  return r.turned + r.turned_size();
}

// Every text with the next ones that fill its panels is a task.
void by_texts(const Round& all, int64_t group, const Pool& pool) {
  in_tasks(pool, (all.count + group - 1) / group, [&](int64_t index) {
    Round r = all;
    r.first = index * group;
    r.count = std::min(group, all.count - r.first);
    float* work = space_of(r);
    const int64_t panels = r.panels();
    for (int64_t i = 0; i < panels; ++i) project(r, i, work);
    for (int64_t i = 0; i < panels * r.attention.heads; ++i) {
      attend_panel(r, i / panels, i % panels, work);
    }
    for (int64_t i = 0; i < panels; ++i) finish(r, i, work);
  });
}

// Every panel is a task, and every head in it; of `group` texts at a time.
void by_panels(const Round& all, int64_t group, const Pool& pool) {
  const auto caller = std::this_thread::get_id();
  for (int64_t first = 0; first < all.count; first += group) {
    Round r = all;
    r.first = first;
    r.count = std::min(group, all.count - first);
    float* own = space_of(r);
    const auto work = [&] {
      return std::this_thread::get_id() == caller ? own : scratch(size_t(r.work_size()));
    };
    const int64_t panels = r.panels();
    in_tasks(pool, panels, [&](int64_t i) { project(r, i, work()); });
    // panels of a head follow one another: they read the same keys and values
    in_tasks(pool, panels * r.attention.heads,
             [&](int64_t i) { attend_panel(r, i / panels, i % panels, work()); });
    in_tasks(pool, panels, [&](int64_t i) { finish(r, i, work()); });
  }
}

// One layer after the other: of few tokens, only the rows of a weight can be divided among threads.
void by_layers(const SelfAttention& attention, const Texts& t, const Kernels& kernels,
               const Pool& pool) {
  const int64_t tokens = t.batch * t.length;
  const Weight &query = attention.weight(kQuery), &value = attention.weight(kValue);
  float* made = scratch<Held::shared>(size_t(tokens * 2 * (query.rows + value.rows)));
  Attention a{};
  a.batch = t.batch, a.heads = attention.heads, a.queries = t.length, a.keys = t.length;
  a.width = query.rows / a.heads, a.value_width = value.rows / a.heads;
  a.scale = 1;
  const auto project_all = [&](size_t layer) {
    const Layer& made_by = attention.layers[layer];
    float* to = made;
    made += tokens * made_by.weight.rows;
    multiply(&made_by, 1, kernels, t.inputs, tokens, to, pool);
    return to;
  };
  a.query = project_all(kQuery), a.key = project_all(kKey), a.value = project_all(kValue);
  a.mask = t.mask;
  std::copy_n(t.mask_strides, 4, a.mask_strides);
  a.to = made;
  attend(a, kernels, pool);
  multiply(&attention.layers[kOutput], 1, kernels, a.to, tokens, t.outputs, pool, t.normalization,
           t.residual);
}

// How many texts fill their panels but for a thirty-second.
int64_t group_of(Round r) {
  const int64_t all = r.count;
  for (r.count = 1; r.count < all; ++r.count) {
    const int64_t last = r.panels() - 1;
    if (32 * (last * r.panel + r.stride(last)) <= 33 * r.tokens()) break;
  }
  return r.count;
}

}  // namespace

void attend_self(const SelfAttention& attention, const Texts& texts, const Kernels& kernels,
                 const Pool& pool) {
  if (texts.batch == 0 || texts.length == 0) return;
  Round all{attention, texts, kernels, attention.weight(kQuery).panel, 0, texts.batch};
  while (all.panel > kLeastPanel && all.panels() < cores()) all.panel /= 2;
  if (all.panels() < cores() || all.tokens() < kGroup) {
    return by_layers(attention, texts, kernels, pool);
  }
  const int64_t group = group_of(all), groups = (all.count + group - 1) / group;
  const bool even = groups % cores() == 0 && all.count % group == 0;
  if (even || groups >= 4 * cores()) return by_texts(all, group, pool);
  by_panels(all, std::max<int64_t>(1, kRound / texts.length), pool);
}

}  // namespace sparsify
