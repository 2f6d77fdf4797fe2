#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "metrics/drift_loops.h"
#endif
