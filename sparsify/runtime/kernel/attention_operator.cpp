// Attention for ONNX Runtime: `Attention` and `MaskedAttention` of the domain `ai.sparsify`.
#include "attention.h"
#include "bridge.h"

namespace {

using sparsify::Attention;
using sparsify::Malformed;

struct AttentionOperator : ort::Operator {
  bool masked;
};

struct Kernel {
  const ort::Api* api;
  const sparsify::Kernels* kernels;
  bool masked;
};

struct Input {
  const float* data;
  std::vector<int64_t> shape;
};

Input read(const ort::Api& api, ort::Context* context, size_t index) {
  const ort::Value* value = input_of(api, context, index);
  return {static_cast<const float*>(data_of(api, value)), ShapeOf(api, value).dimensions()};
}

void require(bool holds, const char* what) {
  if (!holds) throw Malformed(what);
}

void compute(const Kernel& kernel, ort::Context* context) {
  const ort::Api& api = *kernel.api;
  const Input query = read(api, context, 0), key = read(api, context, 1);
  const Input value = read(api, context, 2), scale = read(api, context, 3);
  require(query.shape.size() == 4 && key.shape.size() == 4 && value.shape.size() == 4,
          "attention is not of four dimensions");
  require(key.shape[0] == query.shape[0] && key.shape[2] == query.shape[2] &&
              key.shape[3] == query.shape[3],
          "queries and keys differ in shape");
  require(value.shape[0] == key.shape[0] && value.shape[1] == key.shape[1] &&
              value.shape[2] == key.shape[2],
          "keys and values differ in shape");
  for (const int64_t size : scale.shape) require(size == 1, "the scale is not one number");
  Attention a{};
  a.batch = query.shape[0], a.queries = query.shape[1], a.heads = query.shape[2];
  a.width = query.shape[3], a.keys = key.shape[1], a.value_width = value.shape[3];
  a.query = query.data, a.key = key.data, a.value = value.data, a.scale = scale.data[0];
  if (kernel.masked) {
    const Input mask = read(api, context, 4);
    read_mask(mask.shape, {a.batch, a.heads, a.queries, a.keys}, a.mask_strides);
    a.mask = mask.data;
  }
  a.to = output_of(api, context, {a.batch, a.queries, a.heads, a.value_width});
  Threads threads{api, context};
  sparsify::attend(a, *kernel.kernels, threads.pool());
}

bool masked(const ort::Operator* op) { return static_cast<const AttentionOperator*>(op)->masked; }

AttentionOperator describe(bool is_masked) {
  AttentionOperator op{};
  describe_common(op);
  op.masked = is_masked;
  op.get_name = [](const ort::Operator* o) { return masked(o) ? "MaskedAttention" : "Attention"; };
  op.get_input_type = [](const ort::Operator*, size_t) { return ort::kFloat; };
  op.get_input_type_count = [](const ort::Operator* o) { return size_t(masked(o) ? 5 : 4); };
  op.create_kernel_v2 = [](const ort::Operator* o, const ort::Api* api, const ort::Info*,
                           void** kernel) {
    *kernel = nullptr;
    return guarded(*api,
                   [&] { *kernel = new Kernel{api, &sparsify::choose_kernels(), masked(o)}; });
  };
  op.kernel_compute_v2 = [](void* at, ort::Context* context) {
    const Kernel& kernel = *static_cast<const Kernel*>(at);
    return guarded(*kernel.api, [&] { compute(kernel, context); });
  };
  op.kernel_destroy = [](void* at) { delete static_cast<Kernel*>(at); };
  return op;
}

const AttentionOperator kPlain = describe(false), kMasked = describe(true);

}  // namespace

std::vector<const ort::Operator*> attention_operators() { return {&kPlain, &kMasked}; }
