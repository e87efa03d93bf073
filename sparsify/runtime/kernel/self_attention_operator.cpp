// Attention of texts to themselves for ONNX Runtime, in every form of a weight.
#include "self_attention.h"

#include "stored.h"

namespace {

using sparsify::Malformed;
using sparsify::Where;

const char* const kLayers[] = {"query_", "key_", "value_", "output_"};

struct SelfAttentionOperator : ort::Operator {
  std::string name;
  Where where;
  bool integers, masked, normalized;

  size_t input(size_t layer) const { return 1 + layer * inputs_of_layer(where); }
  size_t scale() const { return input(4); }
  size_t mask() const { return scale() + 1; }
  size_t residual() const { return mask() + masked; }
  size_t inputs() const { return residual() + (normalized ? 3 : 0); }
};

struct Kernel {
  const ort::Api* api;
  const sparsify::Kernels* kernels;
  const SelfAttentionOperator* op;
  sparsify::SelfAttention attention;
  std::unique_ptr<sparsify::Normalization> normalization;
};

void require(bool holds, const char* what) {
  if (!holds) throw Malformed(what);
}

// The layer whose outputs are `factor` times as large.
void scale(sparsify::Weight& w, float factor) {
  for (float& value : w.values) value *= factor;
  for (float& value : w.row_scales) value *= factor;
  for (float& value : w.bias) value *= factor;
}

void check_sizes(const sparsify::SelfAttention& a) {
  const auto &query = a.weight(0), &key = a.weight(1), &value = a.weight(2), &output = a.weight(3);
  require(key.columns == query.columns && value.columns == query.columns,
          "queries, keys and values are not made of the same inputs");
  require(key.rows == query.rows, "queries and keys differ in size");
  require(a.heads > 0 && query.rows % a.heads == 0 && value.rows % a.heads == 0,
          "queries or values do not divide into heads");
  require(output.columns == value.rows, "the output layer does not read all heads");
}

std::unique_ptr<Kernel> make(const SelfAttentionOperator& op, const ort::Api& api,
                             const ort::Info* info) {
  auto kernel = std::make_unique<Kernel>(Kernel{&api, &sparsify::choose_kernels(), &op, {}, nullptr});
  sparsify::SelfAttention& a = kernel->attention;
  for (size_t layer = 0; layer < 4; ++layer) {
    a.layers.push_back({weight(api, info, op.where, op.integers, kLayers[layer], op.input(layer)),
                        sparsify::Activation::none});
  }
  int64_t heads[1];
  read_numbers(api, info, "heads", heads);
  a.heads = heads[0];
  check_sizes(a);
  scale(a.layers[0].weight,
        floats(api, info, op.scale(), 1, "the scale is not one float")[0]);
  if (op.normalized) {
    kernel->normalization = normalization(api, info, op.residual(), a.weight(3).rows);
  }
  return kernel;
}

void compute(const Kernel& kernel, ort::Context* context) {
  const ort::Api& api = *kernel.api;
  const SelfAttentionOperator& op = *kernel.op;
  const sparsify::SelfAttention& a = kernel.attention;
  const ort::Value* inputs = input_of(api, context, 0);
  auto shape = ShapeOf(api, inputs).dimensions();
  require(shape.size() == 3, "the input is not of three dimensions");
  if (shape.back() != a.weight(0).columns) {
    throw Malformed("the last dimension of the input is not " + std::to_string(a.weight(0).columns));
  }
  sparsify::Texts texts{};
  texts.batch = shape[0], texts.length = shape[1];
  texts.inputs = static_cast<const float*>(data_of(api, inputs));
  if (op.masked) {
    const ort::Value* mask = input_of(api, context, op.mask());
    read_mask(ShapeOf(api, mask).dimensions(), {texts.batch, a.heads, texts.length, texts.length},
              texts.mask_strides);
    texts.mask = static_cast<const float*>(data_of(api, mask));
  }
  shape.back() = a.weight(3).rows;
  if (op.normalized) {
    texts.normalization = kernel.normalization.get();
    texts.residual = residual_of(api, context, op.residual(), shape);
  }
  texts.outputs = output_of(api, context, shape);
  Threads threads{api, context};
  sparsify::attend_self(a, texts, *kernel.kernels, threads.pool());
}

const SelfAttentionOperator& self(const ort::Operator* op) {
  return *static_cast<const SelfAttentionOperator*>(op);
}

SelfAttentionOperator describe(const std::string& form, Where where, bool integers, bool masked,
                               bool normalized) {
  SelfAttentionOperator op{};
  describe_common(op);
  op.name = (integers ? "DynamicQuantize" : "") + form + (masked ? "Masked" : "") +
            "SelfAttention" + (normalized ? "Normalization" : "");
  op.where = where;
  op.integers = integers, op.masked = masked, op.normalized = normalized;
  op.get_input_type = [](const ort::Operator* o, size_t i) {
    return i == 0 || i >= self(o).scale() ? ort::kFloat : ort::kAny;
  };
  op.get_input_type_count = [](const ort::Operator* o) { return self(o).inputs(); };
  describe_kernel<SelfAttentionOperator, Kernel>(op);
  return op;
}

std::vector<SelfAttentionOperator> describe_all() {
  static const std::pair<const char*, Where> forms[] = {
      {"Sparse", Where::csr}, {"Gap", Where::gaps}, {"TwoOfFour", Where::two_of_four}};
  std::vector<SelfAttentionOperator> found;
  for (const auto& [form, where] : forms) {
    for (int bits = 0; bits < 8; ++bits) {
      found.push_back(describe(form, where, bits & 1, bits & 2, bits & 4));
    }
  }
  return found;
}

}  // namespace

std::vector<const ort::Operator*> self_attention_operators() {
  static const std::vector<SelfAttentionOperator> operators = describe_all();
  std::vector<const ort::Operator*> found;
  for (const SelfAttentionOperator& op : operators) found.push_back(&op);
  return found;
}
