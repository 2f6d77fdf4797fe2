// The CPU loops that augment an image: rows are resized, go through the colour steps one loop after the other while the
// cache holds them, and are written. Where a step needs a statistic of the whole image, all rows come to it first.
#pragma once

#include "core/standard.h"
//
#include "augment/colour.h"
#include "augment/image_kernel.h"
#include "augment/noise_loops.h"
#include "augment/plan.h"
#include "augment/resize_loops.h"
#include "augment/write_loops.h"

namespace within {
inline namespace WITHIN_ISA {

// Three rows of one length.
struct Planes {
    float* of[3];
};

// Pointers are copied first: for all the compiler knows, a row is where they lie.
template <typename Change>
inline void change_row(const Planes& from, const Planes& to, int64_t width, Change change) {
    const float *const red = from.of[0], *const green = from.of[1], *const blue = from.of[2];
    float *const to_red = to.of[0], *const to_green = to.of[1], *const to_blue = to.of[2];
    for (int64_t x = 0; x < width; x += Lanes::kCount) {
        const Pixel<Lanes> pixel =
            change(Pixel<Lanes>{Lanes::load(red + x), Lanes::load(green + x), Lanes::load(blue + x)});
        Lanes::store(to_red + x, pixel.red);
        Lanes::store(to_green + x, pixel.green);
        Lanes::store(to_blue + x, pixel.blue);
    }
}

inline void add_greys(const Planes& row, int64_t width, ImageSums& sums) {
    const float *const red = row.of[0], *const green = row.of[1], *const blue = row.of[2];
    constexpr int64_t kMost = 4096;  // of 2^18 units each that 31 bits hold
    for (int64_t begin = 0; begin < width; begin += kMost) {
        const int64_t end = std::min(width, begin + kMost);
        Lanes::Int lanes{};
        int64_t x = begin;
        for (; x + Lanes::kCount <= end; x += Lanes::kCount)
            lanes += grey_units<Lanes>({Lanes::load(red + x), Lanes::load(green + x), Lanes::load(blue + x)});
        int64_t sum = 0;
        for (; x < end; ++x) sum += grey_units<Scalar>({red[x], green[x], blue[x]});
        for (int i = 0; i < Lanes::kCount; ++i) sum += lanes[i];
        sums.grey += static_cast<unsigned long long>(sum);
    }
}

inline void add_channels(const Planes& row, int64_t width, ImageSums& sums) {
    for (int c = 0; c < 3; ++c) {
        int64_t sum = 0, coarse = 0, square = 0;
        for (int64_t x = 0; x < width; ++x) {
            const int64_t units = channel_units(row.of[c][x], kSquareUnit);
            sum += channel_units(row.of[c][x], kMeanUnit);
            coarse += units;
            square += units * units;
        }
        sums.channel[c] += static_cast<unsigned long long>(sum);
        sums.coarse[c] += static_cast<unsigned long long>(coarse);
        sums.square[c] += static_cast<unsigned long long>(square);
    }
}

class ImageAugmenter {
  public:
    explicit ImageAugmenter(const AugmentImageCall& call)
        : call_(call),
          floats_(call.floats),
          height_(call.target.height),
          width_(call.target.width),
          padded_(padded(width_)),
          plan_(plan_of(call.integers, call.floats)),
          space_(call.workspace),
          resizer_(call.source, call.integers, call.target, space_),
          noise_(noise_key_of(call.integers), width_, space_.take<float>(noise_room(width_))) {
        for (auto& row : row_.of) row = space_.take<float>(padded_);
        if (plan_.waits > 0) image_ = space_.take<float>(3 * height_ * padded_);
    }

    void run() {
        int begin = 0;
        for (int wait = 0; wait < plan_.waits; ++wait) {
            int end = begin + (wait > 0 ? 1 : 0);
            while (!waits_for_statistic(plan_.step(end))) ++end;
            sums_ = {};
            for (int64_t y = 0; y < height_; ++y) {
                const Planes kept = kept_row(y);
                change(y, begin, end, kept, kept);
                if (plan_.step(end) == kContrast) {
                    add_greys(kept, width_, sums_);
                } else {
                    add_channels(kept, width_, sums_);
                }
            }
            is_kept_ = true;
            finish_statistic(plan_.step(end));
            begin = end;
        }
        switch (call_.target.type) {
            case PixelType::float32:
                return write(begin, static_cast<float*>(call_.out));
            case PixelType::float16:
                return write(begin, static_cast<Float16*>(call_.out));
            case PixelType::bfloat16:
                return write(begin, static_cast<BFloat16*>(call_.out));
        }
    }

  private:
    Planes kept_row(int64_t y) const {
        Planes row;
        for (int c = 0; c < 3; ++c) row.of[c] = image_ + (c * height_ + y) * padded_;
        return row;
    }

    // Steps [begin, end) of a row: from where it is kept, or from the source, to `to`.
    void change(int64_t y, int begin, int end, const Planes& kept, const Planes& to) {
        Planes from = kept;
        if (!is_kept_) {
            resizer_.next(y, to.of);
            from = to;
        }
        for (int s = begin; s < end; ++s, from = to) apply(plan_.step(s), from, to);
        if (begin == end && from.of[0] != to.of[0])
            for (int c = 0; c < 3; ++c) memcpy(to.of[c], from.of[c], static_cast<size_t>(width_) * sizeof(float));
    }

    void apply(int step, const Planes& from, const Planes& to) const {
        switch (step) {
            case kBrightness:
                return change_row(from, to, padded_, [factor = floats_.brightness](const Pixel<Lanes>& pixel) {
                    return change_brightness<Lanes>(pixel, factor);
                });
            case kContrast:
                return change_row(from, to, padded_,
                                  [factor = floats_.contrast, rest = contrast_rest_](const Pixel<Lanes>& pixel) {
                                      return blend<Lanes>(pixel, factor, Lanes::all(rest));
                                  });
            case kSaturation:
                return change_row(from, to, padded_, [factor = floats_.saturation](const Pixel<Lanes>& pixel) {
                    return change_saturation<Lanes>(pixel, factor);
                });
            case kHue:
                return change_row(from, to, padded_, [shift = hue_shift(floats_.hue)](const Pixel<Lanes>& pixel) {
                    return turn_hue<Lanes>(pixel, shift);
                });
            default:
                return change_row(from, to, padded_, [this](const Pixel<Lanes>& pixel) {
                    return Pixel<Lanes>{apply_style<Lanes>(pixel.red, style_[0]),
                                        apply_style<Lanes>(pixel.green, style_[1]),
                                        apply_style<Lanes>(pixel.blue, style_[2])};
                });
        }
    }

    void finish_statistic(int step) {
        const int64_t pixels = height_ * width_;
        if (step == kContrast) {
            contrast_rest_ = contrast_rest(sums_, pixels, floats_.contrast);
        } else {
            for (int c = 0; c < 3; ++c) style_[c] = style_of(sums_, c, pixels, floats_);
        }
    }

    // The last steps of each row, and what comes after colours.
    template <typename Out>
    void write(int begin, Out* out) {
        const ImageTarget& target = call_.target;
        const ImageIntegers& draws = call_.integers;
        for (int64_t y = 0; y < height_; ++y) {
            change(y, begin, plan_.count, is_kept_ ? kept_row(y) : row_, row_);
            const float* noise = floats_.noise_std != 0 ? noise_.next() : nullptr;
            const bool is_erased = y >= draws.erase_top && y < draws.erase_top + draws.erase_height;
            for (int c = 0; c < 3; ++c) {
                Out* const to = out + (c * height_ + y) * width_;
                const Written how = {width_,
                                     target.scale[c],
                                     target.shift[c],
                                     floats_.noise_std,
                                     noise == nullptr ? nullptr : noise + c * width_,
                                     call_.is_far};
                write_row(row_.of[c], how, to);
                if (is_erased)
                    fill_row(fmaf(floats_.erase_value, target.scale[c], target.shift[c]), draws.erase_width,
                             to + draws.erase_left);
            }
        }
    }

    const AugmentImageCall& call_;
    const ImageFloats& floats_;
    int64_t height_, width_, padded_;
    Plan plan_;
    Workspace space_;
    Resizer resizer_;
    NoiseRows noise_;
    Planes row_;
    float* image_ = nullptr;  // all rows, where a step waits for them
    bool is_kept_ = false;
    ImageSums sums_{};
    float contrast_rest_ = 0;
    StyleOfChannel style_[3];
};

void augment_image(const AugmentImageCall& call) {
    ImageAugmenter(call).run();
#if defined(WITHIN_AVX2)
    if (call.is_far) _mm_sfence();  // what went past the cache is there before what comes after
#endif
}

int64_t augment_room(const ImageIntegers& integers, const ImageTarget& target) {
    const int64_t row = padded(target.width);
    return resizer_room(integers.height, integers.width, target.height, target.width) +
           4 * (noise_room(target.width) + 3 * row + 3 * target.height * row) + 64 * 8;
}

}  // namespace WITHIN_ISA
}  // namespace within
