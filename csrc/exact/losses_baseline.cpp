#include "core/standard.h"
#include "exact/class_loss_loops.h"
#include "exact/pairwise_loss_loops.h"
#include "exact/pointwise_loss_loops.h"
