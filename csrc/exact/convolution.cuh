// The kernels of convolutions and the functions that launch them; compiled by nvcc, and by the tests' emulator. A
// thread makes one result, or one sum of a part of the positions.
#pragma once

#include "core/launch.h"
#include "core/nan.h"
#include "exact/convolution_launch.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kConvolutionThreads = 128;

// A number of a plane, or 0 beyond its edges.
template <typename Element>
WITHIN_HOST_DEVICE auto number_at(const Element* plane, int64_t y, int64_t x, int64_t height, int64_t width) {
    using T = Wider<Element>;
    return y >= 0 && y < height && x >= 0 && x < width ? load(plane[y * width + x]) : T{0};
}

// Contiguous input, weight and out.
template <typename Element, typename T>
__global__ void convolution_kernel(Convolution of, const Element* input, const Element* weight, const T* bias,
                                   Element* out) {
    const int64_t plane = of.y.out * of.x.out, of_input = of.y.in * of.x.in, kernel = of.y.kernel * of.x.kernel;
    const int64_t outputs = of.groups * of.outputs, count = of.batch * outputs * plane;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t position = i % plane, o = i / plane % outputs, n = i / plane / outputs, group = o / of.outputs;
        const int64_t y = position / of.x.out * of.y.stride - of.y.padding;
        const int64_t x = position % of.x.out * of.x.stride - of.x.padding;
        const Element* const from = input + (n * of.groups + group) * of.channels * of_input;
        const Element* const factors = weight + o * of.channels * kernel;
        T chain = 0;
        for (int64_t c = 0; c < of.channels; ++c)
            for (int64_t r = 0; r < of.y.kernel; ++r)
                for (int64_t s = 0; s < of.x.kernel; ++s)
                    chain = fma(
                        load(factors[c * kernel + r * of.x.kernel + s]),
                        number_at(from + c * of_input, y + r * of.y.dilation, x + s * of.x.dilation, of.y.in, of.x.in),
                        chain);
        if (bias != nullptr) chain += bias[o];
        store(canonical(chain), out + i);
    }
}

// Contiguous gradient, weight and out, which is of the input's shape.
template <typename Element, typename T>
__global__ void convolution_backward_input_kernel(Convolution of, const Element* gradient, const Element* weight,
                                                  Element* out) {
    const int64_t plane = of.y.in * of.x.in, of_output = of.y.out * of.x.out, kernel = of.y.kernel * of.x.kernel;
    const int64_t channels = of.groups * of.channels, count = of.batch * channels * plane;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t position = i % plane, channel = i / plane % channels, n = i / plane / channels;
        const int64_t group = channel / of.channels, c = channel % of.channels;
        const int64_t y = position / of.x.in + of.y.padding, x = position % of.x.in + of.x.padding;
        const Element* const from = gradient + (n * of.groups + group) * of.outputs * of_output;
        const Element* const factors = weight + (group * of.outputs * of.channels + c) * kernel;
        T chain = 0;
        for (int64_t o = 0; o < of.outputs; ++o) {
            for (int64_t r = 0; r < of.y.kernel; ++r) {
                const int64_t row = y - r * of.y.dilation;
                if (row % of.y.stride != 0) continue;
                for (int64_t s = 0; s < of.x.kernel; ++s) {
                    const int64_t column = x - s * of.x.dilation;
                    if (column % of.x.stride != 0) continue;
                    chain = fma(
                        load(factors[o * of.channels * kernel + r * of.x.kernel + s]),
                        number_at(from + o * of_output, row / of.y.stride, column / of.x.stride, of.y.out, of.x.out),
                        chain);
                }
            }
        }
        store(canonical(chain), out + i);
    }
}

// What a weight's gradient is the sum of: gradient by number at each position of an image.
template <typename Element>
struct WeightProducts {
    Convolution of;
    const Element* gradient;  // contiguous
    const Element* input;

    WITHIN_HOST_DEVICE int64_t taps() const { return of.channels * of.y.kernel * of.x.kernel; }

