#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/batch_norm_loops.h"
#endif
