// What is done to an image: the tables of draws, as Python packs them, and what all images of a batch share.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace within {

enum class PixelType { float32, float16, bfloat16 };

enum ColourStep : int32_t { kBrightness, kContrast, kSaturation, kHue };

// A row of the table of integers.
struct ImageIntegers {
    int32_t top, left, height, width;  // of the crop, pixels of the source
    int32_t is_flipped;
    int32_t order[4];  // of the colour steps
    uint32_t key[2];   // of the noise
    uint32_t id[2];
    uint32_t epoch;
    int32_t erase_top, erase_left, erase_height, erase_width;  // pixels of the output
};
constexpr int kImageIntegers = sizeof(ImageIntegers) / sizeof(int32_t);

// A row of the table of floats.
struct ImageFloats {
    float brightness, contrast, saturation, hue;
    float noise_std;
    float erase_value;
    float style_weight;
    float style_mean[3];
    float style_std[3];
};
constexpr int kImageFloats = sizeof(ImageFloats) / sizeof(float);

// What is summed over an image, in units of augment/colour.h.
struct ImageSums {
    unsigned long long grey;
    unsigned long long channel[3];  // in kMeanUnit
    unsigned long long coarse[3];   // in kSquareUnit
    unsigned long long square[3];
};

// Bytes of one image, and the steps between neighbours in them.
struct ImageSource {
    const uint8_t* pixels;
    int64_t row_step;
    int64_t column_step;  // 3 where the channels of a pixel lie together, 1 where those of a plane do
    int64_t channel_step;
};

// What is written of every image: planes of `height` rows of `width` pixels, each value times `scale` plus `shift`.
struct ImageTarget {
    int64_t height;
    int64_t width;
    PixelType type;
    float scale[3];
    float shift[3];
};

}  // namespace within
