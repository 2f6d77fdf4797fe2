#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/sum_rows_loops.h"
#endif
