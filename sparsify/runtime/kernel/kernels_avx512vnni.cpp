#define LANES 16
#define SINGLE_VECTORS 8
#define INTEGER_ROWS 2
#define QUAD_VECTORS 4
#include "attention_kernels.h"
#include "integer_kernels.h"
#include "normalization.h"

namespace sparsify {

const Kernels kAvx512Vnni = {
    "avx512vnni", LANES, gather, multiply<1>, multiply<4>, multiply_integers,
    quantize, quantize_turned, scatter, activate_in_place, normalize,
    attend, product, shares,
};

}  // namespace sparsify
