#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "metrics/binary_loops.h"
#endif
