// Memory that kernels work in.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace sparsify {

// Whether a thread works in it alone, or its tasks on other threads do, too.
enum class Held { alone, shared };

// Aligned memory that a thread keeps for its next call.
template <Held held = Held::alone>
inline float* scratch(size_t count) {
  struct Free {
    void operator()(float* memory) const { ::operator delete[](memory, std::align_val_t(64)); }
  };
  static thread_local std::unique_ptr<float, Free> memory;
  static thread_local size_t size = 0;
  if (size < count) {
    memory.reset();
    size = 0;
    memory.reset(static_cast<float*>(::operator new[](count * sizeof(float), std::align_val_t(64))));
    size = count;
  }
  return memory.get();
}

}  // namespace sparsify
