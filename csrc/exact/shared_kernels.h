// Kernels that more than one operator calls.
#pragma once

#include "core/dispatch.h"
#include "exact/batch_norm.h"
#include "exact/reduce.h"

namespace within {

using RunReduce = void(const ReduceTask&);
using RunPair = void(const PairTask&);
WITHIN_KERNEL(RunReduce, reduce_rows)
WITHIN_KERNEL(RunReduce, reduce_columns)
WITHIN_KERNEL(RunPair, pair_rows)

}  // namespace within
