#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/elementwise_loops.h"
#endif
