// The kernels that augment images and the functions that launch them; compiled by nvcc, and by the tests' emulator.
//
// A block makes a tile of one image's output: every thread some of its pixels, from the bytes on. What a step needs to
// know of the whole image is counted by a launch before, which goes the same way as far as that step.
#pragma once

#include "augment/colour.h"
#include "augment/image_launch.h"
#include "augment/noise.h"
#include "augment/plan.h"
#include "augment/resize.h"
#include "core/half.h"
#include "core/launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kImageThreads = 256;
constexpr int64_t kTilePixels = 1024;

struct Tile {
    int64_t rows, columns;  // of every tile but the last ones
    int64_t across, count;  // tiles side by side, tiles of an image
};

inline Tile tile_of(const ImageTarget& target) {
    const int64_t columns = target.width < kTilePixels ? target.width : kTilePixels;
    const int64_t rows = kTilePixels / columns < target.height ? kTilePixels / columns : target.height;
    const int64_t across = (target.width + columns - 1) / columns;
    return {rows, columns, across, across * ((target.height + rows - 1) / rows)};
}

__global__ void weigh_taps_kernel(const __grid_constant__ DeviceImages images) {
    const int64_t each = images.target.width + images.target.height;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < images.count * each; i += step) {
        const int64_t image = i / each, at = i % each;
        const ImageIntegers& draws = images.integers[image];
        if (at < images.target.width) {
            const Axis axis = axis_of(draws.width, images.target.width);
            const int64_t place = image * images.target.width + at;
            int16_t* const weights = images.column_weights + place * images.column_taps;
            const int64_t target = draws.is_flipped != 0 ? images.target.width - 1 - at : at;
            images.column_first[place] = weigh_taps(axis, target, weights).first;
        } else {
            const Axis axis = axis_of(draws.height, images.target.height);
            const int64_t place = image * images.target.height + at - images.target.width;
            int16_t* const weights = images.row_weights + place * images.row_taps;
            images.row_first[place] = weigh_taps(axis, at - images.target.width, weights).first;
        }
    }
}

// One image on its way.
struct ImageOfBlock {
    const DeviceImages& images;
    int64_t index;
    const ImageIntegers& integers;
    const ImageFloats& floats;
    ImageSource source;
    Axis columns, rows;
    Plan plan;
    float contrast_rest;
    StyleOfChannel style[3];

    // Steps before number `steps` have the statistics that they wait for.
    __device__ ImageOfBlock(const DeviceImages& of, int64_t image)
        : images(of), index(image), integers(of.integers[image]), floats(of.floats[image]) {
        const int64_t* const place = of.places + 3 * image;
        const int64_t height = place[1], width = place[2];
        source.pixels = of.pixels + place[0];
        source.row_step = of.is_planar ? width : 3 * width;
        source.column_step = of.is_planar ? 1 : 3;
        source.channel_step = of.is_planar ? height * width : 1;
        columns = axis_of(integers.width, of.target.width);
        rows = axis_of(integers.height, of.target.height);
        plan = plan_of(integers, floats);
    }

    __device__ void read_statistics(int waits) {
        const int64_t pixels = images.target.height * images.target.width;
        for (int s = 0, wait = 0; wait < waits; ++s) {
            if (!waits_for_statistic(plan.step(s))) continue;
            const ImageSums& sums = images.sums[wait++ * images.count + index];
            if (plan.step(s) == kContrast) {
                contrast_rest = within::contrast_rest(sums, pixels, floats.contrast);
            } else {
                for (int c = 0; c < 3; ++c) style[c] = style_of(sums, c, pixels, floats);
            }
        }
    }

