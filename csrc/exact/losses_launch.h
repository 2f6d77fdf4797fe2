// What the kernels of losses are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/class_loss.h"
#include "exact/pairwise_loss.h"
#include "exact/pointwise_loss.h"

namespace within {

template <typename Element>
void launch_point_values(const PointLossTask& task, Stream stream);
// The sum is divided by *divisor, or, where that is null, by the task's; sums holds sum_blocks_of(task.count) numbers.
template <typename Element, typename T>
void launch_point_sum(PointLossTask task, const T* divisor, T* sums, Element* out, Stream stream);
template <typename Element, typename T, typename Out>
void launch_number_sum(const Element* x, int64_t count, const T* divisor, double divisor_count, T* sums, Out* out,
                       Stream stream);
template <typename Element, typename T>
void launch_point_gradients(const PointLossTask& task, const T* divisor, Stream stream);

// Rows [0, task.end).
template <typename Element>
void launch_class_losses(const ClassLossTask& task, bool is_log, Stream stream);
template <typename Element, typename T>
void launch_class_gradients(const ClassLossTask& task, bool is_log, const T* divisor, const T* weight_sum,
                            Stream stream);

// Rows [0, task.end).
template <typename T>
void launch_pair_losses(const PairLossTask& task, Stream stream);
template <typename T>
void launch_pair_gradients(const PairLossTask& task, Stream stream);

}  // namespace within
