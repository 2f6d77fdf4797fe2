#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "augment/features_loops.h"
#endif
