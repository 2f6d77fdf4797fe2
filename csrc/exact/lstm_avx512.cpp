#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/lstm_backward_loops.h"
#endif
