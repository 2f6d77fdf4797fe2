#include "core/standard.h"
#include "exact/norm_loops.h"
