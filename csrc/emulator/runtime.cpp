// Runs kernels on the CPU: the threads of a block are fibers, blocks run in turn, both in an order drawn from a seed.
#include "emulator/runtime.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "emulator/cuda.h"
#include "emulator/fiber.h"
#include "emulator/watch.h"

// The watch knows them by their section.
#define WITHIN_STATE __attribute__((section("within_emulator_state")))
WITHIN_STATE uint3 threadIdx, blockIdx;
WITHIN_STATE dim3 blockDim, gridDim;

extern "C" __attribute__((weak)) void __asan_unpoison_memory_region(const volatile void*, size_t);

namespace within::emulator {

int running = -1;

namespace {

constexpr size_t kPage = 4096;
// An odd number of pages from one stack to the next, so that they do not compete for one set of the TLB.
constexpr size_t kStackPages = 65;
constexpr size_t kStackBytes = kStackPages * kPage;
constexpr size_t kSharedByDefault = 48 * 1024;
constexpr size_t kSharedAtMost = 227 * 1024;
constexpr int kMostNotes = 20;
// So many turns without a thread that ends or gets past a meeting are taken for a wait that never ends.
constexpr int64_t kMostTurns = 4'000'000;

enum class State : uint8_t { ready, in_block_meeting, in_warp_barrier, in_warp_exchange, ended };

// What the lanes of a warp brought, kept until each of them has taken its share.
struct Exchange {
    uint64_t values[kWarp];
    uint32_t present;
    int readers = 0;
};

struct Thread {
    Fiber fiber;
    uint3 index;
    State state;
    bool vote;
    uint32_t mask;
    uint64_t value;
    Place place;
    Exchange* taken;
};

struct Warp {
    uint32_t alive;
    uint32_t waiting;
    // A lane holds at most one, and one is in the making.
    Exchange exchanges[kWarp + 1];
};

struct Machine {
    Random random{0};
    int preempt_one_in = 0;
    std::string notes;
    int note_count = 0;
    bool launch_failed = false;
    size_t allowed_shared = kSharedByDefault;
    uint64_t threads_run = 0;

    unsigned char* stacks = nullptr;
    Fiber scheduler;
    std::vector<Thread> threads{kMaxThreads};
    std::vector<Warp> warps{kMaxThreads / kWarp};
    std::vector<int> ready;
    std::vector<unsigned char> poison;
    void* shared = nullptr;

