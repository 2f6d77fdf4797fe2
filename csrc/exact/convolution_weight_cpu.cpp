// Gradients of a convolution's weight and bias on the CPU.
#include "core/torch.h"

#include "exact/convolution_planes.h"
#include "exact/depthwise_cpu.h"

namespace within {

using MultiplyWeight = void(const WeightTile&);
using AddPositions = void(const BiasSums&);
WITHIN_KERNEL(MultiplyWeight, convolution_weight)
WITHIN_KERNEL(AddPositions, convolution_bias)

namespace {

constexpr int64_t kPartialBytes = int64_t{1} << 25;  // of sums of images that wait for those before them

// What a task of sliver and panel blocks needs to work in.
struct Workspace {
    Workspace(int64_t tile_rows, int64_t panel, int64_t size)
        : rows(kWeightSlivers * tile_rows * (kPositionsOfChain + 8) * size),
          panels(kWeightPanels * panel * (kPositionsOfChain + 8) * size),
          lines(panel * (kPositionsOfChain + 64) * size),
          unit(kWeightSlivers * kWeightPanels * tile_rows * panel * size) {}
    KeptMemory rows, panels, lines, unit;

    void lend(WeightTile& tile) const {
        tile.packed_rows = rows.as<void>();
        tile.packed_panels = panels.as<void>();
        tile.lines = lines.as<void>();
        tile.unit = unit.as<void>();
    }
};

template <typename T>
void add(const T* from, bool is_first, int64_t begin, int64_t end, T* to) {
    for (int64_t i = begin; i < end; ++i) to[i] = is_first ? from[i] : to[i] + from[i];
}

at::Tensor exact_convolution_backward_weight_cpu(const at::Tensor& gradient, const at::Tensor& input,
                                                 at::IntArrayRef kernel, at::IntArrayRef stride,
                                                 at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
    const Convolution of =
        check_convolution_backward_weight(gradient, input, kernel, {stride, padding, dilation, groups});
    const int64_t outputs = of.groups * of.outputs;
    at::Tensor out = at::empty({outputs, of.channels, kernel[0], kernel[1]},
                               gradient.options().memory_format(at::MemoryFormat::Contiguous));
    if (of.batch == 0) return out.zero_();
    if (out.numel() == 0) return out;
    const at::Tensor images = input.stride(3) == 1 ? input : input.contiguous();
    const at::Tensor given = gradient.contiguous();
    const PlanePlan plan = forward_plan(of);
    const int64_t threads = threads_for(of);
    if (of.channels == 1) {
        depthwise_weight(of, plan, given, images, out, threads);
        return out;
    }
    const bool is_double = gradient.scalar_type() == at::kDouble;
    const int64_t size = is_double ? 8 : 4, of_image = of.y.out * of.x.out, unit = images_of_unit(of_image);
    const int64_t tile_rows = convolution_tile_rows_kernel()(is_double);
    const int64_t panel = convolution_panel_columns_kernel()(is_double);
    const int64_t columns = of.channels * kernel[0] * kernel[1];
    const int64_t slivers = ceiling(of.outputs, tile_rows), panels = ceiling(columns, panel);
    const int64_t sliver_blocks = ceiling(slivers, kWeightSlivers), panel_blocks = ceiling(panels, kWeightPanels);
    const int64_t tasks = of.groups * sliver_blocks * panel_blocks;
    const int64_t of_group = slivers * tile_rows * panels * panel, total = of.groups * of_group;
    const KeptMemory totals(total * size);

    Planes planes(images, plan, threads, unit);
    std::vector<int64_t> taps;
    for (int64_t c = 0; c < of.channels; ++c)
        for (const int64_t y : plan.y.phases[0].offset)
            for (const int64_t x : plan.x.phases[0].offset)
                taps.push_back(c * planes.plane() + plan.offset(y, x, planes.row()));
    WeightTile common{};
    common.dtype = dtype_of(gradient.scalar_type());
    common.gradient_image = outputs * of_image;
    common.is_plain = kernel[0] * kernel[1] == 1;
    common.rows = of.outputs;
    common.columns = columns;
    common.panels = panels;

    for (int64_t first = 0; first < of.batch; first += planes.together()) {
        const int64_t last = std::min(of.batch, first + planes.together()), units = ceiling(last - first, unit);
        Positions positions = planes.lay_out(first, last);
        positions.row = plan.y.step * planes.row();
        positions.height = of.y.out;
        positions.width = of.x.out;
        if (positions.row == positions.width) {
            positions.width *= positions.height;
            positions.height = 1;
        }
        positions.taps = taps.data();
        positions.most_tap = *std::max_element(taps.begin(), taps.end());
        // Where tasks are few, images are shared among threads too, and their sums added in order.
        const bool is_split = threads > 1 && tasks < 4 * threads && units > 1;
        const int64_t together =
            is_split ? std::clamp<int64_t>(kPartialBytes / (total * size), std::min(threads, units), units) : 1;
        const KeptMemory partials(is_split ? together * total * size : 0);
        auto work = [&](int64_t at, int64_t from, int64_t to, bool is_first, char* sums, const Workspace& workspace) {
            WeightTile tile = common;
            workspace.lend(tile);
            const int64_t group = at / (sliver_blocks * panel_blocks);
            tile.sliver = at / panel_blocks % sliver_blocks * kWeightSlivers;
            tile.sliver_end = std::min(slivers, tile.sliver + kWeightSlivers);
            tile.panel = at % panel_blocks * kWeightPanels;
            tile.panel_end = std::min(panels, tile.panel + kWeightPanels);
            tile.gradient = static_cast<const char*>(given.const_data_ptr()) +
                            ((first + from) * outputs + group * of.outputs) * of_image * given.element_size();
            tile.positions = positions;
            const int64_t skipped = from * positions.image + group * of.channels * planes.plane();
            tile.positions.source = static_cast<const char*>(positions.source) + skipped * size;
            tile.positions.size -= skipped;
            tile.images = to - from;
            tile.is_first = is_first;
            tile.totals = sums + group * of_group * size;
            convolution_weight_kernel()(tile);
        };
        if (!is_split) {
            share(tasks, threads, [&](int64_t begin, int64_t end) {
                const Workspace workspace(tile_rows, panel, size);
                for (int64_t at = begin; at < end; ++at)
                    work(at, 0, last - first, first == 0, totals.as<char>(), workspace);
            });
            continue;
        }
        for (int64_t done = 0; done < units; done += together) {
            const int64_t now = std::min(together, units - done);
            share(now * tasks, threads, [&](int64_t begin, int64_t end) {
                const Workspace workspace(tile_rows, panel, size);
                for (int64_t at = begin; at < end; ++at) {
                    const int64_t which = at / tasks, from = (done + which) * unit;
                    work(at % tasks, from, std::min(from + unit, last - first), true,
                         partials.as<char>() + which * total * size, workspace);
                }
            });
            share(total, threads, [&](int64_t begin, int64_t end) {
                for (int64_t which = 0; which < now; ++which) {
                    const bool is_first = first == 0 && done + which == 0;
                    if (is_double)
                        add(partials.as<double>() + which * total, is_first, begin, end, totals.as<double>());
                    else
                        add(partials.as<float>() + which * total, is_first, begin, end, totals.as<float>());
                }
            });
        }
    }
    with_element(common.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        Element* const to = static_cast<Element*>(out.mutable_data_ptr());
        share(outputs, threads, [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) {
                const int64_t r = row % of.outputs;
                const T* from = totals.as<T>() + row / of.outputs * of_group +
                                (r / tile_rows * panels * tile_rows + r % tile_rows) * panel;
                for (int64_t j = 0; j < columns; j += panel, from += tile_rows * panel) {
                    const int64_t width = std::min(panel, columns - j);
                    for (int64_t i = 0; i < width; ++i) {
                        const T value = from[i] == from[i] ? from[i] : std::numeric_limits<T>::quiet_NaN();
                        store(value, to + row * columns + j + i);
                    }
                }
            }
        });
    });
    return out;
}

at::Tensor exact_convolution_backward_bias_cpu(const at::Tensor& gradient) {
    check_images("exact_convolution_backward_bias", "gradient", gradient);
    const at::Tensor given = gradient.contiguous();
    at::Tensor out = at::empty({gradient.size(1)}, gradient.options().memory_format(at::MemoryFormat::Contiguous));
    const int64_t threads = std::clamp<int64_t>(given.numel() >> 15, 1, at::get_num_threads());
    share(out.numel(), threads, [&](int64_t begin, int64_t end) {
        const KeptMemory sums(given.size(0) * 8);
        convolution_bias_kernel()({dtype_of(given.scalar_type()), given.const_data_ptr(), given.size(0), given.size(1),
                                   given.size(2) * given.size(3), begin, end, sums.as<void>(), out.mutable_data_ptr()});
    });
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_convolution_backward_weight", &exact_convolution_backward_weight_cpu);
    m.impl("exact_convolution_backward_bias", &exact_convolution_backward_bias_cpu);
}

}  // namespace within
