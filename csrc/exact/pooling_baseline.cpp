#include "core/standard.h"
#include "exact/pooling_loops.h"
