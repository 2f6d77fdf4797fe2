#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/softmax_loops.h"
#endif
