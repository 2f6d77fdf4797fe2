#include "core/standard.h"
#include "metrics/regression_loops.h"
