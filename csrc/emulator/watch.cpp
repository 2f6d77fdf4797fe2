// The watch on memory (emulator/watch.h), called by -fsanitize=thread's instrumentation.
//
// Each word of 8 bytes that was touched has eight records of accesses, as in ThreadSanitizer's shadow (Serebryany and
// Iskhodzhanov, WBIA 2009); where more are needed one of them is forgotten at random.
#include "emulator/watch.h"

#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

// What follows holds shared memory of this library and nothing else; the anchor gives it an address.
static __thread volatile char within_shared_anchor;
extern "C" __attribute__((visibility("hidden"))) char __start_within_emulator_state[], __stop_within_emulator_state[];

namespace within::emulator::watch {
namespace {

constexpr int kSlots = 8;
constexpr uintptr_t kPageBytes = 4096;
constexpr size_t kMostPages = 4096;  // 256 MiB of records

struct Access {
    uint32_t block;  // counted over all launches, from 1; 0 is none
    uint16_t thread;
    uint8_t bytes;  // which of the word
    bool write : 1;
    bool atomic : 1;
    uint32_t epoch;  // barriers that the block had passed
    uint32_t tick;   // warp barriers that the thread had passed
    uint32_t code;

    bool same_but_code(const Access& other) const {
        return block == other.block && thread == other.thread && bytes == other.bytes && write == other.write &&
               atomic == other.atomic && epoch == other.epoch && tick == other.tick;
    }
};

struct Page {
    Access words[kPageBytes / 8][kSlots];
};

struct Array {
    Range range;
    bool writable;
    std::string name;
};

// What a block did before `thread` had an atomic after a fence: all that its threads did in earlier epochs, and what
// the thread did itself.
struct Release {
    uint32_t block;
    uint16_t thread;
    uint32_t epoch;
};

struct Watch {
    bool instrumented = false;
    std::vector<Array> arrays;
    const Array* last_array = nullptr;
    Range stacks, closure, dynamic, fixed, library, state;
    std::unordered_map<uintptr_t, Page*> pages;
    uintptr_t near_number[64] = {};
    Page* near_page[64] = {};
    std::set<std::pair<uint32_t, uint32_t>> reported;
    Random random;