    __device__ Pixel<Scalar> resized(int64_t y, int64_t x) const {
        const int64_t row_place = index * images.target.height + y, column_place = index * images.target.width + x;
        const int16_t* const row_weights = images.row_weights + row_place * images.row_taps;
        const int16_t* const column_weights = images.column_weights + column_place * images.column_taps;
        const int64_t top = images.row_first[row_place], left = images.column_first[column_place];
        const int64_t high = rows.source - top < rows.taps ? rows.source - top : rows.taps;
        const int64_t wide = columns.source - left < columns.taps ? columns.source - left : columns.taps;
        const int shift = row_shift(columns);
        const uint8_t* row =
            source.pixels + (integers.top + top) * source.row_step + (integers.left + left) * source.column_step;
        int32_t sums[3] = {0, 0, 0};
        for (int64_t i = 0; i < high; ++i, row += source.row_step) {
            int32_t row_sums[3] = {0, 0, 0};
            const uint8_t* pixel = row;
            for (int64_t j = 0; j < wide; ++j, pixel += source.column_step)
                for (int c = 0; c < 3; ++c) row_sums[c] += pixel[c * source.channel_step] * column_weights[j];
            for (int c = 0; c < 3; ++c) sums[c] += round_row(row_sums[c], shift) * row_weights[i];
        }
        const float unit = unit_of_column(rows);
        return {static_cast<float>(sums[0]) * unit, static_cast<float>(sums[1]) * unit,
                static_cast<float>(sums[2]) * unit};
    }

    __device__ Pixel<Scalar> changed(Pixel<Scalar> pixel, int steps) const {
        for (int s = 0; s < steps; ++s) {
            switch (plan.step(s)) {
                case kBrightness:
                    pixel = change_brightness<Scalar>(pixel, floats.brightness);
                    break;
                case kContrast:
                    pixel = blend<Scalar>(pixel, floats.contrast, contrast_rest);
                    break;
                case kSaturation:
                    pixel = change_saturation<Scalar>(pixel, floats.saturation);
                    break;
                case kHue:
                    pixel = turn_hue<Scalar>(pixel, hue_shift(floats.hue));
                    break;
                default:
                    pixel = {apply_style<Scalar>(pixel.red, style[0]), apply_style<Scalar>(pixel.green, style[1]),
                             apply_style<Scalar>(pixel.blue, style[2])};
            }
        }
        return pixel;
    }
};

// Where a block's tile lies in its image.
struct Rectangle {
    int64_t top, left, height, width;

    __device__ Rectangle(const ImageTarget& target, const Tile& tile, int64_t number) {
        top = number / tile.across * tile.rows;
        left = number % tile.across * tile.columns;
        height = target.height - top < tile.rows ? target.height - top : tile.rows;
        width = target.width - left < tile.columns ? target.width - left : tile.columns;
    }
};

__device__ __forceinline__ void add_to_sum(unsigned long long* sum, unsigned long long value) {
    for (int delta = 16; delta > 0; delta /= 2) value += __shfl_down_sync(0xffffffffu, value, delta);
    if (threadIdx.x % 32 == 0) atomicAdd(sum, value);
}

// Counts what step number `wait` of those that wait needs to know of the whole image.
__global__ void count_statistic_kernel(const __grid_constant__ DeviceImages images, Tile tile, int wait) {
    ImageOfBlock image(images, blockIdx.x / tile.count);
    if (image.plan.waits <= wait) return;
    image.read_statistics(wait);
    int steps = 0;
    for (int left = wait;; ++steps)
        if (waits_for_statistic(image.plan.step(steps)) && left-- == 0) break;
    const Rectangle at(images.target, tile, blockIdx.x % tile.count);
    ImageSums own = {};
    for (int64_t i = threadIdx.x; i < at.height * at.width; i += blockDim.x) {
        const Pixel<Scalar> pixel = image.changed(image.resized(at.top + i / at.width, at.left + i % at.width), steps);
        if (image.plan.step(steps) == kContrast) {
            own.grey += static_cast<unsigned long long>(grey_units<Scalar>(pixel));
        } else {
            const float values[3] = {pixel.red, pixel.green, pixel.blue};
            for (int c = 0; c < 3; ++c) {
                const auto coarse = static_cast<unsigned long long>(channel_units(values[c], kSquareUnit));
                own.channel[c] += static_cast<unsigned long long>(channel_units(values[c], kMeanUnit));
                own.coarse[c] += coarse;
                own.square[c] += coarse * coarse;
            }
        }
    }
    ImageSums& sums = images.sums[wait * images.count + image.index];
    if (image.plan.step(steps) == kContrast) {
        add_to_sum(&sums.grey, own.grey);
        return;
    }
    for (int c = 0; c < 3; ++c) {
        add_to_sum(&sums.channel[c], own.channel[c]);
        add_to_sum(&sums.coarse[c], own.coarse[c]);
        add_to_sum(&sums.square[c], own.square[c]);
    }
}

