// What the kernels that augment images are launched with.
#pragma once

#include <cstdint>

#include "augment/image.h"
#include "core/stream.h"

namespace within {

constexpr int kImageSums = sizeof(ImageSums) / sizeof(unsigned long long);
constexpr int kMostWaits = 2;

struct DeviceImages {
    int64_t count;
    const uint8_t* pixels;
    const int64_t* places;  // [count, 3]: offset in bytes, height, width
    bool is_planar;
    const ImageIntegers* integers;
    const ImageFloats* floats;
    ImageTarget target;
    int column_taps, row_taps;  // the most of any image
    int *column_first, *row_first;
    int16_t *column_weights,
        *row_weights;  // room for target.width * column_taps of each image, target.height * row_taps
    ImageSums* sums;   // [kMostWaits, count], zeros at first
};

void launch_weigh_taps(const DeviceImages& images, Stream stream);

// What step number `wait` of those that wait needs to know, after those before it.
void launch_count_statistic(const DeviceImages& images, int wait, Stream stream);

// Once all is counted that steps wait for.
template <typename Out>
void launch_augment_images(const DeviceImages& images, Out* out, Stream stream);

}  // namespace within