    uint32_t block = 0;
    uint32_t first_block = 1;
    uint32_t epoch = 0;
    uint32_t tick[kMaxThreads];
    // What a lane knows of the lanes of its warp.
    uint32_t known[kMaxThreads][kWarp];
    bool fenced[kMaxThreads];
    std::unordered_map<uintptr_t, std::vector<Release>> released;
    std::unordered_map<uint32_t, std::vector<Release>> acquired;
};

Watch& watch() {
    static Watch it;
    return it;
}

int find_library(dl_phdr_info* info, size_t, void* found) {
    const auto here = reinterpret_cast<uintptr_t>(&find_library);
    Range image;
    Range shared;
    bool mine = false;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& header = info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + header.p_vaddr, end = begin + header.p_memsz;
        if (header.p_type == PT_LOAD) {
            if (image.end == 0) image.begin = begin;
            image.end = end;
            if (here >= begin && here < end) mine = true;
        }
        if (header.p_type == PT_TLS) {
            shared.begin = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
            shared.end = shared.begin + header.p_memsz;
        }
    }
    if (!mine) return 0;
    *static_cast<std::pair<Range, Range>*>(found) = {image, shared};
    return 1;
}

Page& page_of(uintptr_t at) {
    Watch& w = watch();
    const uintptr_t number = at / kPageBytes;
    const size_t slot = number % 64;
    if (w.near_number[slot] == number && w.near_page[slot] != nullptr) return *w.near_page[slot];
    Page*& page = w.pages[number];
    if (page == nullptr) {
        page = static_cast<Page*>(std::calloc(1, sizeof(Page)));
        if (page == nullptr) std::abort();
    }
    w.near_number[slot] = number;
    w.near_page[slot] = page;
    return *page;
}

// An address as "name[+offset]"; {shared …} is put into words by who has the symbols.
std::string name_of(uintptr_t at) {
    Watch& w = watch();
    char text[256];
    for (const Array& array : w.arrays) {
        if (array.range.holds(at)) {
            std::snprintf(text, sizeof text, "%s + %zu bytes", array.name.c_str(), size_t(at - array.range.begin));
            return text;
        }
    }
    if (w.dynamic.holds(at)) {
        std::snprintf(text, sizeof text, "dynamic shared memory + %zu bytes", size_t(at - w.dynamic.begin));
    } else if (w.fixed.holds(at)) {
        std::snprintf(text, sizeof text, "{shared %zu}", size_t(at - w.fixed.begin));
    } else {
        std::snprintf(text, sizeof text, "%#zx", size_t(at));
        std::string nearest = text;
        uintptr_t least = 4096;
        for (const Array& array : w.arrays) {
            const uintptr_t past = at - array.range.end, before = array.range.begin - at;
            if (past < least) {
                least = past;
                std::snprintf(text, sizeof text, "%zu bytes past the end of %s", size_t(past), array.name.c_str());
                nearest = text;
            }
            if (before < least) {
                least = before;
                std::snprintf(text, sizeof text, "%zu bytes before %s", size_t(before), array.name.c_str());
                nearest = text;
            }
        }
        if (at - w.dynamic.end < least) {
            std::snprintf(text, sizeof text, "%zu bytes past the end of dynamic shared memory",
                          size_t(at - w.dynamic.end));
            nearest = text;
        }
        return nearest;
    }
    return text;
}

std::string code_of(uint32_t offset) { return "{code " + std::to_string(offset) + "}"; }

const char* kind_of(const Access& access) {
    if (access.atomic) return "an atomic";
    return access.write ? "a write" : "a read";
}

bool is_shared(uintptr_t at) {
    Watch& w = watch();
    return w.fixed.holds(at) || w.dynamic.holds(at);
}

// Whether what `before` did was done for the present thread.
bool is_ordered(const Access& before, bool shared) {
    Watch& w = watch();
    if (before.block != w.block) {
        if (shared || before.block < w.first_block) return true;
        const auto found = w.acquired.find(before.block);
        if (found == w.acquired.end()) return false;
        for (const Release& release : found->second) {
            if (before.epoch < release.epoch || (before.epoch == release.epoch && before.thread == release.thread))
                return true;
        }
        return false;
    }
    if (before.thread == running || before.epoch < w.epoch) return true;
    if (before.thread / kWarp != running / kWarp) return false;
    return before.tick < w.known[running][before.thread % kWarp];
}

void report_race(uintptr_t at, const Access& before, const Access& now) {
    Watch& w = watch();
    if (!w.reported.insert({std::min(before.code, now.code), std::max(before.code, now.code)}).second) return;
    const int lowest = __builtin_ctz(before.bytes & now.bytes);
    const std::string name = name_of(at + lowest);
    if (before.block == now.block)
        note("%s: race on %s: %s of thread %d at %s and %s of thread %d at %s", where(), name.c_str(), kind_of(before),
             before.thread, code_of(before.code).c_str(), kind_of(now), now.thread, code_of(now.code).c_str());
    else
        note("%s: race between blocks on %s: %s of another block's thread %d at %s and %s of thread %d at %s", where(),
             name.c_str(), kind_of(before), before.thread, code_of(before.code).c_str(), kind_of(now), now.thread,
             code_of(now.code).c_str());
}

// Checks an access to some bytes of a word, and writes it down.
void access_word(uintptr_t word, uint8_t bytes, bool write, bool atomic, uint32_t code, bool shared) {
    Watch& w = watch();
    const Access now{w.block, static_cast<uint16_t>(running), bytes, write, atomic, w.epoch, w.tick[running], code};
    Access* slots = page_of(word).words[word % kPageBytes / 8];
    int free = -1;
    for (int i = 0; i < kSlots; ++i) {
        Access& before = slots[i];
        if (before.block == 0) {
            if (free < 0) free = i;
            break;  // the rest is empty too
        }
        if (before.same_but_code(now)) return;
        if ((before.bytes & bytes) == 0) {
            if (before.block < w.first_block) free = i;
            continue;
        }
        if (is_ordered(before, shared)) {
            const bool covered = (before.bytes & ~bytes) == 0 && (write || !before.write);
            if (covered || before.block < w.first_block || (shared && before.block != w.block)) free = i;
        } else if ((write || before.write) && !(atomic && before.atomic)) {
            report_race(word, before, now);
        }
    }
    if (free < 0) free = static_cast<int>(w.random.below(kSlots));
    slots[free] = now;
}

std::string who_is(uint32_t code) {
    return running < 0 ? "the host" : "thread " + std::to_string(running) + " at " + code_of(code);
}

bool is_inside(uintptr_t at, size_t bytes, bool write, uint32_t code) {
    Watch& w = watch();
    const Array* array = w.last_array;
    if (array == nullptr || !array->range.holds(at)) {
        const auto found =
            std::find_if(w.arrays.begin(), w.arrays.end(), [at](const Array& a) { return a.range.holds(at); });
        array = found == w.arrays.end() ? nullptr : &*found;
    }
    if (array == nullptr || at + bytes > array->range.end) {
        fail("%s: %s of %zu bytes outside of every array, by %s: %s", where(), write ? "a write" : "a read", bytes,
             who_is(code).c_str(), name_of(array == nullptr ? at : array->range.end).c_str());
        return false;
    }
    w.last_array = array;
    if (write && !array->writable) {
        fail("%s: a write to %s, which is only read, by %s", where(), name_of(at).c_str(), who_is(code).c_str());
        return false;
    }
    return true;
}

void access(const volatile void* address, size_t bytes, bool write, bool atomic, void* return_address) {
    if (running < 0 || bytes == 0) return;
    Watch& w = watch();
    const auto at = reinterpret_cast<uintptr_t>(address);
    if (w.stacks.holds(at) || w.state.holds(at) || w.closure.holds(at)) return;
    if (!atomic) preempt();
    const auto code = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(return_address) - 1 - w.library.begin);
    bool shared = false;
    if (w.dynamic.holds(at)) {
        shared = true;
        if (at + bytes > w.dynamic.end) {
            fail("%s: %s of %zu bytes over the end of dynamic shared memory, by thread %d at %s", where(),
                 write ? "a write" : "a read", bytes, running, code_of(code).c_str());
            return;
        }
    } else if (w.fixed.holds(at)) {
        shared = true;
    } else if (w.library.holds(at)) {
        // a constant or a variable of the device
    } else if (!w.arrays.empty() && !is_inside(at, bytes, write, code)) {
        return;
    }
    for (uintptr_t word = at & ~uintptr_t{7}; word < at + bytes; word += 8) {
        const unsigned from = word < at ? static_cast<unsigned>(at - word) : 0;
        const unsigned to = word + 8 > at + bytes ? static_cast<unsigned>(at + bytes - word) : 8;
        const auto which = static_cast<uint8_t>(((1u << to) - 1) & ~((1u << from) - 1));
        access_word(word, which, write, atomic, code, shared);
    }
}

}  // namespace

