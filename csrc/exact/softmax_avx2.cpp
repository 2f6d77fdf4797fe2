#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/softmax_loops.h"
#endif
