// Convolutions on the CPU, as products of matrices: planes of several images are laid out with their zeros, then tiles
// of the product are shared among threads.
#include "core/torch.h"

#include "exact/convolution_planes.h"
#include "exact/depthwise_cpu.h"

namespace within {

using PackSlivers = void(const PackWeight&);
using MultiplyPositions = void(const ConvolutionTile&);
WITHIN_KERNEL(PackSlivers, convolution_pack)
WITHIN_KERNEL(MultiplyPositions, convolution_tile)

namespace {

// One product for each group: rows of a weight by positions.
struct Product {
    std::vector<int64_t> taps;     // in the planes of a group
    std::vector<int64_t> offsets;  // in the weight of a group
    int64_t row_step;              // of the weight
    int64_t height;
    int64_t width;
    int64_t first;  // the place of the first result in an image of out
    int64_t out_row;
    int64_t out_column;
    std::optional<KeptMemory> slivers;
};

struct Products {
    int64_t groups;
    int64_t rows;
    int64_t weight_step;  // from group to group
    int64_t source_step;  // numbers of a group's planes
    int64_t position_row;
    int64_t out_plane;
    const void* bias;
};

void pack_product(Product& product, const Products& of, const at::Tensor& weight, bool is_double, int64_t threads) {
    const int64_t depth = product.taps.size(), tile_rows = convolution_tile_rows_kernel()(is_double);
    const int64_t slivers = ceiling(of.rows, tile_rows), size = is_double ? 8 : 4;
    const int64_t bytes = slivers * depth * tile_rows * size;
    product.slivers.emplace(of.groups * bytes);
    bool is_contiguous = true;
    for (int64_t k = 0; k < depth; ++k) is_contiguous &= product.offsets[k] == k;
    share(of.groups * slivers, threads, [&](int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end;) {
            const int64_t group = at / slivers, first = at % slivers, last = std::min(slivers, first + end - at);
            convolution_pack_kernel()(
                {dtype_of(weight.scalar_type()),
                 static_cast<const char*>(weight.const_data_ptr()) + group * of.weight_step * weight.element_size(),
                 product.row_step, product.offsets.data(), is_contiguous, depth, of.rows, first, last,
                 product.slivers->as<char>() + group * bytes});
            at += last - first;
        }
    });
}

// `images` images of a product, to where `out` begins.
void multiply(const Product& product, const Products& of, Positions positions, int64_t images, Dtype dtype, char* out,
              int64_t element_size, int64_t out_image, int64_t threads) {
    const bool is_double = dtype == Dtype::float64;
    const int64_t size = is_double ? 8 : 4, depth = product.taps.size();
    const int64_t tile_rows = convolution_tile_rows_kernel()(is_double);
    const int64_t slivers = ceiling(of.rows, tile_rows);
    positions.row = of.position_row;
    positions.height = product.height;
    positions.width = product.width;
    // Rows of positions that lie side by side are one.
    if (positions.row == positions.width && product.out_column == 1 && product.out_row == positions.width) {
        positions.width *= positions.height;
        positions.height = 1;
    }
    positions.taps = product.taps.data();
    positions.most_tap = depth == 0 ? 0 : *std::max_element(product.taps.begin(), product.taps.end());
    const int64_t columns = images * product.height * product.width, blocks = ceiling(columns, kTileColumns);
    if (columns == 0 || of.rows == 0) return;
    const int64_t parts = std::clamp<int64_t>(ceiling(threads * 2, of.groups * blocks), 1, threads == 1 ? 1 : slivers);
    const int64_t of_part = ceiling(slivers, parts);
    share(of.groups * blocks * parts, threads, [&](int64_t begin, int64_t end) {
        const int64_t most = std::min(depth, kTileDepth);
        const int64_t panel = convolution_panel_columns_kernel()(is_double);
        const KeptMemory panels((most + 1) * ceiling(kTileColumns, panel) * panel * size);
        const KeptMemory sums(depth > kTileDepth ? of_part * tile_rows * kTileColumns * size : 0);
        ConvolutionTile tile{};
        tile.dtype = dtype;
        tile.depth = depth;
        tile.rows = of.rows;
        tile.out_image = out_image;
        tile.out_plane = of.out_plane;
        tile.out_row = product.out_row;
        tile.out_column = product.out_column;
        tile.panels = panels.as<void>();
        tile.sums = sums.as<void>();
        for (int64_t at = begin; at < end; ++at) {
            const int64_t group = at / (blocks * parts), block = at / parts % blocks, part = at % parts;
            tile.row = part * of_part * tile_rows;
            tile.row_end = std::min(of.rows, tile.row + of_part * tile_rows);
            if (tile.row >= tile.row_end) continue;
            tile.positions = positions;
            tile.positions.source = static_cast<const char*>(positions.source) + group * of.source_step * size;
            tile.positions.size = positions.size - group * of.source_step;
            tile.slivers = product.slivers->as<char>() + group * slivers * tile_rows * depth * size;
            tile.first = block * kTileColumns;
            tile.last = std::min(columns, tile.first + kTileColumns);
            if (of.bias != nullptr) tile.bias = static_cast<const char*>(of.bias) + group * of.rows * size;
            tile.out = out + (group * of.rows * of.out_plane + product.first) * element_size;
            convolution_tile_kernel()(tile);
        }
    });
}

at::Tensor exact_convolution_cpu(const at::Tensor& input, const at::Tensor& weight,
                                 const std::optional<at::Tensor>& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                                 at::IntArrayRef dilation, int64_t groups) {
    const Convolution of = check_convolution(input, weight, bias, {stride, padding, dilation, groups});
    const int64_t outputs = of.groups * of.outputs, out_plane = of.y.out * of.x.out;
    at::Tensor out =
        at::empty({of.batch, outputs, of.y.out, of.x.out}, input.options().memory_format(at::MemoryFormat::Contiguous));
    if (out.numel() == 0) return out;
    const at::ScalarType summed = wider_of(input.scalar_type());
    const at::Tensor added = bias ? bias->to(summed).contiguous() : at::Tensor();
    const void* const from_bias = bias ? added.const_data_ptr() : nullptr;
    const at::Tensor images = input.stride(3) == 1 ? input : input.contiguous();
    const PlanePlan plan = forward_plan(of);
    const int64_t threads = threads_for(of);
    if (of.channels == 1 && of.outputs < kDepthwiseOutputs) {
        depthwise_forward(of, plan, images, weight.to(summed).contiguous(), from_bias, out, threads);
        return out;
    }
    const at::Tensor rows = weight.contiguous();
    Planes planes(images, plan, threads, 1);
    const int64_t depth = of.channels * of.y.kernel * of.x.kernel;
    const Products products{
        of.groups, of.outputs, of.outputs * depth, of.channels * planes.plane(), plan.y.step * planes.row(),
        out_plane, from_bias};
    Product product{{}, {}, depth, of.y.out, of.x.out, 0, of.x.out, 1, {}};
    for (int64_t c = 0; c < of.channels; ++c)
        for (const int64_t y : plan.y.phases[0].offset)
            for (const int64_t x : plan.x.phases[0].offset)
                product.taps.push_back(c * planes.plane() + plan.offset(y, x, planes.row()));
    for (int64_t k = 0; k < depth; ++k) product.offsets.push_back(k);
    pack_product(product, products, rows, summed == at::kDouble, threads);
    for (int64_t first = 0; first < of.batch; first += planes.together()) {
        const int64_t last = std::min(of.batch, first + planes.together());
        char* const to = static_cast<char*>(out.mutable_data_ptr()) + first * outputs * out_plane * out.element_size();
        multiply(product, products, planes.lay_out(first, last), last - first, dtype_of(input.scalar_type()), to,
                 out.element_size(), outputs * out_plane, threads);
    }
    return out;
}

at::Tensor exact_convolution_backward_input_cpu(const at::Tensor& gradient, const at::Tensor& weight,
                                                at::IntArrayRef input, at::IntArrayRef stride, at::IntArrayRef padding,
                                                at::IntArrayRef dilation, int64_t groups) {
    const Convolution of =
        check_convolution_backward_input(gradient, weight, input, {stride, padding, dilation, groups});
    at::Tensor out = at::empty(input, gradient.options().memory_format(at::MemoryFormat::Contiguous));
    if (out.numel() == 0) return out;
    const at::ScalarType summed = wider_of(gradient.scalar_type());
    const at::Tensor images = gradient.stride(3) == 1 ? gradient : gradient.contiguous();
    const PlanePlan plan = backward_plan(of);
    const int64_t threads = threads_for(of), out_plane = of.y.in * of.x.in;
    const int64_t channels = of.groups * of.channels, kernel = of.y.kernel * of.x.kernel;
    if (of.channels == 1 && of.outputs < kDepthwiseOutputs) {
        depthwise_backward(of, plan, images, weight.to(summed).contiguous(), out, threads);
        return out;
    }
    const at::Tensor columns = weight.contiguous();
    Planes planes(images, plan, threads, 1);
    const Products products{
        of.groups, of.channels, of.outputs * of.channels * kernel, of.outputs * planes.plane(), planes.row(),
        out_plane, nullptr};
    std::vector<Product> phases;
    for (int64_t y = 0; y < std::min(of.y.stride, of.y.in); ++y) {
        for (int64_t x = 0; x < std::min(of.x.stride, of.x.in); ++x) {
            const AxisTaps &of_y = plan.y.phases[y], &of_x = plan.x.phases[x];
            Product product{
                {},          {}, kernel, of_y.positions, of_x.positions, y * of.x.in + x, of.y.stride * of.x.in,
                of.x.stride, {}};
            for (int64_t o = 0; o < of.outputs; ++o)
                for (size_t i = 0; i < of_y.kernel.size(); ++i)
                    for (size_t j = 0; j < of_x.kernel.size(); ++j) {
                        product.taps.push_back(o * planes.plane() +
                                               plan.offset(of_y.offset[i], of_x.offset[j], planes.row()));
                        product.offsets.push_back(o * of.channels * kernel + of_y.kernel[i] * of.x.kernel +
                                                  of_x.kernel[j]);
                    }
            pack_product(product, products, columns, summed == at::kDouble, threads);
            phases.push_back(std::move(product));
        }
    }
    for (int64_t first = 0; first < of.batch; first += planes.together()) {
        const int64_t last = std::min(of.batch, first + planes.together());
        const Positions positions = planes.lay_out(first, last);
        char* const to = static_cast<char*>(out.mutable_data_ptr()) + first * channels * out_plane * out.element_size();
        for (const Product& product : phases)
            multiply(product, products, positions, last - first, dtype_of(gradient.scalar_type()), to,
                     out.element_size(), channels * out_plane, threads);
    }
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_convolution", &exact_convolution_cpu);
    m.impl("exact_convolution_backward_input", &exact_convolution_backward_input_cpu);
}

}  // namespace within
