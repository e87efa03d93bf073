// The operators of the domain `ai.sparsify` for ONNX Runtime.
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "bridge.h"

namespace {

using sparsify::Activation;
using sparsify::Malformed;
using sparsify::Tensor;
using sparsify::Type;
using sparsify::Where;

// One sparse linear layer, or two of which the first has the activation; normalized, the layer
// normalization of what they make and a residual.
struct SparseLinear : ort::Operator {
  std::string name;
  Where where;
  bool integers;
  size_t layers;
  Activation activation;
  bool normalized;

  size_t inputs_of_layer() const { return where == Where::csr ? 5 : 4; }
  size_t residual() const { return 1 + layers * inputs_of_layer(); }
};

struct Kernel {
  const ort::Api* api;
  const sparsify::Kernels* kernels;
  std::vector<sparsify::Layer> layers;
  size_t residual;
  std::unique_ptr<sparsify::Normalization> normalization;
};

Type type_of(ort::ElementType type) {
  switch (type) {
    case ort::kFloat: return Type::f32;
    case ort::kFloat16: return Type::f16;
    case ort::kInt8: return Type::i8;
    case ort::kUint8: return Type::u8;
    case ort::kUint16: return Type::u16;
    case ort::kUint32: return Type::u32;
    case ort::kInt32: return Type::i32;
    case ort::kInt64: return Type::i64;
    default: return Type::other;
  }
}

Tensor constant(const ort::Api& api, const ort::Info* info, size_t index) {
  int is_constant = 0;
  const ort::Value* value = nullptr;
  check(api.call<ort::Status*>(ort::kKernelInfoGetConstantInputTensor, info, index, &is_constant,
                               &value));
  if (!is_constant || !value) throw Malformed("the weight is not constant");
  const ShapeOf shape(api, value);
  const Type type = type_of(shape.type());
  // strings are no plain data
  return {type == Type::other ? nullptr : data_of(api, value), type, shape.count()};
}

void pair(const ort::Api& api, const ort::Info* info, const char* name, int64_t (&found)[2]) {
  size_t count = 0;
  const auto read = [&](int64_t* to) {
    return api.call<ort::Status*>(ort::kKernelInfoGetAttributeArrayInt64, info, name, to, &count);
  };
  check(read(nullptr));
  if (count != 2) throw Malformed(std::string("`") + name + "` is not two numbers");
  check(read(found));
}

sparsify::Weight weight(const SparseLinear& op, const ort::Api& api, const ort::Info* info,
                        size_t layer) {
  int64_t shape[2], block[2];
  pair(api, info, layer ? "next_shape" : "shape", shape);
  pair(api, info, layer ? "next_block" : "block", block);
  sparsify::Encoded e;
  e.rows = shape[0], e.columns = shape[1];
  e.block_rows = block[0], e.block_columns = block[1];
  e.where = op.where;
  e.integers = op.integers;
  size_t input = 1 + layer * op.inputs_of_layer();
  e.values = constant(api, info, input++);
  e.positions = constant(api, info, input++);
  if (op.where == Where::csr) e.row_offsets = constant(api, info, input++);
  e.bias = constant(api, info, input++);
  e.scales = constant(api, info, input++);
  return sparsify::pack(e);
}

std::vector<float> floats(const ort::Api& api, const ort::Info* info, size_t index, int64_t count) {
  const Tensor tensor = constant(api, info, index);
  if (tensor.type != Type::f32 || tensor.count != count) {
    throw Malformed("the normalization is not one float a row");
  }
  const auto* from = static_cast<const float*>(tensor.data);
  return {from, from + count};
}

std::unique_ptr<sparsify::Normalization> normalization(const SparseLinear& op, const ort::Api& api,
                                                       const ort::Info* info, int64_t rows) {
  if (!op.normalized) return nullptr;
  auto made = std::make_unique<sparsify::Normalization>();
  made->scale = floats(api, info, op.residual() + 1, rows);
  made->bias = floats(api, info, op.residual() + 2, rows);
  check(api.call<ort::Status*>(ort::kKernelInfoGetAttributeFloat, info, "epsilon", &made->epsilon));
  return made;
}

std::unique_ptr<Kernel> make(const SparseLinear& op, const ort::Api& api, const ort::Info* info) {
  auto kernel = std::make_unique<Kernel>(Kernel{&api, &sparsify::choose_kernels(), {}, op.residual(), nullptr});
  for (size_t layer = 0; layer < op.layers; ++layer) {
    auto packed = weight(op, api, info, layer);
    if (layer && packed.columns != kernel->layers.back().weight.rows) {
      throw Malformed("the second layer does not read what the first one makes");
    }
    kernel->layers.push_back({std::move(packed), layer ? Activation::none : op.activation});
  }
  kernel->normalization = normalization(op, api, info, kernel->layers.back().weight.rows);
  return kernel;
}

void compute(const Kernel& kernel, ort::Context* context) {
  const ort::Api& api = *kernel.api;
  const sparsify::Weight& first = kernel.layers.front().weight;
  const ort::Value* inputs = input_of(api, context, 0);
  auto shape = ShapeOf(api, inputs).dimensions();
  if (shape.empty() || shape.back() != first.columns) {
    throw Malformed("the last dimension of the input is not " + std::to_string(first.columns));
  }
  int64_t tokens = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) tokens *= shape[i];
  shape.back() = kernel.layers.back().weight.rows;
  const float* residual = nullptr;
  if (kernel.normalization) {
    const ort::Value* added = input_of(api, context, kernel.residual);
    if (ShapeOf(api, added).dimensions() != shape) {
      throw Malformed("the residual is not of the outputs' shape");
    }
    residual = static_cast<const float*>(data_of(api, added));
  }
  float* outputs = output_of(api, context, shape);
  Threads threads{api, context};
  sparsify::multiply(kernel.layers.data(), kernel.layers.size(), *kernel.kernels,
                     static_cast<const float*>(data_of(api, inputs)), tokens, outputs,
                     threads.pool(), kernel.normalization.get(), residual);
}

