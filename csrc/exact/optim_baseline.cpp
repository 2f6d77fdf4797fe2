#include "core/standard.h"
#include "exact/optim_loops.h"
