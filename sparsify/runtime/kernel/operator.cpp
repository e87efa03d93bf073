// The operators of the domain `ai.sparsify` for ONNX Runtime.
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "abi.h"
#include "linear.h"
#include "weight.h"

namespace {

using sparsify::Activation;
using sparsify::Malformed;
using sparsify::Tensor;
using sparsify::Type;

struct SparseLinear : ort::Operator {
  const char* name;
  bool gaps;
  Activation activation;
};

struct Kernel {
  const ort::Api* api;
  const sparsify::Kernels* kernels;
  Activation activation;
  sparsify::Weight weight;
};

// A status of the runtime that is no success, on its way up.
struct Refusal {
  ort::Status* status;
};

void check(ort::Status* status) {
  if (status) throw Refusal{status};
}

ort::Status* failure(const ort::Api& api, ort::ErrorCode code, const std::string& what) {
  return api.call<ort::Status*>(ort::kCreateStatus, code, what.c_str());
}

// Runs `work` and turns whatever it throws into a status: no exception crosses into the runtime.
template <typename Work>
ort::Status* guarded(const ort::Api& api, Work work) {
  try {
    work();
    return nullptr;
  } catch (const Refusal& refusal) {
    return refusal.status;
  } catch (const Malformed& malformed) {
    return failure(api, ort::kInvalidArgument, std::string("SparseLinear: ") + malformed.what());
  } catch (const std::bad_alloc&) {
    return failure(api, ort::kFail, "SparseLinear: not enough memory");
  } catch (const std::exception& error) {
    return failure(api, ort::kFail, std::string("SparseLinear: ") + error.what());
  }
}

// The type and shape of a value, released with it.
class ShapeOf {
 public:
  ShapeOf(const ort::Api& api, const ort::Value* value) : api_(api) {
    check(api.call<ort::Status*>(ort::kGetTensorTypeAndShape, value, &shape_));
  }
  ~ShapeOf() { api_.call<void>(ort::kReleaseTensorTypeAndShapeInfo, shape_); }
  ShapeOf(const ShapeOf&) = delete;
  ShapeOf& operator=(const ShapeOf&) = delete;

  ort::ElementType type() const {
    ort::ElementType type{};
    check(api_.call<ort::Status*>(ort::kGetTensorElementType, constant(), &type));
    return type;
  }
  int64_t count() const {
    size_t count = 0;
    check(api_.call<ort::Status*>(ort::kGetTensorShapeElementCount, constant(), &count));
    return int64_t(count);
  }
  std::vector<int64_t> dimensions() const {
    size_t rank = 0;
    check(api_.call<ort::Status*>(ort::kGetDimensionsCount, constant(), &rank));
    std::vector<int64_t> found(rank);
    check(api_.call<ort::Status*>(ort::kGetDimensions, constant(), found.data(), rank));
    return found;
  }

