// Matrix products on the CPU, for every family that is made of them.
#pragma once

#include "exact/matmul.h"

namespace within {

void multiply_on_cpu(const MatrixProduct& product);

}  // namespace within
