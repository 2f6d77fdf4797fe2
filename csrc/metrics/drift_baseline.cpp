#include "core/standard.h"
#include "metrics/drift_loops.h"
