// Matrix products on the CPU: b is laid out in panels once, then tiles of the product are shared among threads.
#include "core/torch.h"

#include <algorithm>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/matmul_checks.h"
#include "exact/threads.h"

namespace within {

using PanelColumns = int64_t(bool);
using Pack = void(const PackPanels&);
using Multiply = void(const MatmulTile&);
WITHIN_KERNEL(PanelColumns, matmul_panel_columns)
WITHIN_KERNEL(Pack, matmul_pack)
WITHIN_KERNEL(Multiply, matmul_tile)

namespace {

constexpr int64_t kBlockPanels = 32;  // of a tile, whose rows of a are packed once

at::Tensor exact_matmul_cpu(const at::Tensor& a, const at::Tensor& b, const std::optional<at::Tensor>& bias) {
    check_matmul(a, b, bias);
    const int64_t batch = a.size(0), rows = a.size(1), depth = a.size(2), columns = b.size(2);
    at::Tensor result = at::empty({batch, rows, columns}, a.options().memory_format(at::MemoryFormat::Contiguous));
    if (result.numel() == 0) return result;
    const at::ScalarType summed = wider_of(a.scalar_type());
    const at::Tensor added = bias ? bias->to(summed).contiguous() : at::Tensor();
    const int64_t size = summed == at::kDouble ? 8 : 4;
    const bool is_direct = a.scalar_type() == summed;
    const Dtype dtype = dtype_of(a.scalar_type());

    const int64_t width = matmul_panel_columns_kernel()(summed == at::kDouble);
    const int64_t panels = ceiling(columns, width);
    const int64_t panel_bytes = depth * width * size;
    const KeptMemory packed(batch * panels * panel_bytes);
    char* const packed_b = packed.as<char>();
    const int64_t threads = threads_for(batch * rows * columns * std::max<int64_t>(depth, 1));
    at::parallel_for(0, batch * panels, ceiling(batch * panels, threads), [&](int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end;) {
            const int64_t which = at / panels, first = at % panels, last = std::min(panels, first + end - at);
            matmul_pack_kernel()(
                {dtype, matrix_of(b, which), depth, columns, first, last, packed_b + which * panels * panel_bytes});
            at += last - first;
        }
    });

    const int64_t row_blocks = ceiling(rows, kBlockRows);
    // Fewer panels a tile where there would be fewer tiles than threads.
    const int64_t of_threads = ceiling(panels * batch * row_blocks, threads);
    const int64_t panels_of_tile = std::min(std::min(kBlockPanels, panels), of_threads);
    const int64_t panel_blocks = ceiling(panels, panels_of_tile);
    const int64_t tiles = batch * row_blocks * panel_blocks;
    at::parallel_for(0, tiles, ceiling(tiles, threads), [&](int64_t begin, int64_t end) {
        const KeptMemory rows_of_a(kBlockRows * kBlockDepth * size);
        const KeptMemory sums(is_direct ? 0 : kBlockRows * panels_of_tile * width * size);
        MatmulTile tile{};
        tile.dtype = dtype;
        tile.depth = depth;
        tile.columns = columns;
        tile.bias = bias ? added.const_data_ptr() : nullptr;
        tile.packed = rows_of_a.as<void>();
        tile.sums = sums.as<void>();
        for (int64_t at = begin; at < end; ++at) {
            const int64_t which = at / (row_blocks * panel_blocks), rest = at % (row_blocks * panel_blocks);
            tile.a = matrix_of(a, which);
            tile.panels = packed_b + which * panels * panel_bytes;
            tile.row = rest / panel_blocks * kBlockRows;
            tile.row_end = std::min(rows, tile.row + kBlockRows);
            tile.first = rest % panel_blocks * panels_of_tile;
            tile.last = std::min(panels, tile.first + panels_of_tile);
            tile.out = static_cast<char*>(result.mutable_data_ptr()) + which * rows * columns * result.element_size();
            matmul_tile_kernel()(tile);
        }
    });
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("exact_matmul", &exact_matmul_cpu); }

}  // namespace within
