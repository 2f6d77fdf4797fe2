// What the kernels of optimizers are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/optim.h"

namespace within {

// Numbers [0, task.end).
template <typename Element>
void launch_adam(const StepTask& task, const AdamRates& rates, Stream stream);
template <typename Element>
void launch_sgd(const StepTask& task, const SgdRates& rates, Stream stream);
// Blocks [0, task.end).
template <typename Element>
void launch_norm_sums(const NormSumTask& task, Stream stream);
template <typename Out>
void launch_total_norm(Norm norm, double* sums, const int64_t* ends, int64_t tensors, double* of_tensors, Out* out,
                       Stream stream);
template <typename Element, typename Norms>
void launch_clip(const ClipTask& task, const Norms* norm, Stream stream);

}  // namespace within
