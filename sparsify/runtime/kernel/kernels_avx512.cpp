#define LANES 16
#define SINGLE_VECTORS 8
#define QUAD_VECTORS 4
#include "attention_kernels.h"

namespace sparsify {

const Kernels kAvx512 = {
    "avx512", LANES, gather, multiply<1>, multiply<4>, scatter, activate_in_place, attend,
};

}  // namespace sparsify
