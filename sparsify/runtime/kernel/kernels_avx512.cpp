#define LANES 16
#define SINGLE_VECTORS 8
#define QUAD_VECTORS 4
#include "kernels.h"

namespace sparsify {

const Kernels kAvx512 = {"avx512", gather, multiply<1>, multiply<4>, scatter};

}  // namespace sparsify
