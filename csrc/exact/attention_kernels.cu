// Attention of every format, and its gradients.
#include "exact/attention_backward.cuh"

namespace within {

#define FORMAT(Element, T)                            \
    WITHIN_INSTANTIATE(launch_attention<Element, T>); \
    WITHIN_INSTANTIATE(launch_attention_backward<Element, T>)

FORMAT(double, double);
FORMAT(float, float);
FORMAT(Float16, float);
FORMAT(BFloat16, float);

}  // namespace within
