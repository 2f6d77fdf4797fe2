// What the kernels that vary tables are launched with.
#pragma once

#include <cstdint>

#include "augment/features.h"
#include "core/stream.h"

namespace within {

template <typename T, bool kIsGradient>
void launch_features(const Features& task, Stream stream);

void launch_mixup(const Mixup& mixup, Stream stream);

// outside: the first row whose partner is not in the bank; ~0 at first.
void launch_partners_outside(const int64_t* partners, int64_t rows, int64_t bank_rows, unsigned long long* outside,
                             Stream stream);

}  // namespace within
