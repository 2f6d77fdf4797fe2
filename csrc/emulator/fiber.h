// Switches between stacks: by a few instructions on x86-64, by ucontext elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__) && !defined(WITHIN_UCONTEXT)
#define WITHIN_UCONTEXT 1
#endif
#if defined(WITHIN_UCONTEXT)
#include <ucontext.h>
#endif

namespace within::emulator {

#if defined(WITHIN_UCONTEXT)

struct Fiber {
    ucontext_t context;

    void start(unsigned char* stack, size_t bytes, void (*entry)()) {
        getcontext(&context);
        context.uc_stack.ss_sp = stack;
        context.uc_stack.ss_size = bytes;
        context.uc_link = nullptr;
        makecontext(&context, entry, 0);
    }
};

inline void switch_fibers(Fiber& from, Fiber& to) { swapcontext(&from.context, &to.context); }

#else

// The section is named: this may be read while the compiler writes to another.
asm(".pushsection .text\n"
    ".type within_emulator_switch, @function\n"
    "within_emulator_switch:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size within_emulator_switch, . - within_emulator_switch\n"
    ".popsection\n");
extern "C" __attribute__((visibility("hidden"))) void within_emulator_switch(void** from, void* to);

struct Fiber {
    void* stack_pointer;

    // What the switch takes from a stack: six registers, then where to go; `entry` finds the stack as after a call.
    void start(unsigned char* stack, size_t bytes, void (*entry)()) {
        auto* top = reinterpret_cast<uintptr_t*>((reinterpret_cast<uintptr_t>(stack) + bytes) & ~uintptr_t{15});
        *--top = 0;
        *--top = reinterpret_cast<uintptr_t>(entry);
        for (int i = 0; i < 6; ++i) *--top = 0;
        stack_pointer = top;
    }
};

inline void switch_fibers(Fiber& from, Fiber& to) { within_emulator_switch(&from.stack_pointer, to.stack_pointer); }

#endif

}  // namespace within::emulator
