// Colour steps of one pixel, or of as many as a lane type L (core/lanes.h) holds: those of torchvision's float images.
// Values are in [0, 1], and every step leaves them there.
#pragma once

#include "augment/image.h"
#include "core/lanes.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename L>
struct Pixel {
    typename L::Float red, green, blue;
};

template <typename L>
WITHIN_HOST_DEVICE typename L::Float clamp(typename L::Float value) {
    return L::least(L::most(value, L::all(0.0f)), L::all(1.0f));
}

// Luma of ITU-R BT.601, rounded as torchvision has it.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float grey_of(const Pixel<L>& pixel) {
    return L::fused(pixel.red, L::all(0.2989f), L::fused(pixel.green, L::all(0.587f), pixel.blue * 0.114f));
}

template <typename L>
WITHIN_HOST_DEVICE Pixel<L> change_brightness(const Pixel<L>& pixel, float factor) {
    const auto most = L::all(1.0f);
    return {L::least(pixel.red * factor, most), L::least(pixel.green * factor, most),
            L::least(pixel.blue * factor, most)};
}

template <typename L>
WITHIN_HOST_DEVICE Pixel<L> blend(const Pixel<L>& pixel, float factor, typename L::Float rest) {
    const auto by = L::all(factor);
    return {clamp<L>(L::fused(pixel.red, by, rest)), clamp<L>(L::fused(pixel.green, by, rest)),
            clamp<L>(L::fused(pixel.blue, by, rest))};
}

template <typename L>
WITHIN_HOST_DEVICE Pixel<L> change_saturation(const Pixel<L>& pixel, float factor) {
    return blend<L>(pixel, factor, grey_of<L>(pixel) * (1.0f - factor));
}

template <typename L>
WITHIN_HOST_DEVICE typename L::Float size_of(typename L::Float value) {
    return same_bits<typename L::Float>(same_bits<typename L::Int>(value) & 0x7fffffff);
}

// `shift` is in sixths of a turn, in [1, 7): a turn more than none leaves all as it is. The hue of hexagonal HSV
// (Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978), as torchvision turns it; its saturation and value do not
// change, so each channel is the least of the three plus their range times a trapezium of the hue.
template <typename L>
WITHIN_HOST_DEVICE Pixel<L> turn_hue(const Pixel<L>& pixel, float shift) {
    using Float = typename L::Float;
    using Word = typename L::Word;
    const auto& [red, green, blue] = pixel;
    const Float top = L::most(L::most(red, green), blue);
    const Float low = L::least(L::least(red, green), blue);
    const Float range = top - low;
    const auto is_red = red == top;
    const auto is_green = green == top;
    const Float difference = is_red ? green - blue : is_green ? blue - red : red - green;
    const Float sector = is_red ? L::all(shift) : is_green ? L::all(shift + 2.0f) : L::all(shift + 4.0f);
    // Where the range is 0, so is the difference.
    const Float turned = difference / L::most(range, L::all(1e-20f)) + sector;
    // In [0, 12): less a turn where that is not negative. A negative number's bits are the larger word.
    const Float hue = same_bits<Float>(L::least_word(same_bits<Word>(turned), same_bits<Word>(turned - 6.0f)));
    return {L::fused(clamp<L>(size_of<L>(hue - 3.0f) - 1.0f), range, low),
            L::fused(clamp<L>(2.0f - size_of<L>(hue - 2.0f)), range, low),
            L::fused(clamp<L>(2.0f - size_of<L>(hue - 4.0f)), range, low)};
}

// Of turns in [-1/2, 1/2], what turn_hue takes.
WITHIN_HOST_DEVICE float hue_shift(float turns) {
    const float sixths = turns * 6.0f;
    return sixths < 1.0f ? sixths + 6.0f : sixths;
}

// ---- statistics of an image: integers, which can be added in any order ----

constexpr float kGreyUnit = 0x1p18f;    // of a sum of greys
constexpr float kMeanUnit = 0x1p23f;    // of a sum of a channel
constexpr float kSquareUnit = 0x1p15f;  // of a sum of a channel and one of its squares, for its variance

template <typename L>
WITHIN_HOST_DEVICE typename L::Int grey_units(const Pixel<L>& pixel) {
    return L::whole(L::fused(grey_of<L>(pixel), L::all(kGreyUnit), L::all(0.5f)));
}

WITHIN_HOST_DEVICE int32_t channel_units(float value, float unit) {
    return static_cast<int32_t>(fmaf(value, unit, 0.5f));
}

// What is added to a pixel times the factor: the mean grey's share.
WITHIN_HOST_DEVICE float contrast_rest(const ImageSums& sums, int64_t pixels, float factor) {
    const double mean = static_cast<double>(sums.grey) / (static_cast<double>(pixels) * static_cast<double>(kGreyUnit));
    return static_cast<float>(mean) * (1.0f - factor);
}

// A channel's values less `centre`, times `factor`, plus `rest`.
struct StyleOfChannel {
    float centre, factor, rest;
};

// x (1 - w) + w ((x - mean) / std * style_std + style_mean), after Huang and Belongie, "Arbitrary Style Transfer in
// Real-Time with Adaptive Instance Normalization", ICCV 2017; std (divisor n) is taken to be at least 1e-5.
WITHIN_HOST_DEVICE StyleOfChannel style_of(const ImageSums& sums, int channel, int64_t pixels,
                                           const ImageFloats& draws) {
    const double count = static_cast<double>(pixels);
    const double coarse = static_cast<double>(sums.coarse[channel]) / count;
    const double variance = static_cast<double>(sums.square[channel]) / count - coarse * coarse;
    const double std = sqrt(variance > 0 ? variance : 0) / static_cast<double>(kSquareUnit);
    const double weight = static_cast<double>(draws.style_weight);
    const double factor = static_cast<double>(draws.style_std[channel]) / (std > 1e-5 ? std : 1e-5);
    const double centre = static_cast<double>(sums.channel[channel]) / count / static_cast<double>(kMeanUnit);
    return {static_cast<float>(centre), static_cast<float>(1 - weight + weight * factor),
            static_cast<float>(centre * (1 - weight) + weight * static_cast<double>(draws.style_mean[channel]))};
}

template <typename L>
WITHIN_HOST_DEVICE typename L::Float apply_style(typename L::Float value, const StyleOfChannel& style) {
    return clamp<L>(L::fused(value - style.centre, L::all(style.factor), L::all(style.rest)));
}

}  // namespace WITHIN_ISA
}  // namespace within
