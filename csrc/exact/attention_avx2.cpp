#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/attention_backward_loops.h"
#endif