// The noise of places [begin, begin + count), each block of Philox by one thread.
__device__ __forceinline__ void draw_noise(const NoiseKey& key, int64_t begin, int64_t count, float* to) {
    const int64_t first = begin / kNoiseGroup;
    const int64_t groups = (begin + count - 1) / kNoiseGroup - first + 1;
    for (int64_t i = threadIdx.x; i < groups * kNoiseBlocks; i += blockDim.x) {
        const PhiloxBlock block = noise_block(key, static_cast<uint32_t>(first * kNoiseBlocks + i));
        const int64_t place = (first + i / kNoiseBlocks) * kNoiseGroup + i % kNoiseBlocks - begin;
        for (int w = 0; w < 4; ++w) {
            const NormalPair<Scalar> pair = normal_pair<Scalar>(block.words[w]);
            const int64_t at = place + 32 * w;
            if (at >= 0 && at < count) to[at] = pair.first;
            if (at + kNoiseBlocks >= 0 && at + kNoiseBlocks < count) to[at + kNoiseBlocks] = pair.second;
        }
    }
}

template <typename Out>
__global__ void __launch_bounds__(kImageThreads)
    augment_images_kernel(const __grid_constant__ DeviceImages images, Tile tile, Out* out) {
    WITHIN_SHARED(float, noise);  // [rows, 3, columns] of the tile
    ImageOfBlock image(images, blockIdx.x / tile.count);
    image.read_statistics(image.plan.waits);
    const ImageTarget& target = images.target;
    const ImageIntegers& draws = image.integers;
    const Rectangle at(target, tile, blockIdx.x % tile.count);
    const bool is_noisy = image.floats.noise_std != 0;
    if (is_noisy) {
        const NoiseKey key = noise_key_of(draws);
        if (at.width == target.width) {
            draw_noise(key, 3 * at.top * target.width, 3 * at.height * target.width, noise);
        } else {
            for (int64_t row = 0; row < 3 * at.height; ++row)
                draw_noise(key, (3 * at.top + row) * target.width + at.left, at.width, noise + row * at.width);
        }
        __syncthreads();
    }
    for (int64_t i = threadIdx.x; i < at.height * at.width; i += blockDim.x) {
        const int64_t row = i / at.width, column = i % at.width;
        const int64_t y = at.top + row, x = at.left + column;
        const Pixel<Scalar> pixel = image.changed(image.resized(y, x), image.plan.count);
        const bool is_erased = y >= draws.erase_top && y - draws.erase_top < draws.erase_height &&
                               x >= draws.erase_left && x - draws.erase_left < draws.erase_width;
        const float values[3] = {pixel.red, pixel.green, pixel.blue};
        for (int c = 0; c < 3; ++c) {
            float value = values[c];
            if (is_noisy)
                value = clamp<Scalar>(fmaf(noise[(row * 3 + c) * at.width + column], image.floats.noise_std, value));
            if (is_erased) value = image.floats.erase_value;
            store(fmaf(value, target.scale[c], target.shift[c]),
                  out + ((image.index * 3 + c) * target.height + y) * target.width + x);
        }
    }
}

}  // namespace WITHIN_ISA

void launch_weigh_taps(const DeviceImages& images, Stream stream) {
    const int64_t items = images.count * (images.target.width + images.target.height);
    const int64_t blocks = (items + kImageThreads - 1) / kImageThreads;
    WITHIN_LAUNCH(weigh_taps_kernel, static_cast<int>(blocks < 65536 ? blocks : 65536), kImageThreads, 0, stream,
                  images);
}

void launch_count_statistic(const DeviceImages& images, int wait, Stream stream) {
    const Tile tile = tile_of(images.target);
    WITHIN_LAUNCH(count_statistic_kernel, static_cast<unsigned>(images.count * tile.count), kImageThreads, 0, stream,
                  images, tile, wait);
}

template <typename Out>
void launch_augment_images(const DeviceImages& images, Out* out, Stream stream) {
    const Tile tile = tile_of(images.target);
    WITHIN_LAUNCH((augment_images_kernel<Out>), static_cast<unsigned>(images.count * tile.count), kImageThreads,
                  static_cast<size_t>(3 * tile.rows * tile.columns) * sizeof(float), stream, images, tile, out);
}

}  // namespace within
