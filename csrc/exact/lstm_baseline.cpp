#include "core/standard.h"
#include "exact/lstm_backward_loops.h"
