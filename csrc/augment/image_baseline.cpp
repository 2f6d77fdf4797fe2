#include "core/standard.h"
#include "augment/image_loops.h"
