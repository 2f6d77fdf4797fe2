#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/reduce_loops.h"
#endif
