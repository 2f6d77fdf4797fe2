#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "augment/image_loops.h"
#endif
