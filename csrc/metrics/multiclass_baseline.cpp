#include "core/standard.h"
#include "metrics/multiclass_loops.h"
