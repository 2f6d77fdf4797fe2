// Matrix products on the CPU: which matrix is laid out in panels, and what each thread does.
#include "core/torch.h"

#include <algorithm>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/matmul_cpu.h"
#include "exact/threads.h"

namespace within {

using PanelColumns = int64_t(bool);
using Pack = void(const PackPanels&);
using Multiply = void(const MatmulTile&);
WITHIN_KERNEL(PanelColumns, matmul_panel_columns)
WITHIN_KERNEL(Pack, matmul_pack)
using MultiplyLines = void(const MatmulLines&);
WITHIN_KERNEL(Multiply, matmul_tile)
WITHIN_KERNEL(MultiplyLines, matmul_lines)

namespace {

constexpr int64_t kPackedOfThread = int64_t{1} << 15;
constexpr int64_t kBlockPanels = 64;    // of a tile, whose rows of a are packed once
constexpr int64_t kRowsOfRead = 192;    // up to which b is read where it lies
constexpr int64_t kRowsOfTurned = 192;  // up to which a may be laid out in b's place
constexpr int64_t kEven = 12;           // a multiple of every kernel's rows

// Whose first number lies where a register's may.
class AlignedMemory {
  public:
    explicit AlignedMemory(int64_t bytes) : memory_(bytes == 0 ? 0 : bytes + kLine) {}
    char* data() const {
        const auto at = reinterpret_cast<uintptr_t>(memory_.as<char>());
        return reinterpret_cast<char*>((at + kLine - 1) & ~uintptr_t{kLine - 1});
    }

  private:
    static constexpr size_t kLine = 64;
    KeptMemory memory_;
};

const char* at_element(const void* data, int64_t elements, int64_t size) {
    return static_cast<const char*>(data) + elements * size;
}

Matrix turned(const Matrix& matrix) { return {matrix.data, matrix.column_step, matrix.row_step}; }

bool is_flat(int64_t step, int64_t count) { return step == 1 || count == 1; }

// Whether out^T = b^T a^T is made instead: where b would have to be laid out for few rows of a.
bool is_better_turned(const MatrixProduct& p) {
    if (p.rows > kRowsOfTurned || is_flat(p.b.column_step, p.columns)) return false;
    return is_flat(p.a.row_step, p.rows) || 2 * p.rows <= p.columns;
}

// Of one column that is b, or of one row that is a, where the other matrix has lines side by side.
bool multiply_vectors(const MatrixProduct& p) {
    const bool is_column = p.columns == 1 && p.a.column_step == 1, is_row = p.rows == 1 && p.b.row_step == 1;
    if ((!is_column && !is_row) || p.depth == 0 || (p.dtype != Dtype::float32 && p.dtype != Dtype::float64))
        return false;
    const int64_t size = p.dtype == Dtype::float64 ? 8 : 4, lines = is_column ? p.rows : p.columns;
    const int64_t grain = std::max<int64_t>(1, kWorkOfThread / p.depth);
    at::parallel_for(0, p.batch * lines, grain, [&](int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end;) {
            const int64_t which = at / lines, first = at % lines, last = std::min(lines, first + end - at);
            MatmulLines task{};
            task.dtype = p.dtype;
            task.a = is_column ? p.a : turned(p.b);
            task.a.data = at_element(task.a.data, which * (is_column ? p.a_step : p.b_step), size);
            const Matrix& x = is_column ? p.b : p.a;
            task.x = at_element(x.data, which * (is_column ? p.b_step : p.a_step), size);
            task.x_step = is_column ? x.row_step : x.column_step;
            task.depth = p.depth;
            task.begin = first;
            task.end = last;
            task.bias = p.bias;
            task.bias_step = is_column ? 0 : 1;
            task.out = static_cast<char*>(p.out) + which * lines * size;
            task.is_activated = p.is_activated;
            task.activation = p.activation;
            task.before = p.before == nullptr ? nullptr : static_cast<char*>(p.before) + which * lines * size;
            matmul_lines_kernel()(task);
            at += last - first;
        }
    });
    return true;
}

}  // namespace

