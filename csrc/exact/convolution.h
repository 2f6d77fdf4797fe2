// Convolutions of one order, of planes with two axes; what their kernels are given is plain data.
//
// out[n, o, y, x] is one chain: +0, then fma(number, weight, chain) over (input channel of the group, kernel row,
// kernel column) ascending, then the bias is added; where a tap lies in the padding the number is +0. The gradient of
// the input is one chain over (output channel of the group, kernel row, kernel column) ascending of the taps that lie
// on the grid of outputs, which is continued by +0 beyond its edges. The gradient of a weight is a sum of chains over
// positions; see kPositionsOfChain and kDepthwiseChains. A NaN is the one with bits 0x7fc00000 (float64:
// 0x7ff8000000000000); 16-bit formats are read as float and rounded once at the end.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/host_device.h"

namespace within {

// Of a weight's gradient in groups of several input channels: positions (y, x) of an image, or of as many whole images
// as fit in, are cut into chains of so many; sums of the chains are added one after another, then those of the images.
constexpr int64_t kPositionsOfChain = 256;
// Of a weight's gradient in groups of one input channel: within an image chain x % kDepthwiseChains takes positions (y,
// x) in their order; chain by chain the images are added one after another, then chains l and l + 4, l and l + 2, l and
// l + 1.
constexpr int kDepthwiseChains = 8;

// out = (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1.
struct ConvolutionAxis {
    int64_t in;
    int64_t out;
    int64_t kernel;
    int64_t stride;
    int64_t padding;
    int64_t dilation;
};

struct Convolution {
    int64_t batch;
    int64_t groups;
    int64_t channels;  // inputs of a group
    int64_t outputs;   // of a group
    ConvolutionAxis y;
    ConvolutionAxis x;
};

inline namespace WITHIN_ISA {

// Images whose positions a chain of a weight's gradient takes together.
WITHIN_HOST_DEVICE int64_t images_of_unit(int64_t positions) {
    return positions >= kPositionsOfChain ? 1 : kPositionsOfChain / (positions < 1 ? 1 : positions);
}

}  // namespace WITHIN_ISA

// Images in memory: steps in elements.
struct Images {
    Dtype dtype;
    const void* data;
    int64_t image;
    int64_t plane;
    int64_t row;
    int64_t column;
};

// What a plane becomes before it is read: zeros around it, and of each row the numbers whose columns are equal modulo
// `phases` side by side, so that a stride reads what lies side by side.
struct Layout {
    int64_t height;  // of the plane as it is given
    int64_t width;
    int64_t top;  // zeros before it, or, negative, rows that are left out
    int64_t left;
    int64_t rows;
    int64_t phases;
    int64_t length;  // numbers of a phase of a row
    int64_t row;     // of all phases
    int64_t plane;   // from one to the next
};

// Planes [first, last) of `channels` an image, laid out as float or double.
struct LayOut {
    Images images;
    Layout layout;
    int64_t channels;
    int64_t first;
    int64_t last;
    void* to;
};

// Slivers [first, last) of rows that are made of a weight: slivers[sliver][k][row], the number `weight[row * row_step +
// offsets[k]]`.
struct PackWeight {
    Dtype dtype;
    const void* weight;
    int64_t row_step;
    const int64_t* offsets;
    bool is_contiguous;  // offsets[k] is k
    int64_t depth;
    int64_t rows;
    int64_t first;
    int64_t last;
    void* slivers;
};

// Positions of images, and where the numbers below a tap lie: source[n * image + y * row + x + tap].
struct Positions {
    const void* source;  // float or double
    int64_t size;        // numbers from `source` that may be read
    int64_t image;
    int64_t row;
    int64_t height;
    int64_t width;
    const int64_t* taps;
    int64_t most_tap;
};

// Rows [row, row_end) and columns [first, last) of a product: column c is a position, counted over all images.
struct ConvolutionTile {
    Dtype dtype;  // of out
    Positions positions;
    const void* slivers;
    int64_t depth;
    int64_t rows;
    int64_t row;
    int64_t row_end;
    int64_t first;
    int64_t last;
    const void* bias;  // float or double, or null
    void* out;         // its steps, in elements:
    int64_t out_image;
    int64_t out_plane;
    int64_t out_row;
    int64_t out_column;
    void* panels;
    void* sums;
};
constexpr int64_t kTileColumns = 128;  // positions of a task
constexpr int64_t kTileDepth = 384;    // of k at once

// Sums of products over positions: rows of the gradient by taps, for slivers [sliver, sliver_end) and panels [panel,
// panel_end) of taps; totals[sliver][panel] are tiles, continued from image to image.
struct WeightTile {
    Dtype dtype;
    const void* gradient;  // contiguous images
    int64_t gradient_image;
    Positions positions;
    bool is_plain;  // one tap a channel, taps[k] is k * taps[1]
    int64_t rows;
    int64_t columns;  // taps
    int64_t sliver;
    int64_t sliver_end;
    int64_t panel;
    int64_t panel_end;
    int64_t panels;  // of all taps
    int64_t images;
    bool is_first;
    void* totals;
    void* packed_rows;
    void* packed_panels;
    void* lines;
    void* unit;
};
constexpr int64_t kWeightSlivers = 16;
constexpr int64_t kWeightPanels = 8;

// Of channels [first, last) the sum of each image's positions, then that of the images, both by the order of
// exact/sum.h.
struct BiasSums {
    Dtype dtype;
    const void* gradient;  // contiguous [batch, channels, positions]
    int64_t batch;
    int64_t channels;
    int64_t positions;
    int64_t first;
    int64_t last;
    void* sums;  // float or double [batch]
    void* out;
};

}  // namespace within
