#include "core/standard.h"
#include "exact/dropout_loops.h"
