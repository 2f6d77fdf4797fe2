#include "core/standard.h"
#include "exact/attention_backward_loops.h"
