// Convolutions whose groups have one input channel: what their kernels are given.
#pragma once

#include "exact/convolution.h"

namespace within {

// Of an output's row and column modulo its step: the taps that reach it, `weights[which[t]]` at `offsets[t]` from the
// number below the position.
struct DepthwisePhase {
    const int64_t* offsets;
    const int64_t* which;
    int64_t taps;
    int64_t height;  // positions
    int64_t width;
};

enum class DepthwiseKernel { any, three, five };

// Groups [first, last), counted over images: `sources` planes of numbers make `targets` planes of results.
struct Depthwise {
    Images images;
    Layout layout;
    int64_t groups;
    int64_t sources;
    int64_t targets;
    int64_t first;
    int64_t last;
    int64_t row_step;              // rows of numbers from one row of positions to the next
    const DepthwisePhase* phases;  // [row_phases, column_phases]
    int64_t row_phases;            // of out
    int64_t column_phases;
    const void* weights;            // float or double [groups, targets, taps of a target]
    int64_t taps;                   // sources * kernel
    const void* bias;               // float or double [groups, targets], or null
    DepthwiseKernel kernel;         // that has loops of its own
    bool is_turned;                 // of these: kernel rows and columns go downwards
    const int64_t* column_offsets;  // of these: of each kernel column
    int64_t height;                 // of out
    int64_t width;
    Dtype dtype;
    void* out;     // contiguous
    void* planes;  // sources * plane, and kDepthwiseSlack
    void* lines;   // column_phases * (width + kDepthwiseSlack)
};
constexpr int64_t kDepthwiseSlack = 64;  // numbers that are read beyond the last one

// The sums of products of groups [first, last).
struct DepthwiseWeight {
    Images images;
    Layout layout;
    int64_t batch;
    int64_t groups;
    int64_t targets;
    int64_t first;
    int64_t last;
    int64_t row_step;
    const int64_t* offsets;  // of each tap
    int64_t taps;
    int64_t height;  // positions
    int64_t width;
    Dtype dtype;           // of gradient and out
    const void* gradient;  // contiguous
    void* out;             // [groups * targets, taps]
    void* plane;           // and kDepthwiseSlack
    void* positions;       // height * width and kDepthwiseSlack, of float; for 16-bit formats
    void* totals;          // targets * taps * kDepthwiseChains
};

}  // namespace within
