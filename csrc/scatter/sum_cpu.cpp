// Exact sums, means and moments by group on the CPU: shares of the rows are added up side by side, then merged.
#include "core/torch.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "core/large_pages.h"
#include "core/partition.h"
#include "scatter/checks.h"
#include "scatter/rows.h"
#include "scatter/sums.h"
#include "scatter/zeroed.h"

namespace within {

using AddRows = void(Share&);
using SumSpan = void(Span&);
using FinishSums = void(const Finish&);
WITHIN_KERNEL(AddRows, scatter_add)
WITHIN_KERNEL(SumSpan, scatter_columns)
WITHIN_KERNEL(SumSpan, scatter_part)
WITHIN_KERNEL(FinishSums, scatter_finish)

namespace {

constexpr int64_t kRowsOfShare = 1 << 14;        // fewer rows are not worth a thread
constexpr int64_t kMostWide = int64_t{1} << 32;  // bytes of limbs that are reserved; what is not touched costs nothing
constexpr int64_t kReplicated = 256;             // groups up to which each has several cells
constexpr int64_t kLargeTable = 1 << 25;         // bytes from which the system hands out memory anew each time
constexpr int64_t kPrepared = 2048;              // rows that are prepared, then added

// A column of values, one a row, and the largest exponent that most of them have.
struct Column {
    const void* values;
    const int64_t* index;
    int64_t rows;
    int64_t groups;
    int exponent;
};

struct What {
    Dtype dtype;
    Work work;
    Dtype written;
    bool is_std;
    int64_t ddof;
};

// The largest exponent of a sample of each column.
std::vector<int> sample_exponents(const at::Tensor& values, int64_t rows, int64_t columns) {
    const int64_t taken = std::min<int64_t>(rows, columns == 1 ? 1024 : 128);
    std::vector<int64_t> at(taken);
    for (int64_t i = 0; i < taken; ++i) at[i] = i * rows / taken;
    const at::Tensor sample =
        values.reshape({rows, columns}).index_select(0, at::tensor(at, at::kLong)).to(at::kDouble).contiguous();
    const double* data = sample.const_data_ptr<double>();
    std::vector<int> exponents(columns, -2000);
    for (int64_t i = 0; i < taken; ++i) {
        for (int64_t c = 0; c < columns; ++c) {
            const double value = data[i * columns + c];
            if (is_finite(value) && value != 0) exponents[c] = std::max(exponents[c], std::ilogb(value));
        }
    }
    for (int& exponent : exponents)
        if (exponent == -2000) exponent = 0;
    return exponents;
}

// Whether limbs for each group and thread can be reserved.
bool fits_beside(const What& what, int64_t groups) {
    const int64_t limbs = reach_of(what.dtype == Dtype::float64, false).count +
                          (what.work == Work::moments ? kReachSquare.count + 1 : 0) + 1;
    return groups * limbs * 8 * std::min<int64_t>(at::get_num_threads(), 8) < kMostWide;
}

// What a share owns.
struct Cells {
    KeptMemory records;
    size_t record_bytes;
    std::vector<Zeroed> parts;

    Cells(Share& share, int64_t cells, int words, const What& what)
        : records(static_cast<size_t>(cells) * words * sizeof(int64_t)),
          record_bytes(static_cast<size_t>(cells) * words * sizeof(int64_t)) {
        share.records = records.as<int64_t>();
        if (what.work != Work::sum) {
            parts.emplace_back(static_cast<size_t>(cells) * sizeof(int64_t));
            share.counts = parts.back().as<int64_t>();
        }
        const int sums = what.work == Work::moments ? 2 : 1;
        for (int which = 0; which < sums; ++which) {
            Sums& sum = share.sums[which];
            sum.reach = reach_of(what.dtype == Dtype::float64, which == 1);
            sum.lowest_limb = kLimbs;
            sum.highest_limb = -1;
            parts.emplace_back(static_cast<size_t>(cells) * (sum.reach.count + 1) * sizeof(int64_t));
            sum.wide = parts.back().as<int64_t>();
            parts.emplace_back(static_cast<size_t>(cells));
            sum.flags = parts.back().as<uint8_t>();
        }
    }

