#include "core/dispatch.h"

#include <atomic>

namespace within {
namespace {

InstructionSet detect() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                      __builtin_cpu_supports("f16c") && __builtin_cpu_supports("popcnt");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512cd");
    if (avx2 && avx512) return InstructionSet::avx512;
    if (avx2) return InstructionSet::avx2;
#endif
    return InstructionSet::baseline;
}

std::atomic<InstructionSet>& chosen() {
    static std::atomic<InstructionSet> value{detect()};
    return value;
}

}  // namespace

InstructionSet widest_instruction_set() {
    static const InstructionSet widest = detect();
    return widest;
}

InstructionSet instruction_set() { return chosen().load(std::memory_order_relaxed); }

bool choose_instruction_set(InstructionSet wanted) {
    if (wanted > widest_instruction_set()) return false;
    chosen().store(wanted, std::memory_order_relaxed);
    return true;
}

}  // namespace within
