// Sums over rows on the CPU: blocks of rows and columns are shared among threads, then sums of blocks are added up.
#include "core/torch.h"

#include <algorithm>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/sum_rows_checks.h"
#include "exact/threads.h"

namespace within {

using SumBlock = void(const SumRowsBlock&);
using SumBlocks = void(const SumRowsBlocks&);
WITHIN_KERNEL(SumBlock, sum_rows_block)
WITHIN_KERNEL(SumBlocks, sum_rows_blocks)

namespace {

constexpr int64_t kSumRowsNumbersOfThread = 1 << 16;
constexpr int64_t kFewestColumns = 32;  // of a task

at::Tensor exact_sum_rows_cpu(const at::Tensor& x) {
    check_sum_rows(x);
    const at::Tensor given = with_flat_rows(x);
    const int64_t rows = x.size(0), columns = x.size(1), blocks = sum_blocks_of(rows);
    at::Tensor result = at::empty({columns}, x.options().memory_format(at::MemoryFormat::Contiguous));
    if (columns == 0) return result;
    const Dtype dtype = dtype_of(x.scalar_type());
    const int64_t size = dtype == Dtype::float64 ? 8 : 4, step = given.stride(0);
    const KeptMemory sums(blocks * columns * size);
    const int64_t threads = std::clamp<int64_t>(rows * columns / kSumRowsNumbersOfThread, 1, at::get_num_threads());
    const int64_t shares = ceiling(threads, blocks);
    const int64_t width = std::clamp(ceiling(columns, shares), kFewestColumns, kSumColumns);
    const int64_t strips = ceiling(columns, width), tasks = blocks * strips;
    at::parallel_for(0, tasks, ceiling(tasks, threads), [&](int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end; ++at) {
            const int64_t block = at / strips, column = at % strips * width;
            const char* const first =
                static_cast<const char*>(given.const_data_ptr()) + block * kSumBlock * step * given.element_size();
            sum_rows_block_kernel()({dtype, first, step, std::min(kSumBlock, rows - block * kSumBlock), column,
                                     std::min(columns, column + width),
                                     sums.as<char>() + (block * columns + column) * size});
        }
    });
    sum_rows_blocks_kernel()({dtype, sums.as<void>(), blocks, columns, 0, columns, result.mutable_data_ptr()});
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("exact_sum_rows", &exact_sum_rows_cpu); }

}  // namespace within
