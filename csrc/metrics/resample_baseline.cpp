#include "core/standard.h"
#include "metrics/resample_loops.h"
