#include "core/standard.h"
#include "exact/elementwise_loops.h"
