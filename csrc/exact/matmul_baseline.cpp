#include "core/standard.h"
#include "exact/matmul_loops.h"
