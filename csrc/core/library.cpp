// The library `within`: what it was built from, and the instruction set its kernels run with.
#include "core/torch.h"

#include <string>

#include "build_digest.h"
#include "core/dispatch.h"

namespace within {
namespace {

constexpr const char* kNames[] = {"baseline", "avx2", "avx512"};

std::string build_digest() { return WITHIN_BUILD_DIGEST; }

std::string instruction_set_name() { return kNames[static_cast<int>(instruction_set())]; }

void choose_instruction_set_by_name(const std::string& name) {
    InstructionSet wanted = widest_instruction_set();
    bool is_known = name == "widest";
    for (int i = 0; i < 3; ++i) {
        if (name == kNames[i]) {
            wanted = static_cast<InstructionSet>(i);
            is_known = true;
        }
    }
    TORCH_CHECK_VALUE(is_known, "choose_instruction_set: name is ", name,
                      ", expected baseline, avx2, avx512 or widest");
    TORCH_CHECK_VALUE(choose_instruction_set(wanted), "choose_instruction_set: name is ", name,
                      ", which this processor does not have");
}

}  // namespace

TORCH_LIBRARY(within, m) {
    m.def("build_digest() -> str", &build_digest);
    m.def("instruction_set() -> str", &instruction_set_name);
    m.def("choose_instruction_set(str name) -> ()", &choose_instruction_set_by_name);
}

}  // namespace within
