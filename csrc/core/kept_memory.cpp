#include "core/kept_memory.h"

#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "core/large_pages.h"

namespace within {

namespace {

constexpr size_t kSmall = size_t{1} << 20;  // below which the system's allocator keeps it

struct Block {
    void* data;
    size_t bytes;
};

// Blocks that no one uses, the longest unused first.
struct Kept {
    std::mutex mutex;
    std::vector<Block> blocks;
    size_t bytes = 0;

    // The smallest that is large enough and at most twice as large, or none.
    Block take(size_t bytes_needed) {
        const std::lock_guard<std::mutex> lock(mutex);
        auto best = blocks.end();
        for (auto block = blocks.begin(); block != blocks.end(); ++block) {
            if (block->bytes < bytes_needed || block->bytes > 2 * bytes_needed) continue;
            if (best == blocks.end() || block->bytes < best->bytes) best = block;
        }
        if (best == blocks.end()) return {nullptr, 0};
        const Block found = *best;
        blocks.erase(best);
        bytes -= found.bytes;
        return found;
    }

    void give(Block block) {
        std::vector<Block> dropped;
        {
            const std::lock_guard<std::mutex> lock(mutex);
            blocks.push_back(block);
            bytes += block.bytes;
            while (bytes > kMostKept) {
                dropped.push_back(blocks.front());
                bytes -= blocks.front().bytes;
                blocks.erase(blocks.begin());
            }
        }
        for (const Block& old : dropped) std::free(old.data);
    }
};

// Never destroyed: threads may still give blocks back while the process ends.
Kept& kept() {
    static Kept* const blocks = new Kept;
    return *blocks;
}

}  // namespace

KeptMemory::KeptMemory(size_t bytes) {
    if (bytes == 0) return;
    if (bytes < kSmall) {
        data_ = std::malloc(bytes);
        if (data_ == nullptr) throw std::bad_alloc();
        return;
    }
    const size_t needed = round_to_large_page(bytes);
    const Block block = kept().take(needed);
    if (block.data != nullptr) {
        data_ = block.data;
        bytes_ = block.bytes;
        return;
    }
    data_ = std::aligned_alloc(kLargePage, needed);
    if (data_ == nullptr) throw std::bad_alloc();
    bytes_ = needed;
    prefer_large_pages(data_, bytes_);
}

KeptMemory::~KeptMemory() {
    if (bytes_ != 0) {
        kept().give({data_, bytes_});
    } else {
        std::free(data_);
    }
}

}  // namespace within
