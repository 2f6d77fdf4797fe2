#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/norm_loops.h"
#endif
