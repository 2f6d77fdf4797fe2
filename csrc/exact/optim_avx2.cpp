#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/optim_loops.h"
#endif
