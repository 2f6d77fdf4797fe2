// The CPU loops of convolutions as products of matrices: columns are positions, and panels of them are laid out
// straight from the images.
#pragma once

#include "core/standard.h"
//
#include "exact/convolution.h"
#include "exact/matmul_pack.h"
#include "exact/matmul_tile.h"

namespace within {
inline namespace WITHIN_ISA {

// What a register copies.
template <typename T>
inline void copy_register(const T* from, T* to) {
    Wide<T>::store(to, Wide<T>::load(from));
}

// A row of numbers that lie `step` apart, those of each phase side by side; the number at column 0 belongs `left`
// further.
template <typename Element, typename T>
void lay_out_row(const Element* from, int64_t step, const Layout& layout, T* to) {
    const int64_t begin = std::max<int64_t>(0, -layout.left);
    if (layout.phases == 1) {
        const int64_t end = std::min(layout.width, layout.length - layout.left);
        if constexpr (std::is_same_v<Element, T>) {
            if (step == 1 && end > begin) {
                memcpy(to + begin + layout.left, from + begin, (end - begin) * sizeof(T));
                return;
            }
        }
        for (int64_t x = begin; x < end; ++x) to[x + layout.left] = load(from[x * step]);
        return;
    }
    for (int64_t phase = 0; phase < layout.phases; ++phase) {
        // The first column whose place is one of this phase.
        int64_t x = (phase - layout.left) % layout.phases;
        if (x < 0) x += layout.phases;
        const int64_t place = (x + layout.left) / layout.phases;
        const int64_t given = (layout.width - x + layout.phases - 1) / layout.phases;
        const int64_t count = std::min(given, layout.length - place);
        T* const line = to + phase * layout.length + place;
        if (layout.phases == 2 && step == 1) {
            for (int64_t i = 0; i < count; ++i) line[i] = load(from[x + 2 * i]);
            continue;
        }
        for (int64_t i = 0; i < count; ++i) line[i] = load(from[(x + i * layout.phases) * step]);
    }
}

// Zeros are written by whoever owns the memory, once.
template <typename Element, typename T>
void lay_out_plane(const Element* from, int64_t row_step, int64_t column_step, const Layout& layout, T* to) {
    const int64_t end = std::min(layout.height, layout.rows - layout.top);
    for (int64_t y = std::max<int64_t>(0, -layout.top); y < end; ++y)
        lay_out_row(from + y * row_step, column_step, layout, to + (y + layout.top) * layout.row);
}

template <typename Element, typename T>
void lay_out_planes(const LayOut& task) {
    const Images& images = task.images;
    for (int64_t at = task.first; at < task.last; ++at) {
        const int64_t n = at / task.channels, c = at % task.channels;
        T* const to = static_cast<T*>(task.to) + at * task.layout.plane;
        std::fill(to, to + task.layout.plane, T{0});
        lay_out_plane(static_cast<const Element*>(images.data) + n * images.image + c * images.plane, images.row,
                      images.column, task.layout, to);
    }
}

template <typename Element, typename T>
void pack_slivers(const PackWeight& task) {
    for (int64_t sliver = task.first; sliver < task.last && task.depth > 0; ++sliver) {
        const Element* const from = static_cast<const Element*>(task.weight) + sliver * kTileRows * task.row_step;
        const int64_t rows = std::min<int64_t>(kTileRows, task.rows - sliver * kTileRows);
        T* const to = static_cast<T*>(task.slivers) + sliver * kTileRows * task.depth;
        if (task.is_contiguous) {
            turn<kTileRows>(from, task.row_step, 1, rows, task.depth, to);
            continue;
        }
        for (int64_t k = 0; k < task.depth; ++k)
            for (int64_t row = 0; row < rows; ++row)
                to[k * kTileRows + row] = load(from[row * task.row_step + task.offsets[k]]);
    }
}

// Positions side by side in one row of one image.
struct Run {
    int64_t source;  // the first number's place, before a tap is added
    int64_t image;
    int64_t y;
    int64_t x;
    int64_t start;  // among the positions of a panel or a block
    int64_t length;
};

// Cuts positions [first, last), counted over images, into runs; gives their number. There is room for last - first.
inline int64_t runs_of(const Positions& positions, int64_t first, int64_t last, Run* runs) {
    int64_t count = 0;
    const int64_t of_image = positions.height * positions.width;
    for (int64_t at = first; at < last;) {
        const int64_t n = at / of_image, p = at % of_image, y = p / positions.width, x = p % positions.width;
        const int64_t length = std::min(positions.width - x, last - at);
        runs[count++] = {n * positions.image + y * positions.row + x, n, y, x, at - first, length};
        at += length;
    }
    return count;
}

// Numbers of a panel for taps [k, k_end): to[k][position]. A copy has a panel's width, and what it has too many the
// next writes over; so `to` has room for a panel's width more.
template <typename T>
void pack_positions(const Positions& positions, const Run* runs, int64_t count, int64_t k, int64_t k_end, T* to) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    const T* const source = static_cast<const T*>(positions.source);
    const int64_t* const taps = positions.taps;
    int64_t furthest = 0;
    for (int64_t r = 0; r < count; ++r) furthest = std::max(furthest, runs[r].source);
    const bool is_inside = furthest + positions.most_tap + kWidth <= positions.size;
    if (!is_inside) {
        for (; k < k_end; ++k, to += kWidth)
            for (int64_t r = 0; r < count; ++r)
                memcpy(to + runs[r].start, source + runs[r].source + taps[k], runs[r].length * sizeof(T));
        return;
    }
    if (count == 1) {
        const T* const from = source + runs[0].source;
        for (; k < k_end; ++k, to += kWidth)
            for (int j = 0; j < kTileRegisters; ++j)
                copy_register(from + taps[k] + j * Wide<T>::kCount, to + j * Wide<T>::kCount);
        return;
    }
    for (; k < k_end; ++k, to += kWidth) {
        const T* const from = source + taps[k];
        for (int64_t r = 0; r < count; ++r)
            for (int j = 0; j < kTileRegisters; ++j)
                copy_register(from + runs[r].source + j * Wide<T>::kCount, to + runs[r].start + j * Wide<T>::kCount);
    }
}

// Where a tile of sums goes: kept for the next block of k, or finished with its bias and the one NaN.
template <typename T>
struct Finish {
    T* to;
    int64_t step;
    const T* bias;
    bool is_last;
};

template <typename T, int rows>
inline void convolve_rows(const T* __restrict a, const T* __restrict b, int64_t depth, T* __restrict sums,
                          bool is_first, const Finish<T>& finish) {
    using W = Wide<T>;
    typename W::Register sum[rows][kTileRegisters];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kTileRegisters; ++j)
            sum[i][j] = is_first ? typename W::Register{} : W::load(sums + i * kPanelColumns<T> + j * W::kCount);
    }
    for (int64_t k = 0; k < depth; ++k) {
        typename W::Register column[kTileRegisters];
#pragma GCC unroll 4
        for (int j = 0; j < kTileRegisters; ++j) column[j] = W::load(b + j * W::kCount);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < kTileRegisters; ++j) sum[i][j] = W::fused(W::all(a[i]), column[j], sum[i][j]);
        }
        a += kTileRows;
        b += kPanelColumns<T>;
    }
    if (!finish.is_last) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < kTileRegisters; ++j) W::store(sums + i * kPanelColumns<T> + j * W::kCount, sum[i][j]);
        }
        return;
    }
    if (finish.bias != nullptr) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < kTileRegisters; ++j) sum[i][j] += W::all(finish.bias[i]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kTileRegisters; ++j)
            W::store(finish.to + i * finish.step + j * W::kCount, W::canonical(sum[i][j]));
    }
}

