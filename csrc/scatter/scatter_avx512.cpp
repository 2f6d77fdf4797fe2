#include "core/avx512.h"

#if defined(WITHIN_HAS_ISA)
#include "scatter/column_loops.h"
#include "scatter/extreme_loops.h"
#include "scatter/finish_loops.h"
#include "scatter/sum_loops.h"
#endif
