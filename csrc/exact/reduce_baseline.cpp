#include "core/standard.h"
#include "exact/reduce_loops.h"
