#include "core/standard.h"
//
#include "metrics/binary_loops.h"
