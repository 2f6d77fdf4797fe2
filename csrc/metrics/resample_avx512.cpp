#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "metrics/resample_loops.h"
#endif
