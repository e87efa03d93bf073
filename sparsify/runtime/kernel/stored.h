// What a file says of an operator's layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bridge.h"

inline sparsify::Type type_of(ort::ElementType type) {
  using sparsify::Type;
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

inline sparsify::Tensor constant(const ort::Api& api, const ort::Info* info, size_t index) {
  int is_constant = 0;
  const ort::Value* value = nullptr;
  check(api.call<ort::Status*>(ort::kKernelInfoGetConstantInputTensor, info, index, &is_constant,
                               &value));
  if (!is_constant || !value) throw sparsify::Malformed("the weight is not constant");
  const ShapeOf shape(api, value);
  const sparsify::Type type = type_of(shape.type());
  // strings are no plain data
  return {type == sparsify::Type::other ? nullptr : data_of(api, value), type, shape.count()};
}

// The attribute `name`, of exactly `count` numbers.
template <size_t count>
void read_numbers(const ort::Api& api, const ort::Info* info, const std::string& name,
                  int64_t (&found)[count]) {
  size_t there = 0;
  const auto read = [&](int64_t* to) {
    return api.call<ort::Status*>(ort::kKernelInfoGetAttributeArrayInt64, info, name.c_str(), to,
                                  &there);
  };
  check(read(nullptr));
  if (there != count) {
    throw sparsify::Malformed("`" + name + (count == 1 ? "` is not one number" : "` is not two numbers"));
  }
  check(read(found));
}

inline size_t inputs_of_layer(sparsify::Where where) {
  return where == sparsify::Where::csr ? 5 : 4;
}

// The layer whose attributes begin with `prefix` and whose inputs begin at `input`.
inline sparsify::Weight weight(const ort::Api& api, const ort::Info* info, sparsify::Where where,
                               bool integers, const std::string& prefix, size_t input) {
  int64_t shape[2], block[2];
  read_numbers(api, info, prefix + "shape", shape);
  read_numbers(api, info, prefix + "block", block);
  sparsify::Encoded e;
  e.rows = shape[0], e.columns = shape[1];
  e.block_rows = block[0], e.block_columns = block[1];
  e.where = where;
  e.integers = integers;
  e.values = constant(api, info, input++);
  e.positions = constant(api, info, input++);
  if (where == sparsify::Where::csr) e.row_offsets = constant(api, info, input++);
  e.bias = constant(api, info, input++);
  e.scales = constant(api, info, input++);
  return sparsify::pack(e);
}

inline std::vector<float> floats(const ort::Api& api, const ort::Info* info, size_t index,
                                 int64_t count, const char* otherwise) {
  const sparsify::Tensor tensor = constant(api, info, index);
  if (tensor.type != sparsify::Type::f32 || tensor.count != count) {
    throw sparsify::Malformed(otherwise);
  }
  const auto* from = static_cast<const float*>(tensor.data);
  return {from, from + count};
}

// The normalization of so many rows, behind the residual.
inline std::unique_ptr<sparsify::Normalization> normalization(const ort::Api& api,
                                                              const ort::Info* info,
                                                              size_t residual, int64_t rows) {
  const char* otherwise = "the normalization is not one float a row";
  auto made = std::make_unique<sparsify::Normalization>();
  made->scale = floats(api, info, residual + 1, rows, otherwise);
  made->bias = floats(api, info, residual + 2, rows, otherwise);
  check(api.call<ort::Status*>(ort::kKernelInfoGetAttributeFloat, info, "epsilon", &made->epsilon));
  return made;
}

// The residual, which has the shape of the outputs.
inline const float* residual_of(const ort::Api& api, const ort::Context* context, size_t index,
                                const std::vector<int64_t>& shape) {
  const ort::Value* added = input_of(api, context, index);
  if (ShapeOf(api, added).dimensions() != shape) {
    throw sparsify::Malformed("the residual is not of the outputs' shape");
  }
  return static_cast<const float*>(data_of(api, added));
}

// How an operator with a name is made by `make` and run by `compute`, which lie beside it.
template <typename Operator, typename Kernel>
void describe_kernel(Operator& op) {
  op.get_name = [](const ort::Operator* o) {
    return static_cast<const Operator*>(o)->name.c_str();
  };
  op.create_kernel_v2 = [](const ort::Operator* o, const ort::Api* api, const ort::Info* info,
                           void** kernel) {
    *kernel = nullptr;
    return guarded(*api, [&] {
      *kernel = make(*static_cast<const Operator*>(o), *api, info).release();
    });
  };
  op.kernel_compute_v2 = [](void* at, ort::Context* context) {
    const Kernel& kernel = *static_cast<const Kernel*>(at);
    return guarded(*kernel.api, [&] { compute(kernel, context); });
  };
  op.kernel_destroy = [](void* at) { delete static_cast<Kernel*>(at); };
}
