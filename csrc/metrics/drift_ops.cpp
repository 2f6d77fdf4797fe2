// The schema of drift metrics, and how rows on a GPU get there: they are measured on the host, so the bits are the
// same.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <optional>

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "drift_metrics(Tensor reference, Tensor current, int bins, Tensor? reference_weights, Tensor? current_weights, "
        "Tensor? reference_groups, Tensor? current_groups, int num_groups) -> Tensor");
}

namespace {

at::Tensor on_host(const at::Tensor& reference, const at::Tensor& current, int64_t bins,
                   const std::optional<at::Tensor>& reference_weights, const std::optional<at::Tensor>& current_weights,
                   const std::optional<at::Tensor>& reference_groups, const std::optional<at::Tensor>& current_groups,
                   int64_t num_groups) {
    for (const auto& [name, other] : {std::pair{"current", std::optional(current)},
                                      {"reference_weights", reference_weights},
                                      {"current_weights", current_weights},
                                      {"reference_groups", reference_groups},
                                      {"current_groups", current_groups}})
        TORCH_CHECK_VALUE(!other || other->device() == reference.device(), "drift_metrics: ", name, " is on ",
                          other->device(), ", expected ", reference.device(), " where reference is");
    auto host = [](const std::optional<at::Tensor>& tensor) {
        return tensor ? std::optional(tensor->to(at::kCPU)) : std::nullopt;
    };
    static const auto op =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("within::drift_metrics", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, int64_t, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, int64_t)>();
    return op
        .call(reference.to(at::kCPU), current.to(at::kCPU), bins, host(reference_weights), host(current_weights),
              host(reference_groups), host(current_groups), num_groups)
        .to(reference.device());
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("drift_metrics", &on_host); }

}  // namespace within