void multiply_on_cpu(const MatrixProduct& given) {
    MatrixProduct p = given;
    if (p.batch * p.rows * p.columns == 0 || multiply_vectors(p)) return;
    const bool is_double = p.dtype == Dtype::float64, is_wide = is_double || p.dtype == Dtype::float32;
    const int64_t size = is_double ? 8 : 4, stored = is_wide ? size : 2;
    const bool is_turned = is_better_turned(p);
    if (is_turned) {
        std::swap(p.a, p.b);
        std::swap(p.a_step, p.b_step);
        std::swap(p.rows, p.columns);
        p.a = turned(p.a);
        p.b = turned(p.b);
    }
    const int64_t width = matmul_panel_columns_kernel()(is_double);
    const int64_t panels = ceiling(p.columns, width), panel_bytes = p.depth * width * size;
    const int64_t work = p.batch * p.rows * p.columns * std::max<int64_t>(p.depth, 1);
    const int64_t threads = threads_for(work);

    const bool is_packed = p.rows > (is_wide && is_flat(p.b.column_step, p.columns) ? kRowsOfRead : kBlockRows);
    const AlignedMemory packed_b(is_packed ? p.batch * panels * panel_bytes : 0);
    auto pack = [&](int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end;) {
            const int64_t which = at / panels, first = at % panels, last = std::min(panels, first + end - at);
            Matrix b = p.b;
            b.data = at_element(b.data, which * p.b_step, stored);
            matmul_pack_kernel()(
                {p.dtype, b, p.depth, p.columns, first, last, packed_b.data() + which * panels * panel_bytes});
            at += last - first;
        }
    };
    if (is_packed && p.depth > 0) {
        const int64_t packers = std::clamp<int64_t>(p.batch * p.depth * p.columns / kPackedOfThread, 1, threads);
        at::parallel_for(0, p.batch * panels, ceiling(p.batch * panels, packers), pack);
    }

    const int64_t row_blocks = ceiling(p.rows, kBlockRows);
    const int64_t block_rows = std::min(kBlockRows, ceiling(ceiling(p.rows, row_blocks), kEven) * kEven);
    const bool has_sums = !is_wide || is_turned;
    const int64_t units = p.batch * row_blocks * panels;
    at::parallel_for(0, units, ceiling(units, threads), [&](int64_t begin, int64_t end) {
        const int64_t most = std::min({kBlockPanels, panels, end - begin});
        const AlignedMemory packed(kPackedTile * size);
        const AlignedMemory sums(has_sums ? kBlockRows * most * width * size : 0);
        MatmulTile tile{};
        tile.dtype = p.dtype;
        tile.depth = p.depth;
        tile.columns = p.columns;
        tile.rows = p.rows;
        tile.bias = p.bias;
        tile.packed = packed.data();
        tile.sums = sums.data();
        tile.is_turned = is_turned;
        tile.is_activated = p.is_activated;
        tile.activation = p.activation;
        for (int64_t at = begin; at < end;) {
            const int64_t block = at / panels, which = block / row_blocks;
            tile.first = at % panels;
            tile.last = std::min({panels, tile.first + most, tile.first + end - at});
            tile.row = block % row_blocks * block_rows;
            tile.row_end = std::min(p.rows, tile.row + block_rows);
            tile.a = p.a;
            tile.a.data = at_element(p.a.data, which * p.a_step, stored);
            tile.b = p.b;
            tile.b.data = at_element(p.b.data, which * p.b_step, stored);
            tile.panels = is_packed ? packed_b.data() + which * panels * panel_bytes : nullptr;
            const int64_t result = which * p.rows * p.columns * stored;
            tile.out = static_cast<char*>(p.out) + result;
            tile.before = p.before == nullptr ? nullptr : static_cast<char*>(p.before) + result;
            if (tile.row < tile.row_end) matmul_tile_kernel()(tile);
            at += tile.last - tile.first;
        }
    });
}

}  // namespace within
