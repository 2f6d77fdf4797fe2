#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/power_loops.h"
#endif
