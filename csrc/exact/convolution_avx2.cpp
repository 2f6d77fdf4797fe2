#include "core/avx2.h"

#if defined(WITHIN_HAS_ISA)
#include "exact/convolution_loops.h"
#include "exact/convolution_weight_loops.h"
#include "exact/depthwise_loops.h"
#include "exact/depthwise_weight_loops.h"
#endif