void start_run() {
    Watch& w = watch();
    w.arrays.clear();
    w.last_array = nullptr;
    w.reported.clear();
    w.random = Random(w.block + 1);
    // Blocks are counted in 32 bits and records kept in memory: both start anew before they run out.
    if (w.pages.size() > kMostPages || w.block > (1u << 31)) {
        for (const auto& [number, page] : w.pages) std::free(page);
        w.pages.clear();
        std::fill(std::begin(w.near_page), std::end(w.near_page), nullptr);
        w.block = 0;
    }
}

void add_array(const void* address, size_t bytes, bool writable, const char* name) {
    const auto begin = reinterpret_cast<uintptr_t>(address);
    watch().arrays.push_back({{begin, begin + bytes}, writable, name});
    watch().last_array = nullptr;
}

bool may_touch(const void* address, size_t bytes, bool write) {
    const auto at = reinterpret_cast<uintptr_t>(address);
    return bytes == 0 || watch().arrays.empty() || is_inside(at, bytes, write, 0);
}

void start_launch(Range stacks, Range closure, Range dynamic_shared) {
    Watch& w = watch();
    within_shared_anchor = 0;  // gives this thread of the process its own copy of the segment
    std::pair<Range, Range> found;
    dl_iterate_phdr(find_library, &found);
    w.library = found.first;
    w.fixed = found.second;
    w.state = {reinterpret_cast<uintptr_t>(__start_within_emulator_state),
               reinterpret_cast<uintptr_t>(__stop_within_emulator_state)};
    w.stacks = stacks;
    w.closure = closure;
    w.dynamic = dynamic_shared;
    w.first_block = w.block + 1;
    w.released.clear();
}

void start_block(int threads) {
    Watch& w = watch();
    if (!w.instrumented) return;
    ++w.block;
    w.epoch = 0;
    w.acquired.clear();
    std::memset(w.tick, 0, threads * sizeof w.tick[0]);
    std::memset(w.known, 0, threads * sizeof w.known[0]);
    std::memset(w.fenced, 0, threads * sizeof w.fenced[0]);
}

void pass_barrier() { ++watch().epoch; }

void pass_warp_barrier(int first, uint32_t lanes) {
    Watch& w = watch();
    if (!w.instrumented) return;
    uint32_t joined[kWarp] = {};
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
        const int lane = __builtin_ctz(rest);
        for (int i = 0; i < kWarp; ++i) joined[i] = std::max(joined[i], w.known[first + lane][i]);
        joined[lane] = ++w.tick[first + lane];
    }
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
        std::memcpy(w.known[first + __builtin_ctz(rest)], joined, sizeof joined);
}

void pass_fence() {
    if (running >= 0) watch().fenced[running] = true;
}

