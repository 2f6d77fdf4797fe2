// Memory that begins as zeros and costs what is touched of it.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "core/large_pages.h"

namespace within {

class Zeroed {
  public:
    // `is_dense`: most of it will be touched, in no order; large pages then help, and it begins and ends with one.
    Zeroed(size_t bytes, bool is_dense) : bytes_(bytes), is_mapped_(bytes >= kMapped) {
        if (!is_mapped_) {
            data_ = std::calloc(bytes == 0 ? 1 : bytes, 1);
            if (data_ == nullptr) throw std::bad_alloc();
            return;
        }
        int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_NORESERVE)
        flags |= MAP_NORESERVE;
#endif
        mapped_bytes_ = is_dense ? round_to_large_page(bytes) + kLargePage : bytes;
        mapped_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (mapped_ == MAP_FAILED) throw std::bad_alloc();
        data_ = mapped_;
        if (!is_dense) return;
        data_ = reinterpret_cast<void*>(round_to_large_page(reinterpret_cast<uintptr_t>(mapped_)));
        prefer_large_pages(data_, round_to_large_page(bytes));
    }
    Zeroed(Zeroed&& other) noexcept
        : data_(other.data_),
          bytes_(other.bytes_),
          mapped_(other.mapped_),
          mapped_bytes_(other.mapped_bytes_),
          is_mapped_(other.is_mapped_) {
        other.data_ = nullptr;
    }
    Zeroed(const Zeroed&) = delete;
    Zeroed& operator=(const Zeroed&) = delete;
    Zeroed& operator=(Zeroed&&) = delete;
    ~Zeroed() {
        if (data_ == nullptr) return;
        if (is_mapped_) {
            munmap(mapped_, mapped_bytes_);
        } else {
            std::free(data_);
        }
    }

    // Makes all of it present, before anything but zeros is in it.
    void touch() const { touch_pages(data_, bytes_); }

    template <typename T>
    T* as() const {
        return static_cast<T*>(data_);
    }

  private:
    static constexpr size_t kMapped = size_t{1} << 20;
    void* data_ = nullptr;
    size_t bytes_;
    void* mapped_ = nullptr;
    size_t mapped_bytes_ = 0;
    bool is_mapped_;
};

}  // namespace within
