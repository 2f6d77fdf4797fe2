#include "core/standard.h"
#include "exact/sum_rows_loops.h"