const SparseLinear& self(const ort::Operator* op) { return *static_cast<const SparseLinear*>(op); }

SparseLinear describe(std::string name, Where where, bool integers, size_t layers,
                      Activation activation, bool normalized) {
  SparseLinear op{};
  describe_common(op);
  op.name = std::move(name);
  op.where = where;
  op.integers = integers;
  op.layers = layers;
  op.activation = activation;
  op.normalized = normalized;
  op.get_name = [](const ort::Operator* o) { return self(o).name.c_str(); };
  op.get_input_type = [](const ort::Operator* o, size_t i) {
    return i == 0 || i >= self(o).residual() ? ort::kFloat : ort::kAny;
  };
  op.get_input_type_count = [](const ort::Operator* o) {
    return self(o).residual() + (self(o).normalized ? 3 : 0);
  };
  op.create_kernel_v2 = [](const ort::Operator* o, const ort::Api* api, const ort::Info* info,
                           void** kernel) {
    *kernel = nullptr;
    return guarded(*api, [&] { *kernel = make(self(o), *api, info).release(); });
  };
  op.kernel_compute_v2 = [](void* at, ort::Context* context) {
    const Kernel& kernel = *static_cast<const Kernel*>(at);
    return guarded(*kernel.api, [&] { compute(kernel, context); });
  };
  op.kernel_destroy = [](void* at) { delete static_cast<Kernel*>(at); };
  return op;
}

// Every form of a weight, alone and in pairs, with every activation, and in front of a normalization.
std::vector<SparseLinear> describe_all() {
  static const std::pair<const char*, Activation> activations[] = {
      {"", Activation::none},
      {"Relu", Activation::relu},
      {"Gelu", Activation::gelu},
      {"GeluTanh", Activation::gelu_tanh},
      {"Silu", Activation::silu},
  };
  static const std::pair<const char*, Where> forms[] = {
      {"Sparse", Where::csr}, {"Gap", Where::gaps}, {"TwoOfFour", Where::two_of_four}};
  std::vector<SparseLinear> found;
  for (const bool integers : {false, true}) {
    for (const auto& [form, where] : forms) {
      for (const size_t layers : {size_t{1}, size_t{2}}) {
        const std::string name = std::string(integers ? "DynamicQuantize" : "") + form +
                                 (layers == 1 ? "Linear" : "FeedForward");
        for (const auto& [suffix, activation] : activations) {
          const auto add = [&](const char* end, bool normalized) {
            const std::string whole = name + suffix + end;
            found.push_back(describe(whole, where, integers, layers, activation, normalized));
          };
          add("", false);
          if (layers == 2 || activation == Activation::none) add("Normalization", true);
        }
      }
    }
  }
  return found;
}

ort::Domain* make_domain(const ort::Api& api) {
  ort::Domain* domain = nullptr;
  check(api.call<ort::Status*>(ort::kCreateCustomOpDomain, "ai.sparsify", &domain));
  static const std::vector<SparseLinear> operators = describe_all();
  for (const SparseLinear& op : operators) {
    check(api.call<ort::Status*>(ort::kCustomOpDomainAdd, domain,
                                 static_cast<const ort::Operator*>(&op)));
  }
  for (const ort::Operator* op : kAttentionOperators) {
    check(api.call<ort::Status*>(ort::kCustomOpDomainAdd, domain, op));
  }
  return domain;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// The runtime calls this when the library is registered with a session's options.
EXPORTED ort::Status* RegisterCustomOps(ort::Options* options, const ort::ApiBase* runtime) {
  const ort::Api* api = runtime->get_api(ort::kVersion);
  if (!api) return nullptr;
  return guarded(*api, [&] {
    // it lives as long as the library: sessions refer to it and do not own it
    static ort::Domain* const domain = make_domain(*api);
    check(api->call<ort::Status*>(ort::kAddCustomOpDomain, options, domain));
  });
}

// Which kernels run on this machine, or an empty name.
EXPORTED const char* SparsifyKernels() {
  try {
    return sparsify::choose_kernels().name;
  } catch (const Malformed&) {
    return "";
  }
}

#ifndef SPARSIFY_DIGEST
#define SPARSIFY_DIGEST ""
#endif

// Which sources this was compiled from.
EXPORTED const char* SparsifyDigest() { return SPARSIFY_DIGEST; }
