#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/batch_norm_loops.h"
#endif
