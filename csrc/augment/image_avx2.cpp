#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "augment/image_loops.h"
#endif
