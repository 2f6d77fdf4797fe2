// Images augmented: what image_cuda.cpp asks of a GPU.
#include "augment/image.cuh"
#include "interface.h"

namespace {

// The parts of a DeviceImages, as the functions below take them.
struct Parts {
    int64_t count;
    const uint8_t* pixels;
    const int64_t* places;
    int64_t is_planar;
    const int32_t* integers;
    const float* floats;
    int64_t height, width, column_taps, row_taps;
    const float* scale_and_shift;
    int *column_first, *row_first;
    int16_t *column_weights, *row_weights;
    unsigned long long* sums;

    within::DeviceImages images() const {
        within::DeviceImages all{};
        all.count = count;
        all.pixels = pixels;
        all.places = places;
        all.is_planar = is_planar != 0;
        all.integers = reinterpret_cast<const within::ImageIntegers*>(integers);
        all.floats = reinterpret_cast<const within::ImageFloats*>(floats);
        all.target.height = height;
        all.target.width = width;
        for (int c = 0; c < 3; ++c) {
            all.target.scale[c] = scale_and_shift[c];
            all.target.shift[c] = scale_and_shift[3 + c];
        }
        all.column_taps = static_cast<int>(column_taps);
        all.row_taps = static_cast<int>(row_taps);
        all.column_first = column_first;
        all.row_first = row_first;
        all.column_weights = column_weights;
        all.row_weights = row_weights;
        all.sums = reinterpret_cast<within::ImageSums*>(sums);
        return all;
    }
};

#define PARTS                                                                                                \
    int64_t count, const uint8_t *pixels, const int64_t *places, int64_t is_planar, const int32_t *integers, \
        const float *floats, int64_t height, int64_t width, int64_t column_taps, int64_t row_taps,           \
        const float *scale_and_shift, int *column_first, int *row_first, int16_t *column_weights,            \
        int16_t *row_weights, unsigned long long *sums
#define GIVEN                                                                                                      \
    Parts {                                                                                                        \
        count, pixels, places, is_planar, integers, floats, height, width, column_taps, row_taps, scale_and_shift, \
            column_first, row_first, column_weights, row_weights, sums                                             \
    }

}  // namespace

WITHIN_EMULATED void images_weigh_taps(PARTS) { within::launch_weigh_taps(GIVEN.images(), nullptr); }

WITHIN_EMULATED void images_count_statistic(int64_t wait, PARTS) {
    within::launch_count_statistic(GIVEN.images(), static_cast<int>(wait), nullptr);
}

#define IMAGES(name, T)                                                 \
    WITHIN_EMULATED void images_augment_##name(T* out, PARTS) {         \
        within::launch_augment_images<T>(GIVEN.images(), out, nullptr); \
    }

IMAGES(float32, float)
IMAGES(float16, within::Float16)
IMAGES(bfloat16, within::BFloat16)
