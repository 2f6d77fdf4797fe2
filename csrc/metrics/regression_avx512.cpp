#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "metrics/regression_loops.h"
#endif