template <typename T, int rows = kTileRows>
inline void convolve_some(int64_t count, const T* a, const T* b, int64_t depth, T* sums, bool is_first,
                          const Finish<T>& finish) {
    if constexpr (rows > 1) {
        if (count < rows) return convolve_some<T, rows - 1>(count, a, b, depth, sums, is_first, finish);
    }
    convolve_rows<T, rows>(a, b, depth, sums, is_first, finish);
}

template <typename Element, typename T>
void convolve(const ConvolutionTile& task) {
    constexpr int64_t kWidth = kPanelColumns<T>, kTileSize = kTileRows * kWidth;
    constexpr int64_t kMostPanels = kTileColumns / kWidth;
    static_assert(kTileColumns % kWidth == 0);
    const int64_t panels = (task.last - task.first + kWidth - 1) / kWidth;
    Run runs[kMostPanels][kWidth];
    int64_t counts[kMostPanels];
    for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t first = task.first + panel * kWidth;
        counts[panel] = runs_of(task.positions, first, std::min(first + kWidth, task.last), runs[panel]);
    }
    // Where the numbers of an image lie side by side, a whole panel within one is written as it is.
    const bool is_contiguous = std::is_same_v<Element, T> && task.out_column == 1 &&
                               (task.out_row == task.positions.width || task.positions.height == 1);
    const int64_t blocks = std::max<int64_t>(1, (task.depth + kTileDepth - 1) / kTileDepth);
    const int64_t most = (task.depth + blocks - 1) / blocks;
    T* const packed = static_cast<T*>(task.panels);
    alignas(64) T edge[kTileSize];
    const int64_t slivers = (task.row_end - task.row + kTileRows - 1) / kTileRows, sliver = task.row / kTileRows;
    constexpr int64_t kSlivers = 96 / kTileRows;  // that stay in the second cache
    for (int64_t k = 0, block = 0; block < blocks; ++block) {
        const int64_t k_end = std::min(k + most, task.depth);
        for (int64_t panel = 0; panel < panels && k < k_end; ++panel)
            pack_positions(task.positions, runs[panel], counts[panel], k, k_end, packed + panel * (most + 1) * kWidth);
        for (int64_t some = 0; some < slivers; some += kSlivers) {
            for (int64_t panel = 0; panel < panels; ++panel) {
                const Run* const own = runs[panel];
                const int64_t count = counts[panel];
                const bool is_whole = is_contiguous && own[0].image == own[count - 1].image &&
                                      own[count - 1].start + own[count - 1].length == kWidth;
                for (int64_t s = some; s < std::min(some + kSlivers, slivers); ++s) {
                    const int64_t row = (sliver + s) * kTileRows, rows = std::min<int64_t>(kTileRows, task.rows - row);
                    Element* const out = static_cast<Element*>(task.out) + row * task.out_plane;
                    Finish<T> finish{edge, kWidth, nullptr, block + 1 == blocks};
                    if (task.bias != nullptr) finish.bias = static_cast<const T*>(task.bias) + row;
                    if constexpr (std::is_same_v<Element, T>) {
                        if (is_whole) {
                            finish.to = out + own[0].image * task.out_image + own[0].y * task.out_row + own[0].x;
                            finish.step = task.out_plane;
                        }
                    }
                    convolve_some<T>(rows, static_cast<const T*>(task.slivers) + (row * task.depth + k * kTileRows),
                                     packed + panel * (most + 1) * kWidth, k_end - k,
                                     static_cast<T*>(task.sums) + (s * panels + panel) * kTileSize, block == 0, finish);
                    if (!finish.is_last || is_whole) continue;
                    for (int64_t r = 0; r < count; ++r) {
                        Element* to =
                            out + own[r].image * task.out_image + own[r].y * task.out_row + own[r].x * task.out_column;
                        for (int64_t i = 0; i < rows; ++i, to += task.out_plane)
                            for (int64_t j = 0; j < own[r].length; ++j)
                                store(edge[i * kWidth + own[r].start + j], to + j * task.out_column);
                    }
                }
            }
        }
        k = k_end;
    }
}

int64_t convolution_tile_rows(bool) { return kTileRows; }
int64_t convolution_panel_columns(bool is_double) { return is_double ? kPanelColumns<double> : kPanelColumns<float>; }

void convolution_lay_out(const LayOut& task) {
    with_element(task.images.dtype,
                 [&](auto element) { lay_out_planes<decltype(element), Wider<decltype(element)>>(task); });
}

void convolution_pack(const PackWeight& task) {
    with_element(task.dtype, [&](auto element) { pack_slivers<decltype(element), Wider<decltype(element)>>(task); });
}

void convolution_tile(const ConvolutionTile& task) {
    with_element(task.dtype, [&](auto element) { convolve<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
