#include "core/standard.h"
//
#include "metrics/binary_point_loops.h"