    template <typename T>
    WITHIN_HOST_DEVICE T add(int64_t n, int64_t o, int64_t tap, int64_t y, int64_t x, T chain) const {
        const int64_t kernel = of.y.kernel * of.x.kernel, c = tap / kernel, r = tap % kernel / of.x.kernel,
                      s = tap % of.x.kernel;
        const Element* const plane = input + ((n * of.groups + o / of.outputs) * of.channels + c) * of.y.in * of.x.in;
        const Element* const slopes = gradient + (n * of.groups * of.outputs + o) * of.y.out * of.x.out;
        return fma(load(slopes[y * of.x.out + x]),
                   number_at(plane, y * of.y.stride + r * of.y.dilation - of.y.padding,
                             x * of.x.stride + s * of.x.dilation - of.x.padding, of.y.in, of.x.in),
                   chain);
    }
};

// sums[unit - first][output][tap], of units [first, last) of images.
template <typename Element, typename T>
__global__ void convolution_weight_kernel(WeightProducts<Element> of, int64_t first, int64_t last, T* sums) {
    const int64_t taps = of.taps(), total = of.of.groups * of.of.outputs * taps, width = of.of.x.out;
    const int64_t positions = of.of.y.out * width, together = images_of_unit(positions);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < (last - first) * total;
         i += step) {
        const int64_t image = (first + i / total) * together, o = i % total / taps, tap = i % taps;
        const int64_t images = of.of.batch - image < together ? of.of.batch - image : together;
        T sum = 0;
        for (int64_t begin = 0; begin < images * positions; begin += kPositionsOfChain) {
            T chain = 0;
            for (int64_t q = begin; q < begin + kPositionsOfChain && q < images * positions; ++q)
                chain = of.add(image + q / positions, o, tap, q % positions / width, q % width, chain);
            sum = begin == 0 ? chain : sum + chain;
        }
        sums[i] = sum;
    }
}

// sums[image][output][tap][chain], of images [first, last), where groups have one input channel.
template <typename Element, typename T>
__global__ void depthwise_weight_kernel(WeightProducts<Element> of, int64_t first, int64_t last, T* sums) {
    const int64_t taps = of.taps(), total = of.of.groups * of.of.outputs * taps * kDepthwiseChains;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < (last - first) * total;
         i += step) {
        const int64_t image = first + i / total, lane = i % kDepthwiseChains, tap = i / kDepthwiseChains % taps;
        const int64_t o = i % total / kDepthwiseChains / taps;
        T chain = 0;
        for (int64_t y = 0; y < of.of.y.out; ++y)
            for (int64_t x = lane; x < of.of.x.out; x += kDepthwiseChains) chain = of.add(image, o, tap, y, x, chain);
        sums[i] = chain;
    }
}

// totals[i] += sums[part][i], one part after another.
template <typename T>
__global__ void add_parts_kernel(const T* sums, int64_t parts, int64_t count, bool is_first, T* totals) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        T total = is_first ? sums[i] : totals[i] + sums[i];
        for (int64_t part = 1; part < parts; ++part) total += sums[part * count + i];
        totals[i] = total;
    }
}

// Chains of each result put together, and stored.
template <typename Element, typename T, int chains>
__global__ void finish_weight_kernel(const T* totals, int64_t count, Element* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        T own[chains];
        for (int l = 0; l < chains; ++l) own[l] = totals[i * chains + l];
        for (int half = chains / 2; half > 0; half /= 2)
            for (int l = 0; l < half; ++l) own[l] += own[l + half];
        store(canonical(own[0]), out + i);
    }
}

// The sum of numbers that lie `step` apart, by the order of exact/sum.h, of all lanes of a warp; lane 0 has it.
template <typename T, typename Element>
__device__ __forceinline__ T sum_of_warp(const Element* numbers, int64_t count, int64_t step, int lane) {
    BlockSums<T> blocks;
    for (int64_t begin = 0; begin < count || begin == 0; begin += kSumBlock) {
        const int64_t end = begin + kSumBlock < count ? begin + kSumBlock : count;
        T sum = 0;
        for (int64_t i = begin + lane; i < end; i += kSumLanes) sum += load(numbers[i * step]);
        for (int half = kSumLanes / 2; half > 0; half /= 2) sum += __shfl_down_sync(0xffffffffu, sum, half);
        if (lane == 0) blocks.add(sum);
    }
    return lane == 0 ? blocks.total() : T{0};
}

