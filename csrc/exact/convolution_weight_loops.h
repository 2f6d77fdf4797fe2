// The CPU loops of the gradient of a convolution's weight: rows are output channels, columns are taps, and k goes over
// positions.
#pragma once

#include "core/standard.h"
//
#include "exact/convolution_loops.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kLine = kPositionsOfChain + 64;  // numbers of a tap, and what a copy has too many

// Positions [first, last) of a unit of images as slivers of the gradient's planes.
template <typename Element, typename T>
void pack_gradient(const WeightTile& task, const Run* runs, int64_t count, int64_t of_image, int64_t depth, T* to) {
    const Element* const gradient = static_cast<const Element*>(task.gradient);
    for (int64_t sliver = task.sliver; sliver < task.sliver_end; ++sliver, to += depth * kTileRows) {
        const int64_t row = sliver * kTileRows, rows = std::min<int64_t>(kTileRows, task.rows - row);
        for (int64_t r = 0; r < count;) {
            // Runs of one image lie side by side.
            const int64_t image = runs[r].image, start = runs[r].start;
            const int64_t p = runs[r].y * task.positions.width + runs[r].x;
            int64_t length = 0;
            for (; r < count && runs[r].image == image; ++r) length += runs[r].length;
            turn<kTileRows>(gradient + image * task.gradient_image + row * of_image + p, of_image, 1, rows, length,
                            to + start * kTileRows);
        }
    }
}

// The same positions as panels of the numbers below the taps.
template <typename T>
void pack_taps(const WeightTile& task, const Run* runs, int64_t count, int64_t depth, T* to) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    const Positions& positions = task.positions;
    const T* const source = static_cast<const T*>(positions.source);
    T* const lines = static_cast<T*>(task.lines);
    int64_t furthest = 0;
    for (int64_t r = 0; r < count; ++r) furthest = std::max(furthest, runs[r].source + runs[r].length);
    const bool is_inside = furthest + Wide<T>::kCount + positions.most_tap <= positions.size;
    constexpr int64_t kShort = 16;  // runs that are copied together before they are turned
    const bool is_turned_straight = task.is_plain && runs[0].length >= kShort;
    for (int64_t panel = task.panel; panel < task.panel_end; ++panel, to += depth * kWidth) {
        const int64_t tap = panel * kWidth, width = std::min(kWidth, task.columns - tap);
        if (is_turned_straight) {
            const int64_t step = task.columns > 1 ? positions.taps[1] : 0;
            for (int64_t r = 0; r < count; ++r)
                turn<kWidth>(source + positions.taps[tap] + runs[r].source, step, 1, width, runs[r].length,
                             to + runs[r].start * kWidth);
            continue;
        }
        for (int64_t j = 0; j < width; ++j) {
            const T* const from = source + positions.taps[tap + j];
            T* const line = lines + j * kLine;
            for (int64_t r = 0; r < count; ++r) {
                if (!is_inside) {
                    memcpy(line + runs[r].start, from + runs[r].source, runs[r].length * sizeof(T));
                    continue;
                }
                // What a register has too many the next run writes over.
                for (int64_t i = 0; i < runs[r].length; i += Wide<T>::kCount)
                    copy_register(from + runs[r].source + i, line + runs[r].start + i);
            }
        }
        turn<kWidth>(lines, kLine, 1, width, depth, to);
    }
}

// Adds a tile to another, or puts it there.
template <typename T>
inline void add_tile(const T* from, bool is_first, T* to) {
    constexpr int kSize = kTileRows * kPanelColumns<T>;
    for (int i = 0; i < kSize; i += Wide<T>::kCount) {
        const auto value = Wide<T>::load(from + i);
        Wide<T>::store(to + i, is_first ? value : Wide<T>::load(to + i) + value);
    }
}

template <typename Element, typename T>
void multiply_weight(const WeightTile& task) {
    constexpr int64_t kWidth = kPanelColumns<T>, kTileSize = kTileRows * kWidth;
    const int64_t of_image = task.positions.height * task.positions.width, together = images_of_unit(of_image);
    const int64_t slivers = task.sliver_end - task.sliver, panels = task.panel_end - task.panel;
    Run runs[kPositionsOfChain];
    T *const rows = static_cast<T*>(task.packed_rows), *const columns = static_cast<T*>(task.packed_panels);
    T *const unit = static_cast<T*>(task.unit), *const totals = static_cast<T*>(task.totals);
    alignas(64) T tile[kTileSize] = {};
    for (int64_t image = 0; image < task.images; image += together) {
        const int64_t end = std::min(image + together, task.images) * of_image;
        const bool is_first_unit = task.is_first && image == 0;
        for (int64_t first = image * of_image; first < end; first += kPositionsOfChain) {
            const int64_t last = std::min(first + kPositionsOfChain, end), depth = last - first;
            const int64_t count = runs_of(task.positions, first, last, runs);
            const bool is_first = first == image * of_image, is_last = last == end;
            pack_gradient<Element>(task, runs, count, of_image, depth, rows);
            pack_taps(task, runs, count, depth, columns);
            for (int64_t panel = 0; panel < panels; ++panel) {
                for (int64_t s = 0; s < slivers; ++s) {
                    const int64_t row = (task.sliver + s) * kTileRows;
                    convolve_some<T>(std::min<int64_t>(kTileRows, task.rows - row), rows + s * depth * kTileRows,
                                     columns + panel * depth * kWidth, depth, tile, true, {});
                    T* const own = unit + (s * panels + panel) * kTileSize;
                    T* const total = totals + ((task.sliver + s) * task.panels + task.panel + panel) * kTileSize;
                    if (is_first && is_last) {
                        add_tile(tile, is_first_unit, total);
                        continue;
                    }
                    add_tile(tile, is_first, own);
                    if (is_last) add_tile(own, is_first_unit, total);
                }
            }
        }
    }
}

void convolution_weight(const WeightTile& task) {
    with_element(task.dtype, [&](auto element) { multiply_weight<decltype(element), Wider<decltype(element)>>(task); });
}

template <typename Element, typename T>
void add_bias(const BiasSums& task) {
    T* const sums = static_cast<T*>(task.sums);
    for (int64_t channel = task.first; channel < task.last; ++channel) {
        for (int64_t n = 0; n < task.batch; ++n) {
            const Element* const numbers =
                static_cast<const Element*>(task.gradient) + (n * task.channels + channel) * task.positions;
            auto one = [&](int64_t i) { return load(numbers[i]); };
            if constexpr (std::is_same_v<Element, float>) {
                sums[n] = sum_of<Lanes>(task.positions, [&](int64_t i) { return Lanes::load(numbers + i); }, one);
            } else {
                using L = std::conditional_t<std::is_same_v<T, double>, Scalar64, Scalar>;
                sums[n] = sum_of<L>(task.positions, one, one);
            }
        }
        using L = std::conditional_t<std::is_same_v<T, double>, Scalar64, Scalar>;
        auto one = [&](int64_t i) { return sums[i]; };
        const T total = sum_of<L>(task.batch, one, one);
        store(total == total ? total : std::numeric_limits<T>::quiet_NaN(), static_cast<Element*>(task.out) + channel);
    }
}

void convolution_bias(const BiasSums& task) {
    with_element(task.dtype, [&](auto element) { add_bias<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
