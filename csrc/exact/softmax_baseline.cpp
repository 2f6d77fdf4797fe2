#include "core/standard.h"
#include "exact/softmax_loops.h"
