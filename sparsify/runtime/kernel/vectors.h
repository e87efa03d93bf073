// Vectors of numbers, as GCC and Clang know them on every processor.
#pragma once

#include <stdint.h>

namespace sparsify {
namespace {

typedef float Float4 __attribute__((vector_size(16)));
typedef int32_t Int4 __attribute__((vector_size(16)));
typedef uint8_t Byte4 __attribute__((vector_size(4)));
template <typename V> struct Integers;
template <int64_t lanes> struct Bytes;
template <int64_t lanes> struct Vector;
template <> struct Integers<Float4> { using type = Int4; };
template <> struct Vector<4> { using type = Float4; };
template <> struct Bytes<4> { using type = Byte4; };

#if LANES >= 8
typedef float Float8 __attribute__((vector_size(32)));
typedef int32_t Int8 __attribute__((vector_size(32)));
typedef uint8_t Byte8 __attribute__((vector_size(8)));
template <> struct Integers<Float8> { using type = Int8; };
template <> struct Vector<8> { using type = Float8; };
template <> struct Bytes<8> { using type = Byte8; };
#endif

#if LANES >= 16
typedef float Float16 __attribute__((vector_size(64)));
typedef int32_t Int16 __attribute__((vector_size(64)));
typedef uint8_t Byte16 __attribute__((vector_size(16)));
template <> struct Integers<Float16> { using type = Int16; };
template <> struct Vector<16> { using type = Float16; };
template <> struct Bytes<16> { using type = Byte16; };
#endif

}  // namespace
}  // namespace sparsify