 private:
  const ort::Shape* constant() const { return shape_; }
  const ort::Api& api_;
  ort::Shape* shape_ = nullptr;
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

void* data_of(const ort::Api& api, const ort::Value* value) {
  void* data = nullptr;
  check(api.call<ort::Status*>(ort::kGetTensorMutableData, const_cast<ort::Value*>(value), &data));
  return data;
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

std::unique_ptr<Kernel> make(const SparseLinear& op, const ort::Api& api, const ort::Info* info) {
  int64_t shape[2], block[2];
  pair(api, info, "shape", shape);
  pair(api, info, "block", block);
  sparsify::Encoded e;
  e.rows = shape[0], e.columns = shape[1];
  e.block_rows = block[0], e.block_columns = block[1];
  e.gaps = op.gaps;
  size_t input = 1;
  e.values = constant(api, info, input++);
  e.positions = constant(api, info, input++);
  if (!op.gaps) e.row_offsets = constant(api, info, input++);
  e.bias = constant(api, info, input++);
  e.scales = constant(api, info, input++);
  return std::make_unique<Kernel>(
      Kernel{&api, &sparsify::choose_kernels(), op.activation, sparsify::pack(e)});
}

void compute(const Kernel& kernel, ort::Context* context) {
  const ort::Api& api = *kernel.api;
  const ort::Value* inputs = nullptr;
  check(api.call<ort::Status*>(ort::kKernelContextGetInput,
                               static_cast<const ort::Context*>(context), size_t{0}, &inputs));
  auto shape = ShapeOf(api, inputs).dimensions();
  if (shape.empty() || shape.back() != kernel.weight.columns) {
    throw Malformed("the last dimension of the input is not " +
                    std::to_string(kernel.weight.columns));
  }
  int64_t tokens = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) tokens *= shape[i];
  shape.back() = kernel.weight.rows;
  ort::Value* outputs = nullptr;
  check(api.call<ort::Status*>(ort::kKernelContextGetOutput, context, size_t{0},
                               static_cast<const int64_t*>(shape.data()), shape.size(), &outputs));
  struct Threads {
    const ort::Api& api;
    const ort::Context* context;
  } threads{api, context};
  const auto run = [](void* at, sparsify::Task task, size_t count, void* state) {
    const Threads& t = *static_cast<const Threads*>(at);
    check(t.api.call<ort::Status*>(ort::kKernelContextParallelFor, t.context, task, count,
                                   size_t{0}, state));
  };
  sparsify::multiply(kernel.weight, *kernel.kernels, kernel.activation,
                     static_cast<const float*>(data_of(api, inputs)), tokens,
                     static_cast<float*>(data_of(api, outputs)), {&threads, run});
}

const SparseLinear& self(const ort::Operator* op) { return *static_cast<const SparseLinear*>(op); }

SparseLinear describe(const char* name, bool gaps, Activation activation) {
  SparseLinear op{};
  op.version = ort::kVersion;
  op.name = name;
  op.gaps = gaps;
  op.activation = activation;
  op.get_name = [](const ort::Operator* o) { return self(o).name; };
  op.get_execution_provider_type = [](const ort::Operator*) -> const char* { return nullptr; };
  op.get_input_type = [](const ort::Operator*, size_t i) { return i ? ort::kAny : ort::kFloat; };
  op.get_input_type_count = [](const ort::Operator* o) { return size_t(self(o).gaps ? 5 : 6); };
  op.get_output_type = [](const ort::Operator*, size_t) { return ort::kFloat; };
  op.get_output_type_count = [](const ort::Operator*) { return size_t{1}; };
  op.get_input_characteristic = [](const ort::Operator*, size_t) { return 0; };
  op.get_output_characteristic = [](const ort::Operator*, size_t) { return 0; };
  op.get_input_memory_type = [](const ort::Operator*, size_t) { return 0; };
  op.get_variadic_input_min_arity = [](const ort::Operator*) { return 1; };
  op.get_variadic_input_homogeneity = [](const ort::Operator*) { return 0; };
  op.get_variadic_output_min_arity = [](const ort::Operator*) { return 1; };
  op.get_variadic_output_homogeneity = [](const ort::Operator*) { return 0; };
  op.get_start_version = [](const ort::Operator*) { return 1; };
  op.get_end_version = [](const ort::Operator*) { return 0x7fffffff; };
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

const SparseLinear kOperators[] = {
    describe("SparseLinear", false, Activation::none),
    describe("SparseLinearRelu", false, Activation::relu),
    describe("SparseLinearGelu", false, Activation::gelu),
    describe("SparseLinearGeluTanh", false, Activation::gelu_tanh),
    describe("SparseLinearSilu", false, Activation::silu),
    describe("GapLinear", true, Activation::none),
    describe("GapLinearRelu", true, Activation::relu),
    describe("GapLinearGelu", true, Activation::gelu),
    describe("GapLinearGeluTanh", true, Activation::gelu_tanh),
    describe("GapLinearSilu", true, Activation::silu),
};

ort::Domain* make_domain(const ort::Api& api) {
  ort::Domain* domain = nullptr;
  check(api.call<ort::Status*>(ort::kCreateCustomOpDomain, "ai.sparsify", &domain));
  for (const SparseLinear& op : kOperators) {
    check(api.call<ort::Status*>(ort::kCustomOpDomainAdd, domain,
                                 static_cast<const ort::Operator*>(&op)));
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
