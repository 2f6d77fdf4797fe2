// How the numbers of exact layers are stored; what is narrower than float is read as float and rounded once.
#pragma once

#include "core/half.h"

namespace within {

enum class Stored { float64, float32, float16, bfloat16 };

}  // namespace within