    const Launch* launch = nullptr;
    int thread_count = 0;
    int meeting = 0;
    int ended = 0;
    int64_t turns = 0;
    Votes votes;
};

Machine& machine() {
    static Machine it;
    return it;
}

unsigned char* stack_of(int thread) { return machine().stacks + thread * kStackBytes; }

void map_stacks() {
    Machine& m = machine();
    if (m.stacks != nullptr) return;
    void* mapped = mmap(nullptr, kMaxThreads * kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        std::perror("emulator: stacks of threads");
        std::abort();
    }
    m.stacks = static_cast<unsigned char*>(mapped);
    for (int i = 0; i < kMaxThreads; ++i) mprotect(stack_of(i), kPage, PROT_NONE);
}

void take_turn(Fiber& from) {
    Machine& m = machine();
    if (m.ready.empty() || m.launch_failed) {
        running = -1;
        if (&from != &m.scheduler) switch_fibers(from, m.scheduler);
        return;
    }
    const size_t drawn = m.random.below(static_cast<uint32_t>(m.ready.size()));
    const int next = m.ready[drawn];
    m.ready[drawn] = m.ready.back();
    m.ready.pop_back();
    Thread& thread = m.threads[next];
    running = next;
    threadIdx = thread.index;
    if (&thread.fiber != &from) switch_fibers(from, thread.fiber);
}

void make_ready(int thread) {
    Machine& m = machine();
    m.threads[thread].state = State::ready;
    m.ready.push_back(thread);
}

const char* name_of(State state) {
    switch (state) {
        case State::in_block_meeting:
            return "wait in __syncthreads";
        case State::in_warp_barrier:
            return "wait in __syncwarp";
        case State::in_warp_exchange:
            return "wait in a shuffle or vote of their warp";
        case State::ended:
            return "have ended";
        default:
            return "run";
    }
}

// Who waits where, runs of threads together.
std::string describe_threads() {
    Machine& m = machine();
    std::string text;
    const auto same = [&](int a, int b) {
        const Thread &x = m.threads[a], &y = m.threads[b];
        const bool waits = x.state != State::ended && x.state != State::ready;
        return x.state == y.state && (!waits || (x.place.line == y.place.line && x.mask == y.mask &&
                                                 std::strcmp(x.place.file, y.place.file) == 0));
    };
    int lines = 0;
    for (int first = 0; first < m.thread_count && lines < 12;) {
        int last = first;
        while (last + 1 < m.thread_count && same(first, last + 1)) ++last;
        const Thread& thread = m.threads[first];
        char line[512];
        const bool waits = thread.state != State::ended && thread.state != State::ready;
        std::snprintf(line, sizeof line, "\n    threads %d to %d %s", first, last, name_of(thread.state));
        text += line;
        if (waits) {
            std::snprintf(line, sizeof line, ", %s:%d", thread.place.file, thread.place.line);
            text += line;
        }
        if (waits && thread.state != State::in_block_meeting) {
            std::snprintf(line, sizeof line, ", mask 0x%08x", thread.mask);
            text += line;
        }
        ++lines;
        first = last + 1;
    }
    return text;
}

bool same_place(Place a, Place b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

// Lets the lanes of `mask` go on if all of them that live are there; whether they do.
bool complete_warp(int warp_number, uint32_t mask) {
    Machine& m = machine();
    Warp& warp = m.warps[warp_number];
    const uint32_t present = mask & warp.alive;
    if (present == 0 || (present & ~warp.waiting) != 0) return false;
    const int first = warp_number * kWarp;
    const Thread& leader = m.threads[first + __builtin_ctz(present)];
    for (uint32_t rest = present; rest != 0; rest &= rest - 1) {
        const Thread& thread = m.threads[first + __builtin_ctz(rest)];
        if (thread.mask != mask) return false;
        if (thread.state != leader.state || !same_place(thread.place, leader.place)) return false;
    }
    if (leader.state == State::in_warp_exchange) {
        Exchange* exchange = warp.exchanges;
        while (exchange->readers != 0) ++exchange;
        exchange->present = present;
        exchange->readers = __builtin_popcount(present);
        for (uint32_t rest = present; rest != 0; rest &= rest - 1) {
            const int lane = __builtin_ctz(rest);
            exchange->values[lane] = m.threads[first + lane].value;
            m.threads[first + lane].taken = exchange;
        }
    } else {
        watch::pass_warp_barrier(first, present);
    }
    warp.waiting &= ~present;
    for (uint32_t rest = present; rest != 0; rest &= rest - 1) make_ready(first + __builtin_ctz(rest));
    m.turns = 0;
    return true;
}

void wait_in_warp(State state, uint32_t mask, uint64_t value, Place place) {
    Machine& m = machine();
    Thread& thread = m.threads[running];
    const int warp = running / kWarp, lane = running % kWarp;
    if (((mask >> lane) & 1) == 0)
        fail("%s: thread %d is not in the mask 0x%08x it gives, %s:%d", where(), running, mask, place.file, place.line);
    thread.state = state;
    thread.mask = mask;
    thread.value = value;
    thread.place = place;
    m.warps[warp].waiting |= 1u << lane;
    complete_warp(warp, mask);
    take_turn(thread.fiber);
}

// What the lanes brought; to be given back.
Exchange& exchange_in_warp(uint32_t mask, uint64_t value, Place place) {
    wait_in_warp(State::in_warp_exchange, mask, value, place);
    return *machine().threads[running].taken;
}

void complete_block() {
    Machine& m = machine();
    const Place place = m.threads[0].place;
    m.votes = {0, false, true};
    for (int i = 0; i < m.thread_count; ++i) {
        if (!same_place(m.threads[i].place, place)) {
            fail("%s: threads wait in different __syncthreads%s", where(), describe_threads().c_str());
            return;
        }
        m.votes.count += m.threads[i].vote;
    }
    m.votes.any = m.votes.count > 0;
    m.votes.all = m.votes.count == m.thread_count;
    m.meeting = 0;
    m.turns = 0;
    for (int i = 0; i < m.thread_count; ++i) make_ready(i);
    watch::pass_barrier();
}

// The body of every fiber.
void run_thread() {
    Machine& m = machine();
    m.launch->call(m.launch->closure);
    Thread& thread = m.threads[running];
    thread.state = State::ended;
    ++m.ended;
    m.turns = 0;
    const int number = running / kWarp;
    Warp& warp = m.warps[number];
    warp.alive &= ~(1u << (running % kWarp));
    // Those who wait for a lane that has ended wait no longer.
    for (uint32_t rest = warp.waiting; rest != 0; rest &= rest - 1) {
        const int waiting = number * kWarp + __builtin_ctz(rest);
        if ((warp.waiting >> (waiting % kWarp)) & 1) complete_warp(number, m.threads[waiting].mask);
    }
    take_turn(thread.fiber);
    std::abort();  // an ended thread has no turn
}

void fill(unsigned char* at, size_t bytes) {
    // All ones are a NaN in every format and -1 in every integer; the other pattern is a plausible number.
    const unsigned char with = machine().random.next() & 1 ? 0xff : 0x5a;
    volatile unsigned char* to = at;
    if (bytes >= 64) {
        std::memset(at, with, bytes);
    } else {
        for (size_t i = 0; i < bytes; ++i) to[i] = with;
    }
}

void run_block(const Launch& launch, int64_t number) {
    Machine& m = machine();
    blockIdx = {static_cast<unsigned>(number % launch.grid[0]),
                static_cast<unsigned>(number / launch.grid[0] % launch.grid[1]),
                static_cast<unsigned>(number / launch.grid[0] / launch.grid[1])};
    const watch::Range shared = watch::static_shared();
    fill(reinterpret_cast<unsigned char*>(shared.begin), shared.end - shared.begin);
    fill(static_cast<unsigned char*>(m.shared), launch.shared_bytes);
    m.meeting = m.ended = 0;
    m.turns = 0;
    m.ready.clear();
    for (int i = 0; i < (m.thread_count + kWarp - 1) / kWarp; ++i) {
        m.warps[i].alive = m.warps[i].waiting = 0;
        for (Exchange& exchange : m.warps[i].exchanges) exchange.readers = 0;
    }
    for (int i = 0; i < m.thread_count; ++i) {
        Thread& thread = m.threads[i];
        thread.index = {static_cast<unsigned>(i % launch.block[0]),
                        static_cast<unsigned>(i / launch.block[0] % launch.block[1]),
                        static_cast<unsigned>(i / launch.block[0] / launch.block[1])};
        thread.mask = 0;
        // The tops of the stacks lie in different sets of the cache.
        thread.fiber.start(stack_of(i), kStackBytes - (i % 31) * 128, run_thread);
        m.warps[i / kWarp].alive |= 1u << (i % kWarp);
        make_ready(i);
    }
    watch::start_block(m.thread_count);
    take_turn(m.scheduler);
    m.threads_run += m.thread_count;
    if (!m.launch_failed && m.ended < m.thread_count)
        fail("%s: deadlock, no thread can go on%s", where(), describe_threads().c_str());
}

bool can_launch(const Launch& launch) {
    const auto& [x, y, z] = launch.block;
    const bool grid = launch.grid[0] >= 1 && launch.grid[0] <= 0x7fffffff && launch.grid[1] >= 1 &&
                      launch.grid[1] <= 65535 && launch.grid[2] >= 1 && launch.grid[2] <= 65535;
    if (!grid)
        fail("%s: a grid of %lld x %lld x %lld blocks, CUDA takes 1 to 2^31 - 1, 65535, 65535", launch.kernel,
             static_cast<long long>(launch.grid[0]), static_cast<long long>(launch.grid[1]),
             static_cast<long long>(launch.grid[2]));
    else if (x < 1 || y < 1 || z < 1 || z > 64 || x > kMaxThreads || y > kMaxThreads || x * y * z > kMaxThreads)
        fail("%s: blocks of %lld x %lld x %lld threads, CUDA takes 1 to 1024 in all", launch.kernel,
             static_cast<long long>(x), static_cast<long long>(y), static_cast<long long>(z));
    else if (launch.shared_bytes > machine().allowed_shared)
        fail("%s: %zu bytes of dynamic shared memory, CUDA takes 48 KiB, or what cudaFuncSetAttribute allowed (%zu)",
             launch.kernel, launch.shared_bytes, machine().allowed_shared);
    else if (running >= 0)
        fail("%s: launched from a kernel", launch.kernel);
    return !machine().launch_failed;
}

void add_note(const char* format, va_list arguments) {
    Machine& m = machine();
    if (++m.note_count > kMostNotes) return;
    char text[8192];
    std::vsnprintf(text, sizeof text, format, arguments);
    m.notes += text;
    m.notes += '\n';
}

}  // namespace

void launch(const Launch& launch) {
    Machine& m = machine();
    if (m.launch_failed || !can_launch(launch)) return;
    map_stacks();
    m.launch = &launch;
    m.thread_count = static_cast<int>(launch.block[0] * launch.block[1] * launch.block[2]);
    gridDim = {static_cast<unsigned>(launch.grid[0]), static_cast<unsigned>(launch.grid[1]),
               static_cast<unsigned>(launch.grid[2])};
    blockDim = {static_cast<unsigned>(launch.block[0]), static_cast<unsigned>(launch.block[1]),
                static_cast<unsigned>(launch.block[2])};
    m.shared = std::malloc(launch.shared_bytes);
    const auto range = [](const void* at, size_t bytes) {
        const auto begin = reinterpret_cast<uintptr_t>(at);
        return watch::Range{begin, begin + bytes};
    };
    watch::start_launch(range(m.stacks, kMaxThreads * kStackBytes), range(launch.closure, launch.closure_bytes),
                        range(m.shared, launch.shared_bytes));
    std::vector<uint32_t> order(launch.grid[0] * launch.grid[1] * launch.grid[2]);
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[m.random.below(static_cast<uint32_t>(i))]);
    for (const uint32_t block : order) {
        run_block(launch, block);
        if (m.launch_failed) break;
    }
    // What frames of threads that were given up left behind.
    if (m.launch_failed && __asan_unpoison_memory_region != nullptr) {
        for (int i = 0; i < m.thread_count; ++i)
            __asan_unpoison_memory_region(stack_of(i) + kPage, kStackBytes - kPage);
    }
    std::free(m.shared);
    m.shared = nullptr;
    m.launch = nullptr;
}

Votes meet_block(bool vote, Place place) {
    Machine& m = machine();
    Thread& thread = m.threads[running];
    thread.state = State::in_block_meeting;
    thread.vote = vote;
    thread.place = place;
    if (++m.meeting == m.thread_count) complete_block();
    take_turn(thread.fiber);
    return m.votes;
}

void meet_warp(uint32_t mask, Place place) { wait_in_warp(State::in_warp_barrier, mask, 0, place); }

uint64_t read_lane(uint32_t mask, uint64_t value, int source, Place place) {
    Exchange& exchange = exchange_in_warp(mask, value, place);
    const bool there = source >= 0 && source < kWarp && ((exchange.present >> source) & 1);
    const uint64_t read = there ? exchange.values[source] : 0xfff7a5a5fff7a5a5ull;
    --exchange.readers;
    return read;
}

uint32_t equal_lanes(uint32_t mask, uint64_t value, uint64_t wanted, Place place) {
    Exchange& exchange = exchange_in_warp(mask, value, place);
    uint32_t equal = 0;
    for (int i = 0; i < kWarp; ++i) equal |= static_cast<uint32_t>(exchange.values[i] == wanted) << i;
    equal &= exchange.present;
    --exchange.readers;
    return equal;
}

uint64_t reduce_lanes(uint32_t mask, uint64_t value, uint64_t (*both)(uint64_t, uint64_t), Place place) {
    Exchange& exchange = exchange_in_warp(mask, value, place);
    uint32_t rest = exchange.present;
    uint64_t sum = exchange.values[__builtin_ctz(rest)];
    for (rest &= rest - 1; rest != 0; rest &= rest - 1) sum = both(sum, exchange.values[__builtin_ctz(rest)]);
    --exchange.readers;
    return sum;
}

int lane() { return running % kWarp; }

void fence() { watch::pass_fence(); }

void yield() {
    Machine& m = machine();
    Thread& thread = m.threads[running];
    if (++m.turns > kMostTurns)
        fail("%s: threads have waited without end for one another, or for another block%s", where(),
             describe_threads().c_str());
    m.ready.push_back(running);
    take_turn(thread.fiber);
}

void trap(Place place) {
    fail("%s: thread %d trapped, %s:%d", where(), running, place.file, place.line);
    std::abort();
}

void* dynamic_shared() { return machine().shared; }

void allow_shared(size_t bytes) {
    Machine& m = machine();
    if (bytes > kSharedAtMost)
        fail("cudaFuncSetAttribute: %zu bytes of shared memory, a block has %zu", bytes, kSharedAtMost);
    m.allowed_shared = std::max(m.allowed_shared, bytes);
}

bool may_touch(const void* address, size_t bytes, bool write) {
    return !machine().launch_failed && watch::may_touch(address, bytes, write);
}

void atomic_access(const void* address, size_t bytes, void* code) {
    if (running < 0) return;
    // Spinning on an atomic lets the others go on.
    if ((machine().random.next() & 3) == 0) yield();
    watch::pass_atomic(address, bytes, code);
}

void preempt() {
    Machine& m = machine();
    if (m.preempt_one_in > 0 && m.random.below(m.preempt_one_in) == 0) yield();
}

void note(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_note(format, arguments);
    va_end(arguments);
}

void fail(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_note(format, arguments);
    va_end(arguments);
    Machine& m = machine();
    m.launch_failed = true;
    if (running >= 0) {
        Thread& thread = m.threads[running];
        running = -1;
        switch_fibers(thread.fiber, m.scheduler);
    }
}

const char* where() {
    static char text[512];
    const Launch* launch = machine().launch;
    if (launch == nullptr) return "outside of a kernel";
    std::snprintf(text, sizeof text, "%s, block (%u, %u, %u)", launch->kernel, blockIdx.x, blockIdx.y, blockIdx.z);
    return text;
}

// ---- what the tests call ----

#define WITHIN_EXPORT extern "C" __attribute__((visibility("default")))

// Starts a run: forgets arrays and reports. A thread is made to wait at one in `preempt_one_in` accesses; 0: never.
WITHIN_EXPORT void within_emulator_begin(uint64_t seed, int preempt_one_in) {
    Machine& m = machine();
    m.random = Random(seed);
    m.preempt_one_in = preempt_one_in;
    m.notes.clear();
    m.note_count = 0;
    m.launch_failed = false;
    m.allowed_shared = kSharedByDefault;
    m.threads_run = 0;
    watch::start_run();
}

// Names memory that kernels may touch; once one is named, what is outside of all is reported.
WITHIN_EXPORT void within_emulator_array(const void* address, size_t bytes, int writable, const char* name) {
    watch::add_array(address, bytes, writable != 0, name);
}

// Copies what was reported, and returns how long it is.
WITHIN_EXPORT size_t within_emulator_end(char* text, size_t capacity) {
    Machine& m = machine();
    if (m.note_count > kMostNotes) m.notes += "and " + std::to_string(m.note_count - kMostNotes) + " more\n";
    m.note_count = 0;
    if (capacity > 0) {
        const size_t length = std::min(capacity - 1, m.notes.size());
        std::memcpy(text, m.notes.data(), length);
        text[length] = 0;
    }
    return m.notes.size();
}

WITHIN_EXPORT uint64_t within_emulator_threads() { return machine().threads_run; }

}  // namespace within::emulator
