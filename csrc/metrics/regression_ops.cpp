// The schema of regression metrics, and how rows on a GPU get there: they are measured on the host, so the bits are the
// same.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <optional>

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "regression_metrics(Tensor predictions, Tensor targets, Tensor? weights, Tensor? groups, int num_groups, "
        "float[] quantiles) -> Tensor");
}

namespace {

at::Tensor on_host(const at::Tensor& predictions, const at::Tensor& targets, const std::optional<at::Tensor>& weights,
                   const std::optional<at::Tensor>& groups, int64_t num_groups, at::ArrayRef<double> quantiles) {
    for (const auto& [name, other] :
         {std::pair{"targets", std::optional(targets)}, {"weights", weights}, {"groups", groups}})
        TORCH_CHECK_VALUE(!other || other->device() == predictions.device(), "regression_metrics: ", name, " is on ",
                          other->device(), ", expected ", predictions.device(), " where predictions is");
    auto host = [](const std::optional<at::Tensor>& tensor) {
        return tensor ? std::optional(tensor->to(at::kCPU)) : std::nullopt;
    };
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("within::regression_metrics", "")
                               .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                                 const std::optional<at::Tensor>&, int64_t, at::ArrayRef<double>)>();
    return op.call(predictions.to(at::kCPU), targets.to(at::kCPU), host(weights), host(groups), num_groups, quantiles)
        .to(predictions.device());
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("regression_metrics", &on_host); }

}  // namespace within