    // By the thread that uses them, before it does.
    void clear() const {
        if (record_bytes != 0) std::memset(records.as<void>(), 0, record_bytes);
    }
};

void add_share(Share& share, AddRows* add, const Prepare& prepare) {
    if (!prepare) return add(share);
    // What is prepared is added while it is in the cache.
    for (const int64_t last = share.end; share.begin < last; share.begin = share.end) {
        share.end = std::min(share.begin + kPrepared, last);
        prepare(share.begin, share.end);
        add(share);
    }
}

void sum_column(const Column& column, const What& what, const Prepare& prepare, void* out) {
    const int words = words_of(what.dtype, what.work);
    const auto [rows, groups] = std::pair(column.rows, column.groups);
    // A share has cells for all groups: more shares than rows can fill are no help.
    const int64_t most = std::max<int64_t>(1, std::min(rows / kRowsOfShare, 4 * rows / std::max<int64_t>(1, groups)));
    const int64_t count = std::min<int64_t>(at::get_num_threads(), most);
    const int64_t replicas = groups <= kReplicated && rows > 16 * groups ? 8 : 1;
    Share like{};
    like.dtype = what.dtype;
    like.work = what.work;
    like.values = column.values;
    like.index = column.index;
    like.groups = groups;
    like.replicas = replicas;
    like.cell_step = words;
    like.word_step = 1;
    like.row_outside = -1;
    const bool is_double = what.dtype == Dtype::float64;
    like.sums[0].base = base_of_words(column.exponent, is_double, false, value_term_bits(what.dtype, what.work));
    like.sums[1].base = base_of_words(column.exponent, is_double, true);
    std::vector<Share> shares(count, like);
    std::vector<Cells> cells;
    for (int64_t s = 0; s < count; ++s) {
        shares[s].begin = rows * s / count;
        shares[s].end = rows * (s + 1) / count;
        cells.emplace_back(shares[s], groups * replicas, words, what);
    }
    AddRows* const add = scatter_add_kernel();
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) {
            cells[s].clear();
            add_share(shares[s], add, prepare);
        }
    });
    for (const Share& share : shares)
        if (share.row_outside >= 0) refuse_group(share.row_outside, column.index[share.row_outside], groups);
    FinishSums* const finish = scatter_finish_kernel();
    at::parallel_for(0, groups, 4096, [&](int64_t begin, int64_t end) {
        finish(
            {what.dtype, what.work, what.written, what.is_std, what.ddof, -1, shares.data(), count, begin, end, out});
    });
}

void sum_columns(const at::Tensor& values, const int64_t* index, int64_t rows, int64_t columns, int64_t groups,
                 const What& what, void* out, bool is_zeroed) {
    TORCH_CHECK_VALUE(rows < (int64_t{1} << 31), "scatter: values has ", rows, " rows, expected fewer than 2^31");
    const KeptMemory order(rows * sizeof(int32_t));
    int32_t* const rows_in_order = order.as<int32_t>();
    const Partition partition = partition_by_group(
        index, rows, groups, [&](int64_t row) { refuse_group(row, index[row], groups); },
        [rows_in_order](int64_t row, int64_t place) { rows_in_order[place] = static_cast<int32_t>(row); },
        Sorted::left);
    const std::vector<int64_t>& start = partition.start;
    const int words = words_of(what.dtype, what.work);
    std::vector<int> bases[2];
    bases[0] = sample_exponents(values, rows, columns);
    bases[1] = bases[0];
    for (int which = 0; which < 2; ++which)
        for (int& base : bases[which]) base = base_of_words(base, what.dtype == Dtype::float64, which == 1);
    Share like{};
    like.dtype = what.dtype;
    like.work = what.work == Work::mean ? Work::sum : what.work;
    like.values = values.const_data_ptr();
    like.order = partition.is_sorted ? nullptr : rows_in_order;
    like.rows = rows;
    like.groups = columns;
    like.replicas = 1;
    like.cell_step = 1;
    like.word_step = columns;
    for (int which = 0; which < 2; ++which) like.sums[which].bases = bases[which].data();
    const int64_t size = what.written == Dtype::float64 ? 8 : what.written == Dtype::float32 ? 4 : 2;
    Finish finish{};
    finish.dtype = what.dtype;
    finish.work = what.work;
    finish.written = what.written;
    finish.is_std = what.is_std;
    finish.ddof = what.ddof;
    finish.end = columns;
    // A thread takes an equal span of the rows: groups that lie within it are finished at once, the two at its ends are
    // kept for those who have the rest of them.
    const int64_t spans =
        std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), (rows + groups) * columns / kRowsOfShare));
    struct Part {
        int64_t group;
        Share share;
    };
    std::vector<std::vector<Part>> parts(spans);
    std::vector<std::vector<Cells>> owned(spans);
    SumSpan* const sum = scatter_columns_kernel();
    SumSpan* const add = scatter_part_kernel();
    FinishSums* const write = scatter_finish_kernel();
    at::parallel_for(0, spans, 1, [&](int64_t from, int64_t to) {
        for (int64_t s = from; s < to; ++s) {
            const int64_t begin = rows * s / spans, end = rows * (s + 1) / spans;
            std::vector<double> shifts(kShifts * columns);
            Span span{like, finish, start.data(), 0, 0, shifts.data(), columns * size, is_zeroed};
            span.finish.out = out;
            span.finish.shares = &span.share;
            span.finish.share_count = 1;
            auto add_part = [&](int64_t group, int64_t part_begin, int64_t part_end) {
                parts[s].push_back({group, like});
                owned[s].emplace_back(parts[s].back().share, columns, words, what);
                owned[s].back().clear();
                span.share = parts[s].back().share;
                span.share.begin = part_begin;
                span.share.end = part_end;
                add(span);
                parts[s].back().share = span.share;
            };
            // Groups [first, last) lie within; those that begin at the span's end belong to the next, or to the last.
            const auto starts = start.begin(), starts_end = start.end() - 1;
            int64_t first = std::lower_bound(starts, starts_end, begin) - starts;
            int64_t last = s + 1 == spans ? groups : std::lower_bound(starts, starts_end, end) - starts;
            if (first > 0 && start[first] > begin) add_part(first - 1, begin, std::min(end, start[first]));
            if (first >= last) continue;
            const int64_t cut = last - 1;  // perhaps cut by the span's end
            const bool is_cut = start[cut + 1] > end;
            if (is_cut) {
                add_part(cut, start[cut], end);
                --last;
            }
            owned[s].emplace_back(span.share = like, columns, words, what);
            owned[s].back().clear();
            span.first = first;
            span.last = last;
            span.finish.out = out;
            sum(span);
        }
    });
    std::vector<Share> shares;
    int64_t group = -1;
    auto write_cut = [&] {
        if (shares.empty()) return;
        finish.shares = shares.data();
        finish.share_count = static_cast<int64_t>(shares.size());
        finish.count = start[group + 1] - start[group];
        finish.out = static_cast<char*>(out) + group * columns * size;
        write(finish);
        shares.clear();
    };
    for (const auto& of_span : parts) {
        for (const Part& part : of_span) {
            if (part.group != group) write_cut();
            group = part.group;
            shares.push_back(part.share);
        }
    }
    write_cut();
}