// Of each of `rows` rows.
template <typename Element, typename T>
__global__ void sum_rows_kernel(const Element* numbers, int64_t rows, int64_t count, T* sums) {
    const int lane = threadIdx.x % kSumLanes, warps = blockDim.x / kSumLanes;
    int64_t row = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / kSumLanes;
    for (; row < rows; row += static_cast<int64_t>(gridDim.x) * warps) {
        const T sum = sum_of_warp<T>(numbers + row * count, count, 1, lane);
        if (lane == 0) sums[row] = sum;
    }
}

// Of each of `columns` columns of sums, stored.
template <typename Element, typename T>
__global__ void sum_columns_kernel(const T* sums, int64_t rows, int64_t columns, Element* out) {
    const int lane = threadIdx.x % kSumLanes, warps = blockDim.x / kSumLanes;
    int64_t column = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / kSumLanes;
    for (; column < columns; column += static_cast<int64_t>(gridDim.x) * warps) {
        const T sum = sum_of_warp<T>(sums + column, rows, columns, lane);
        if (lane == 0) store(canonical(sum), out + column);
    }
}

}  // namespace WITHIN_ISA

template <typename Element, typename T>
void launch_convolution(const Convolution& of, const Element* input, const Element* weight, const T* bias, Element* out,
                        Stream stream) {
    const int64_t count = of.batch * of.groups * of.outputs * of.y.out * of.x.out;
    WITHIN_LAUNCH((convolution_kernel<Element, T>), blocks_of(count, kConvolutionThreads), kConvolutionThreads, 0,
                  stream, of, input, weight, bias, out);
}

template <typename Element, typename T>
void launch_convolution_backward_input(const Convolution& of, const Element* gradient, const Element* weight,
                                       Element* out, Stream stream) {
    const int64_t count = of.batch * of.groups * of.channels * of.y.in * of.x.in;
    WITHIN_LAUNCH((convolution_backward_input_kernel<Element, T>), blocks_of(count, kConvolutionThreads),
                  kConvolutionThreads, 0, stream, of, gradient, weight, out);
}

template <typename Element, typename T>
void launch_convolution_backward_weight(const Convolution& of, const Element* gradient, const Element* input,
                                        int64_t together, T* sums, T* totals, Element* out, Stream stream) {
    const WeightProducts<Element> products{of, gradient, input};
    const int64_t count = weight_sums(of), parts = weight_parts(of);
    for (int64_t first = 0; first < parts; first += together) {
        const int64_t last = first + together < parts ? first + together : parts;
        const int blocks = blocks_of((last - first) * count, kConvolutionThreads);
        if (of.channels == 1) {
            WITHIN_LAUNCH((depthwise_weight_kernel<Element, T>), blocks, kConvolutionThreads, 0, stream, products,
                          first, last, sums);
        } else {
            WITHIN_LAUNCH((convolution_weight_kernel<Element, T>), blocks, kConvolutionThreads, 0, stream, products,
                          first, last, sums);
        }
        WITHIN_LAUNCH((add_parts_kernel<T>), blocks_of(count, kConvolutionThreads), kConvolutionThreads, 0, stream,
                      sums, last - first, count, first == 0, totals);
    }
    if (of.channels == 1) {
        const int64_t results = count / kDepthwiseChains;
        WITHIN_LAUNCH((finish_weight_kernel<Element, T, kDepthwiseChains>), blocks_of(results, kConvolutionThreads),
                      kConvolutionThreads, 0, stream, totals, results, out);
    } else {
        WITHIN_LAUNCH((finish_weight_kernel<Element, T, 1>), blocks_of(count, kConvolutionThreads), kConvolutionThreads,
                      0, stream, totals, count, out);
    }
}

template <typename Element, typename T>
void launch_convolution_backward_bias(const Element* gradient, int64_t batch, int64_t channels, int64_t positions,
                                      T* sums, Element* out, Stream stream) {
    constexpr int kRows = kConvolutionThreads / kSumLanes;
    if (batch > 0) {
        WITHIN_LAUNCH((sum_rows_kernel<Element, T>), blocks_of(batch * channels, kRows), kConvolutionThreads, 0, stream,
                      gradient, batch * channels, positions, sums);
    }
    WITHIN_LAUNCH((sum_columns_kernel<Element, T>), blocks_of(channels, kRows), kConvolutionThreads, 0, stream, sums,
                  batch, channels, out);
}

}  // namespace within
