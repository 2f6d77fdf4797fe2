// The schemas of exact attention.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_attention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool is_causal, float? scale, "
        "float dropout_p, SymInt seed, SymInt offset) -> (Tensor, Tensor, Tensor)");
    m.def(
        "exact_attention_backward(Tensor gradient, Tensor query, Tensor key, Tensor value, Tensor? mask, Tensor out, "
        "Tensor highest, Tensor reciprocal, bool is_causal, float? scale, float dropout_p, SymInt seed, "
        "SymInt offset, bool is_mask_wanted) -> (Tensor, Tensor, Tensor, Tensor)");
}

}  // namespace within
