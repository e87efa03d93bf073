#define LANES 4
#define SINGLE_VECTORS 8
#define QUAD_VECTORS 2
#include "kernels.h"

namespace sparsify {

const Kernels kPortable = {"portable", gather, multiply<1>, multiply<4>, scatter};

}  // namespace sparsify
