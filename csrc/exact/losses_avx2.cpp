#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/class_loss_loops.h"
#include "exact/pairwise_loss_loops.h"
#include "exact/pointwise_loss_loops.h"
#endif
