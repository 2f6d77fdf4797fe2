#include "augment/image_loops.h"
#include "core/standard.h"
