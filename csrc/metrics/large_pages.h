// Memory that is written before it is read, in large pages: a sort writes to a thousand places at once, and their
// addresses are looked up faster.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace within {

template <typename T>
class LargePages {
  public:
    explicit LargePages(int64_t size) {
        if (size == 0) return;
        const size_t bytes = (static_cast<size_t>(size) * sizeof(T) + kPage - 1) / kPage * kPage;
        const bool is_large = bytes > 2 * kPage;
        data_.reset(static_cast<T*>(is_large ? std::aligned_alloc(kPage, bytes) : std::malloc(size * sizeof(T))));
        if (data_ == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
        if (is_large) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
    }
    T* get() const { return data_.get(); }

  private:
    static constexpr size_t kPage = size_t{1} << 21;
    struct Free {
        void operator()(T* data) const { std::free(data); }
    };
    std::unique_ptr<T, Free> data_;
};

}  // namespace within
