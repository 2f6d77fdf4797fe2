// The kernel that augments one image, in a copy for each instruction set.
#pragma once

#include <cstdint>

#include "augment/image.h"
#include "core/dispatch.h"

namespace within {

struct AugmentImageCall {
    const ImageSource& source;
    const ImageIntegers& integers;
    const ImageFloats& floats;
    const ImageTarget& target;
    void* out;
    bool is_far;      // the whole batch is too large for a cache
    char* workspace;  // of augment_room(integers, target) bytes
};

using AugmentImage = void(const AugmentImageCall&);
using AugmentRoom = int64_t(const ImageIntegers&, const ImageTarget&);

WITHIN_KERNEL(AugmentImage, augment_image)
WITHIN_KERNEL(AugmentRoom, augment_room)

}  // namespace within
