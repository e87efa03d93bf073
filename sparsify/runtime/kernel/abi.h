// The part of ONNX Runtime's C interface that a custom operator needs.
//
// The interface is a table of function pointers to which entries are only ever appended, so an
// entry's position is a fact that holds for every version since the entry was added; the newest
// one used here came with version 17. tests/sparsify/runtime/test_library.py holds these positions
// against the runtime that is installed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ort {

constexpr uint32_t kVersion = 17;

struct Status;
struct Value;
struct Shape;
struct Info;
struct Context;
struct Options;
struct Domain;
struct InferenceContext;

enum ErrorCode : int { kFail = 1, kInvalidArgument = 2 };

enum ElementType : int {
  kAny = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt32 = 6,
  kInt64 = 7,
  kFloat16 = 10,
  kUint32 = 12,
};

enum Entry : size_t {
  kCreateStatus = 0,
  kCreateCustomOpDomain = 26,
  kCustomOpDomainAdd = 27,
  kAddCustomOpDomain = 28,
  kGetTensorMutableData = 51,
  kGetTensorElementType = 60,
  kGetDimensionsCount = 61,
  kGetDimensions = 62,
  kGetTensorShapeElementCount = 64,
  kGetTensorTypeAndShape = 65,
  kKernelInfoGetAttributeFloat = 85,
  kKernelContextGetInput = 90,
  kKernelContextGetOutput = 91,
  kReleaseStatus = 93,
  kReleaseTensorTypeAndShapeInfo = 99,
  kKernelInfoGetAttributeArrayInt64 = 163,
  kKernelInfoGetConstantInputTensor = 249,
  kKernelContextParallelFor = 274,
};

struct Api {
  void* entries[275];

  template <typename Result, typename... Arguments>
  Result call(Entry entry, Arguments... arguments) const {
    return reinterpret_cast<Result (*)(Arguments...)>(entries[entry])(arguments...);
  }
};

struct ApiBase {
  const Api* (*get_api)(uint32_t version);
  const char* (*get_version_string)();
};

// What the runtime reads of an operator; later members are not read when `version` is 17.
struct Operator {
  uint32_t version;
  void* (*create_kernel)(const Operator*, const Api*, const Info*);
  const char* (*get_name)(const Operator*);
  const char* (*get_execution_provider_type)(const Operator*);
  ElementType (*get_input_type)(const Operator*, size_t);
  size_t (*get_input_type_count)(const Operator*);
  ElementType (*get_output_type)(const Operator*, size_t);
  size_t (*get_output_type_count)(const Operator*);
  void (*kernel_compute)(void*, Context*);
  void (*kernel_destroy)(void*);
  int (*get_input_characteristic)(const Operator*, size_t);
  int (*get_output_characteristic)(const Operator*, size_t);
  int (*get_input_memory_type)(const Operator*, size_t);
  int (*get_variadic_input_min_arity)(const Operator*);
  int (*get_variadic_input_homogeneity)(const Operator*);
  int (*get_variadic_output_min_arity)(const Operator*);
  int (*get_variadic_output_homogeneity)(const Operator*);
  Status* (*create_kernel_v2)(const Operator*, const Api*, const Info*, void**);
  Status* (*kernel_compute_v2)(void*, Context*);
  Status* (*infer_output_shape)(const Operator*, InferenceContext*);
  int (*get_start_version)(const Operator*);
  int (*get_end_version)(const Operator*);
};

}  // namespace ort
