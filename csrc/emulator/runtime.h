// What stands below emulator/cuda.h: threads as fibers, blocks in turn, what threads meet at, the watch on memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace within::emulator {

// A place in the emulated source, for what is reported.
struct Place {
    const char* file;
    int line;
};

// A grid as CUDA launches it; `call` runs the kernel once, as the present thread.
struct Launch {
    const char* kernel;
    std::array<int64_t, 3> grid;
    std::array<int64_t, 3> block;
    size_t shared_bytes;
    void (*call)(const void* closure);
    const void* closure;
    size_t closure_bytes;
};

struct Votes {
    int count;
    bool any;
    bool all;
};

void launch(const Launch& launch);

// Waits for every thread of the block.
Votes meet_block(bool vote, Place place);

// Waits for the lanes of `mask`, and orders their memory.
void meet_warp(uint32_t mask, Place place);

// Exchanges wait for the lanes of `mask` too; like CUDA's they order no memory.
// What lane `source` brought; noise where it is not there.
uint64_t read_lane(uint32_t mask, uint64_t value, int source, Place place);
// The lanes that brought `wanted`.
uint32_t equal_lanes(uint32_t mask, uint64_t value, uint64_t wanted, Place place);
uint64_t reduce_lanes(uint32_t mask, uint64_t value, uint64_t (*both)(uint64_t, uint64_t), Place place);

int lane();
void fence();
void yield();
[[noreturn]] void trap(Place place);
void* dynamic_shared();
void allow_shared(size_t bytes);
// Whether the host may have so many bytes set or copied; what it may not is reported.
bool may_touch(const void* address, size_t bytes, bool write);
// Tells the watch of an atomic access that is about to happen at `code`; other threads may run before it returns.
void atomic_access(const void* address, size_t bytes, void* code);

}  // namespace within::emulator
