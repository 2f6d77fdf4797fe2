// Pages of memory: large ones are asked for, where memory that is touched in no order, or for the first time, costs
// fewer faults; and pages are made present before they are used.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace within {

namespace {

constexpr size_t kSmallPage = size_t{1} << 12;
constexpr size_t kLargePage = size_t{1} << 21;

[[maybe_unused]] constexpr uintptr_t round_to_large_page(uintptr_t bytes) {
    return (bytes + kLargePage - 1) & ~uintptr_t{kLargePage - 1};
}

[[maybe_unused]] void prefer_large_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t begin = round_to_large_page(reinterpret_cast<uintptr_t>(data));
    const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~uintptr_t{kLargePage - 1};
    if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

// Writes a zero to each page of memory that holds nothing but zeros. A page that is read first is a shared one of zeros
// until its first write, which then interrupts every other thread to tell it that the page has moved.
[[maybe_unused]] void touch_pages(void* zeros, size_t bytes) {
    volatile char* const first = static_cast<volatile char*>(zeros);
    for (size_t at = 0; at < bytes; at += kSmallPage) first[at] = 0;
}

}  // namespace

}  // namespace within
