#include "augment/features_loops.h"
#include "core/standard.h"
