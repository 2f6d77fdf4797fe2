// What the kernels of reductions are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/reduce.h"

namespace within {

// partial: T [blocks_of_sum, sums]; centre: T [sums], the mean afterwards of var and std. sums, numbers > 0.
template <typename Element>
void launch_reduce(const Element* x, const SumLayout& layout, Reduction reduction, Wider<Element> divisor,
                   Wider<Element>* partial, Wider<Element>* centre, Element* out, Wider<Element>* wide, Stream stream);
// partial: T [2, blocks_of_sum, sums]. sums, numbers > 0.
template <typename Element>
void launch_pair(const Element* x, const Element* gradient, const SumLayout& layout, const Wider<Element>* mean,
                 const Wider<Element>* scale, int64_t statistic_segment, int64_t statistic_sums,
                 Wider<Element>* partial, Wider<Element>* of_weight, Wider<Element>* of_bias,
                 Wider<Element>* weight_share, Wider<Element>* bias_share, Stream stream);

}  // namespace within
