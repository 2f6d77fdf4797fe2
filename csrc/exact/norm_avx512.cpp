#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/norm_loops.h"
#endif
