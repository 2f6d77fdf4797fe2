#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "metrics/regression_loops.h"
#endif
