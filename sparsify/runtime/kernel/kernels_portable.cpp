#define LANES 4
#define SINGLE_VECTORS 8
#define QUAD_VECTORS 2
#include "attention_kernels.h"

namespace sparsify {

const Kernels kPortable = {
    "portable", LANES, gather, multiply<1>, multiply<4>, scatter, activate_in_place, attend,
};

}  // namespace sparsify
