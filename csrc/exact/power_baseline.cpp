#include "core/standard.h"
#include "exact/power_loops.h"
