#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "metrics/binary_loops.h"
#endif
