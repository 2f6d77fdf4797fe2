// The schema of sums over rows, and their gradient.
#include "core/torch.h"

#include "core/gradients.h"
#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor sum_rows(const at::Tensor& x) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&)>("within::exact_sum_rows");
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x);
}

struct SumRows : torch::autograd::Function<SumRows> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
        context->saved_data["rows"] = x.sym_size(0);
        return sum_rows(x);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        return {gradients[0].expand_symint({context->saved_data["rows"].toSymInt(), gradients[0].sym_size(0)})};
    }
};

at::Tensor exact_sum_rows_autograd(const at::Tensor& x) { return wants_gradient(x) ? SumRows::apply(x) : sum_rows(x); }

}  // namespace

TORCH_LIBRARY_FRAGMENT(within, m) { m.def("exact_sum_rows(Tensor x) -> Tensor"); }
TORCH_LIBRARY_IMPL(within, Autograd, m) { m.impl("exact_sum_rows", &exact_sum_rows_autograd); }

}  // namespace within