void pass_atomic(const void* address, size_t bytes, void* code) {
    Watch& w = watch();
    if (!w.instrumented) return;
    const auto at = reinterpret_cast<uintptr_t>(address);
    if (!is_shared(at)) {
        std::vector<Release>* here = nullptr;
        if (const auto found = w.released.find(at); found != w.released.end()) {
            here = &found->second;
            for (const Release& release : *here) {
                if (release.block == w.block) continue;
                auto& of_block = w.acquired[release.block];
                const auto same = std::find_if(of_block.begin(), of_block.end(),
                                               [&](const Release& r) { return r.thread == release.thread; });
                if (same == of_block.end())
                    of_block.push_back(release);
                else
                    same->epoch = std::max(same->epoch, release.epoch);
            }
        }
        if (w.fenced[running]) {
            if (here == nullptr) here = &w.released[at];
            // What this block was told of others it passes on.
            for (const auto& [block, releases] : w.acquired) {
                const bool known =
                    std::any_of(here->begin(), here->end(), [&](const Release& r) { return r.block == block; });
                if (!known) here->insert(here->end(), releases.begin(), releases.end());
            }
            here->push_back({w.block, static_cast<uint16_t>(running), w.epoch});
        }
    }
    access(address, bytes, true, true, code);
}

void set_instrumented() { watch().instrumented = true; }

Range static_shared() { return watch().fixed; }

}  // namespace within::emulator::watch

// ---- the calls that -fsanitize=thread inserts ----

using within::emulator::watch::access;

static void access_volatile(void* at, size_t bytes, bool write, void* code) {
    if (within::emulator::running >= 0) within::emulator::preempt();
    access(at, bytes, write, true, code);
}

#define WITHIN_HOOK extern "C" __attribute__((visibility("hidden")))
#define WITHIN_CODE __builtin_return_address(0)
#define WITHIN_SIZED(bytes)                                                                                    \
    WITHIN_HOOK void __tsan_read##bytes(void* at) { access(at, bytes, false, false, WITHIN_CODE); }            \
    WITHIN_HOOK void __tsan_write##bytes(void* at) { access(at, bytes, true, false, WITHIN_CODE); }            \
    WITHIN_HOOK void __tsan_unaligned_read##bytes(void* at) { access(at, bytes, false, false, WITHIN_CODE); }  \
    WITHIN_HOOK void __tsan_unaligned_write##bytes(void* at) { access(at, bytes, true, false, WITHIN_CODE); }  \
    WITHIN_HOOK void __tsan_volatile_read##bytes(void* at) { access_volatile(at, bytes, false, WITHIN_CODE); } \
    WITHIN_HOOK void __tsan_volatile_write##bytes(void* at) { access_volatile(at, bytes, true, WITHIN_CODE); } \
    WITHIN_HOOK void __tsan_unaligned_volatile_read##bytes(void* at) {                                         \
        access_volatile(at, bytes, false, WITHIN_CODE);                                                        \
    }                                                                                                          \
    WITHIN_HOOK void __tsan_unaligned_volatile_write##bytes(void* at) { access_volatile(at, bytes, true, WITHIN_CODE); }
WITHIN_SIZED(1)
WITHIN_SIZED(2)
WITHIN_SIZED(4)
WITHIN_SIZED(8)
WITHIN_SIZED(16)

WITHIN_HOOK void __tsan_read_range(void* at, size_t bytes) { access(at, bytes, false, false, WITHIN_CODE); }
WITHIN_HOOK void __tsan_write_range(void* at, size_t bytes) { access(at, bytes, true, false, WITHIN_CODE); }
// Runs before everything else, where kernels are instrumented at all.
WITHIN_HOOK void __tsan_init() { within::emulator::watch::set_instrumented(); }
WITHIN_HOOK void __tsan_func_entry(void*) {}
WITHIN_HOOK void __tsan_func_exit() {}
WITHIN_HOOK void __tsan_vptr_update(void*, void*) {}
WITHIN_HOOK void __tsan_vptr_read(void*) {}

// Copies that stay calls: in the objects of kernels the build gives them these names.
WITHIN_HOOK void* within_emulator_memcpy(void* to, const void* from, size_t bytes) {
    access(from, bytes, false, false, WITHIN_CODE);
    access(to, bytes, true, false, WITHIN_CODE);
    return std::memcpy(to, from, bytes);
}
WITHIN_HOOK void* within_emulator_memmove(void* to, const void* from, size_t bytes) {
    access(from, bytes, false, false, WITHIN_CODE);
    access(to, bytes, true, false, WITHIN_CODE);
    return std::memmove(to, from, bytes);
}
WITHIN_HOOK void* within_emulator_memset(void* at, int value, size_t bytes) {
    access(at, bytes, true, false, WITHIN_CODE);
    return std::memset(at, value, bytes);
}
