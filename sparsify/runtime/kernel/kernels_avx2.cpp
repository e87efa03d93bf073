#define LANES 8
#define SINGLE_VECTORS 8
#define INTEGER_ROWS 1
#define QUAD_VECTORS 2
#include "attention_kernels.h"
#include "integer_kernels.h"
#include "normalization.h"

namespace sparsify {

const Kernels kAvx2 = {
    "avx2", LANES, gather, multiply<1>, multiply<4>, multiply_integers,
    quantize, quantize_turned, scatter, activate_in_place, normalize,
    attend, product, shares,
};

}  // namespace sparsify
