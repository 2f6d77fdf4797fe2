#include "core/standard.h"
#include "exact/batch_norm_loops.h"