// Zeros that are not written, of which pages come once they are touched.
at::Tensor untouched_zeros(at::IntArrayRef sizes, const at::TensorOptions& options) {
    const size_t bytes = c10::multiply_integers(sizes) * options.dtype().itemsize();
    const auto memory = std::make_shared<Zeroed>(bytes);
    void* const data = memory->as<void>();
    prefer_large_pages(data, bytes);
    return at::from_blob(data, sizes, [memory](void*) {}, options);
}

at::Tensor reduce(const at::Tensor& values, const at::Tensor& index, int64_t groups, Work work, at::ScalarType written,
                  bool is_std, int64_t ddof) {
    check_scatter(values, index, groups);
    auto sizes = values.sizes().vec();
    sizes[0] = groups;
    const int64_t rows = values.size(0);
    const int64_t columns = c10::multiply_integers(values.sizes().slice(1));
    // A large table of which most rows receive nothing, as the gradient of an embedding.
    const auto options = values.options().dtype(written);
    const bool is_zeroed = work == Work::sum && rows > 0 && columns > 1 && groups > 2 * rows &&
                           groups * columns * static_cast<int64_t>(options.dtype().itemsize()) >= kLargeTable;
    at::Tensor result = is_zeroed ? untouched_zeros(sizes, options) : at::empty(sizes, options);
    if (result.numel() == 0) {
        check_groups(index, groups);
        return result;
    }
    if (rows == 0) return result.fill_(work == Work::sum ? 0.0 : std::numeric_limits<double>::quiet_NaN());
    const What what = {dtype_of(values.scalar_type()), work, dtype_of(written), is_std, ddof};
    const at::Tensor of_rows = values.contiguous(), groups_of_rows = index.contiguous();
    const int64_t* const of = groups_of_rows.const_data_ptr<int64_t>();
    if (columns == 1 && fits_beside(what, groups)) {
        const int exponent = sample_exponents(of_rows, rows, 1)[0];
        sum_column({of_rows.const_data_ptr(), of, rows, groups, exponent}, what, nullptr, result.mutable_data_ptr());
    } else {
        sum_columns(of_rows, of, rows, columns, groups, what, result.mutable_data_ptr(), is_zeroed);
    }
    return result;
}

at::Tensor scatter_sum_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    return reduce(values, index, dim_size, Work::sum, values.scalar_type(), false, 0);
}

at::Tensor scatter_mean_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    return reduce(values, index, dim_size, Work::mean, values.scalar_type(), false, 0);
}

at::Tensor scatter_moments_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size, int64_t ddof,
                               bool is_std) {
    TORCH_CHECK_VALUE(values.scalar_type() != at::kDouble, "scatter: values is float64, expected float32 or narrower");
    return reduce(values, index, dim_size, Work::moments, values.scalar_type(), is_std, ddof);
}

}  // namespace

at::Tensor sums_in_float64(const at::Tensor& values, const at::Tensor& index, int64_t dim_size, int exponent,
                           const Prepare& prepare) {
    const int64_t rows = values.size(0);
    const What what = {dtype_of(values.scalar_type()), Work::sum, Dtype::float64, false, 0};
    if (values.numel() != rows || rows == 0 || dim_size == 0 || !fits_beside(what, dim_size)) {
        at::parallel_for(0, rows, kPrepared, [&](int64_t begin, int64_t end) { prepare(begin, end); });
        return reduce(values, index, dim_size, Work::sum, at::kDouble, false, 0);
    }
    at::Tensor result = at::empty({dim_size}, values.options().dtype(at::kDouble));
    sum_column({values.const_data_ptr(), index.const_data_ptr<int64_t>(), rows, dim_size, exponent}, what, prepare,
               result.mutable_data_ptr());
    return result;
}

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("scatter_sum", &scatter_sum_cpu);
    m.impl("scatter_mean", &scatter_mean_cpu);
    m.impl("scatter_moments", &scatter_moments_cpu);
}

}  // namespace within
