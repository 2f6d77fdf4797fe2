// What the kernel of dropout is launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/dropout.h"

namespace within {

// samples > 0 and task.row > 0.
template <typename Element>
void launch_dropout(const DropoutTask& task, int64_t samples, Stream stream);

}  // namespace within
