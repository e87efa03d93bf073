// The operators of the domain `ai.sparsify` for ONNX Runtime.
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "stored.h"

namespace {

using sparsify::Activation;
using sparsify::Malformed;
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

  size_t input(size_t layer) const { return 1 + layer * inputs_of_layer(where); }
  size_t residual() const { return input(layers); }
};

struct Kernel {
  const ort::Api* api;
  const sparsify::Kernels* kernels;
  std::vector<sparsify::Layer> layers;
  size_t residual;
  std::unique_ptr<sparsify::Normalization> normalization;
};

std::unique_ptr<Kernel> make(const SparseLinear& op, const ort::Api& api, const ort::Info* info) {
  auto kernel = std::make_unique<Kernel>(Kernel{&api, &sparsify::choose_kernels(), {}, op.residual(), nullptr});
  for (size_t layer = 0; layer < op.layers; ++layer) {
    auto packed = weight(api, info, op.where, op.integers, layer ? "next_" : "", op.input(layer));
    if (layer && packed.columns != kernel->layers.back().weight.rows) {
      throw Malformed("the second layer does not read what the first one makes");
    }
    kernel->layers.push_back({std::move(packed), layer ? Activation::none : op.activation});
  }
  if (op.normalized) {
    const int64_t rows = kernel->layers.back().weight.rows;
    kernel->normalization = normalization(api, info, op.residual(), rows);
  }
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
    residual = residual_of(api, context, kernel.residual, shape);
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
  op.get_input_type = [](const ort::Operator* o, size_t i) {
    return i == 0 || i >= self(o).residual() ? ort::kFloat : ort::kAny;
  };
  op.get_input_type_count = [](const ort::Operator* o) {
    return self(o).residual() + (self(o).normalized ? 3 : 0);
  };
  describe_kernel<SparseLinear, Kernel>(op);
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
  for (const auto& others : {attention_operators(), self_attention_operators()}) {
    for (const ort::Operator* op : others) {
      check(api.call<ort::Status*>(ort::kCustomOpDomainAdd, domain, op));
    }
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
