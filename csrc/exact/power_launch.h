// What the kernel of powers is launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/power.h"

namespace within {

// task.begin is 0, task.end more.
template <typename Element>
void launch_power(const PowerTask& task, Stream stream);

}  // namespace within
