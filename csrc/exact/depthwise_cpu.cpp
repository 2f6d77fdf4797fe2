// Convolutions on the CPU whose groups have one input channel: loops along the width.
#include "core/torch.h"

#include "exact/depthwise_cpu.h"

#include "exact/convolution_planes.h"
#include "exact/depthwise.h"

namespace within {

using ConvolveDepthwise = void(const Depthwise&);
using ConvolveDepthwiseWeight = void(const DepthwiseWeight&);
WITHIN_KERNEL(ConvolveDepthwise, convolution_depthwise)
WITHIN_KERNEL(ConvolveDepthwiseWeight, convolution_depthwise_weight)

namespace {

int64_t size_of(const at::Tensor& summed) { return summed.scalar_type() == at::kDouble ? 8 : 4; }

// The taps of one phase: the source's planes, kernel rows, kernel columns.
struct PhaseTaps {
    std::vector<int64_t> offsets;
    std::vector<int64_t> which;
};

PhaseTaps taps_of(const PlanePlan& plan, const AxisTaps& y, const AxisTaps& x, int64_t sources, int64_t kernel,
                  int64_t kernel_columns) {
    PhaseTaps taps;
    for (int64_t s = 0; s < sources; ++s)
        for (size_t i = 0; i < y.kernel.size(); ++i)
            for (size_t j = 0; j < x.kernel.size(); ++j) {
                taps.offsets.push_back(s * plan.layout.plane + plan.offset(y.offset[i], x.offset[j], plan.layout.row));
                taps.which.push_back(s * kernel + y.kernel[i] * kernel_columns + x.kernel[j]);
            }
    return taps;
}

// A kernel that has loops of its own, whose rows are read side by side.
DepthwiseKernel kernel_of(const Convolution& of) {
    if (of.y.kernel != of.x.kernel || of.y.dilation != 1) return DepthwiseKernel::any;
    return of.y.kernel == 3 ? DepthwiseKernel::three : of.y.kernel == 5 ? DepthwiseKernel::five : DepthwiseKernel::any;
}

void run(Depthwise task, const PlanePlan& plan, int64_t kernel_rows, int64_t kernel_columns, int64_t batch,
         int64_t threads, int64_t size) {
    std::vector<PhaseTaps> taps;
    std::vector<DepthwisePhase> phases;
    for (const AxisTaps& y : plan.y.phases)
        for (const AxisTaps& x : plan.x.phases)
            taps.push_back(taps_of(plan, y, x, task.sources, kernel_rows * kernel_columns, kernel_columns));
    for (size_t y = 0, at = 0; y < plan.y.phases.size(); ++y)
        for (size_t x = 0; x < plan.x.phases.size(); ++x, ++at)
            phases.push_back({taps[at].offsets.data(), taps[at].which.data(),
                              static_cast<int64_t>(taps[at].offsets.size()), plan.y.phases[y].positions,
                              plan.x.phases[x].positions});
    std::vector<int64_t> columns;
    for (const int64_t offset : plan.x.phases[0].offset) columns.push_back(plan.offset(0, offset, plan.layout.row));
    task.layout = plan.layout;
    task.row_step = plan.y.step;
    task.phases = phases.data();
    task.row_phases = plan.y.phases.size();
    task.column_phases = plan.x.phases.size();
    task.column_offsets = columns.data();
    task.taps = task.sources * kernel_rows * kernel_columns;
    share(batch * task.groups, threads, [&](int64_t begin, int64_t end) {
        const KeptMemory planes((task.sources * task.layout.plane + kDepthwiseSlack) * size);
        const KeptMemory lines(task.column_phases * (task.width + kDepthwiseSlack) * size);
        Depthwise own = task;
        own.first = begin;
        own.last = end;
        own.planes = planes.as<void>();
        own.lines = lines.as<void>();
        convolution_depthwise_kernel()(own);
    });
}

}  // namespace

void depthwise_forward(const Convolution& of, const PlanePlan& plan, const at::Tensor& images, const at::Tensor& weight,
                       const void* bias, at::Tensor& out, int64_t threads) {
    Depthwise task{};
    task.images = images_of(images, plan.y.source_step, plan.x.source_step);
    task.groups = of.groups;
    task.sources = 1;
    task.targets = of.outputs;
    task.weights = weight.const_data_ptr();
    task.bias = bias;
    if (plan.y.step <= 2) task.kernel = kernel_of(of);
    task.height = of.y.out;
    task.width = of.x.out;
    task.dtype = dtype_of(out.scalar_type());
    task.out = out.mutable_data_ptr();
    run(task, plan, of.y.kernel, of.x.kernel, of.batch, threads, size_of(weight));
}

void depthwise_backward(const Convolution& of, const PlanePlan& plan, const at::Tensor& gradient,
                        const at::Tensor& weight, at::Tensor& out, int64_t threads) {
    Depthwise task{};
    task.images = images_of(gradient, 1, 1);
    task.groups = of.groups;
    task.sources = of.outputs;
    task.targets = 1;
    task.weights = weight.const_data_ptr();
    const bool is_turned = of.outputs == 1 && of.y.stride == 1 && of.x.stride == 1 && of.y.padding < of.y.kernel;
    if (is_turned) task.kernel = kernel_of(of);
    task.is_turned = true;
    task.height = of.y.in;
    task.width = of.x.in;
    task.dtype = dtype_of(out.scalar_type());
    task.out = out.mutable_data_ptr();
    run(task, plan, of.y.kernel, of.x.kernel, of.batch, threads, size_of(weight));
}

void depthwise_weight(const Convolution& of, const PlanePlan& plan, const at::Tensor& gradient,
                      const at::Tensor& images, at::Tensor& out, int64_t threads) {
    const PhaseTaps taps = taps_of(plan, plan.y.phases[0], plan.x.phases[0], 1, 0, 0);
    DepthwiseWeight task{};
    task.images = images_of(images, plan.y.source_step, plan.x.source_step);
    task.layout = plan.layout;
    task.batch = of.batch;
    task.groups = of.groups;
    task.targets = of.outputs;
    task.row_step = plan.y.step;
    task.offsets = taps.offsets.data();
    task.taps = of.y.kernel * of.x.kernel;
    task.height = of.y.out;
    task.width = of.x.out;
    task.dtype = dtype_of(out.scalar_type());
    task.gradient = gradient.const_data_ptr();
    task.out = out.mutable_data_ptr();
    const int64_t size = task.dtype == Dtype::float64 ? 8 : 4;
    const bool is_wide = out.element_size() == size;
    share(of.groups, threads, [&](int64_t begin, int64_t end) {
        const KeptMemory plane((task.layout.plane + kDepthwiseSlack) * size);
        const KeptMemory positions(is_wide ? 0 : (task.height * task.width + kDepthwiseSlack) * size);
        const KeptMemory totals(task.targets * task.taps * kDepthwiseChains * size);
        DepthwiseWeight own = task;
        own.first = begin;
        own.last = end;
        own.plane = plane.as<void>();
        own.positions = positions.as<void>();
        own.totals = totals.as<void>();
        convolution_depthwise_weight_kernel()(own);
    });
}

}  // namespace within
