// What operators do with the runtime's values, threads and errors.
#pragma once

#include <new>
#include <string>
#include <vector>

#include "abi.h"
#include "linear.h"
#include "weight.h"

// A status of the runtime that is no success, on its way up.
struct Refusal {
  ort::Status* status;
};

inline void check(ort::Status* status) {
  if (status) throw Refusal{status};
}

inline ort::Status* failure(const ort::Api& api, ort::ErrorCode code, const std::string& what) {
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
  } catch (const sparsify::Malformed& malformed) {
    return failure(api, ort::kInvalidArgument, std::string("ai.sparsify: ") + malformed.what());
  } catch (const std::bad_alloc&) {
    return failure(api, ort::kFail, "ai.sparsify: not enough memory");
  } catch (const std::exception& error) {
    return failure(api, ort::kFail, std::string("ai.sparsify: ") + error.what());
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

inline void* data_of(const ort::Api& api, const ort::Value* value) {
  void* data = nullptr;
  check(api.call<ort::Status*>(ort::kGetTensorMutableData, const_cast<ort::Value*>(value), &data));
  return data;
}

// The threads of the runtime, while a kernel computes.
struct Threads {
  const ort::Api& api;
  const ort::Context* context;

  sparsify::Pool pool() {
    return {this, [](void* at, sparsify::Task task, size_t count, void* state) {
              const Threads& t = *static_cast<const Threads*>(at);
              check(t.api.call<ort::Status*>(ort::kKernelContextParallelFor, t.context, task, count,
                                             size_t{0}, state));
            }};
  }
};

inline const ort::Value* input_of(const ort::Api& api, const ort::Context* context, size_t index) {
  const ort::Value* value = nullptr;
  check(api.call<ort::Status*>(ort::kKernelContextGetInput, context, index, &value));
  return value;
}

// The strides of a row-major mask of scores [batch][heads][queries][keys], 0 where it is the same
// for all.
inline void read_mask(const std::vector<int64_t>& shape, const int64_t (&scores)[4],
                      int64_t (&strides)[4]) {
  if (shape.size() > 4) throw sparsify::Malformed("the mask has more than four dimensions");
  const size_t missing = 4 - shape.size();
  int64_t stride = 1;
  for (size_t axis = 4; axis-- > 0;) {
    const int64_t size = axis < missing ? 1 : shape[axis - missing];
    if (size != 1 && size != scores[axis]) {
      throw sparsify::Malformed("the mask does not fit the scores");
    }
    strides[axis] = size == 1 ? 0 : stride;
    stride *= size;
  }
}

inline float* output_of(const ort::Api& api, ort::Context* context,
                        const std::vector<int64_t>& shape) {
  ort::Value* value = nullptr;
  check(api.call<ort::Status*>(ort::kKernelContextGetOutput, context, size_t{0}, shape.data(),
                               shape.size(), &value));
  return static_cast<float*>(data_of(api, value));
}

// An operator on floats that is the same on every version of the domain.
inline void describe_common(ort::Operator& op) {
  op.version = ort::kVersion;
  op.get_execution_provider_type = [](const ort::Operator*) -> const char* { return nullptr; };
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
}

// Of the operators other than the linear layers.
std::vector<const ort::Operator*> attention_operators();
std::vector<const ort::Operator*> self_attention_operators();
