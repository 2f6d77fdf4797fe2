// The watch on memory: what is read and written outside of every array, and races.
//
// Kernels are compiled with -fsanitize=thread and linked with watch.cpp in place of ThreadSanitizer's runtime, so that
// every access calls it. Two accesses of different threads to a byte race if one is a plain write, or a plain read
// beside an atomic, and nothing orders them:
//   * in a block, __syncthreads, and inside a warp __syncwarp (lanes keep vector clocks). Shuffles and votes order no
//     memory, as in CUDA.
//   * between blocks of a launch, __threadfence before an atomic on an address on which the reader's block had an
//     atomic afterwards (the "last block" pattern). Nothing else: blocks run one after another here, so this is told
//     from what each did, not from when.
// Volatile accesses count as atomic ones. What threads keep on their own stacks is not looked at.
#pragma once

#include <cstddef>
#include <cstdint>

namespace within::emulator {

constexpr int kMaxThreads = 1024;
constexpr int kWarp = 32;

class Random {
  public:
    explicit Random(uint64_t seed = 1) : state_(seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull) {}
    uint64_t next() {
        // splitmix64 (Steele, Lea and Flood, OOPSLA 2014)
        uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(((next() >> 32) * bound) >> 32); }

  private:
    uint64_t state_;
};

// What the scheduler tells the watch; what it asks is in runtime.cpp.
namespace watch {

struct Range {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    bool holds(uintptr_t at) const { return at - begin < end - begin; }
};

void start_run();
void add_array(const void* address, size_t bytes, bool writable, const char* name);
// Whether the host may touch it; what it may not is reported.
bool may_touch(const void* address, size_t bytes, bool write);
void start_launch(Range stacks, Range closure, Range dynamic_shared);
void start_block(int threads);
// All threads of the block have met.
void pass_barrier();
// The lanes of `lanes` have met, in the warp that starts with thread `first`.
void pass_warp_barrier(int first, uint32_t lanes);
void pass_fence();
void pass_atomic(const void* address, size_t bytes, void* code);
// Kernels call the watch.
void set_instrumented();
// The thread-local segment of this library, where static shared memory is.
Range static_shared();

}  // namespace watch

// ---- what the watch asks of the scheduler ----

// The thread that runs, -1 outside of a kernel.
extern int running;
// Lets another thread run, now and then.
void preempt();
// Adds a line to what the run reports; up to a number of lines.
void note(const char* format, ...) __attribute__((format(printf, 1, 2)));
// The same, and ends the launch; inside a kernel it does not return.
void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
// "kernel, block (x, y, z)"
const char* where();

}  // namespace within::emulator
