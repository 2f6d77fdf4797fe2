// Memory that begins as zeros and costs what is touched of it.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace within {

class Zeroed {
  public:
    explicit Zeroed(size_t bytes) : bytes_(bytes), is_mapped_(bytes >= kMapped) {
        if (!is_mapped_) {
            data_ = std::calloc(bytes == 0 ? 1 : bytes, 1);
            if (data_ == nullptr) throw std::bad_alloc();
            return;
        }
        int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_NORESERVE)
        flags |= MAP_NORESERVE;
#endif
        data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (data_ == MAP_FAILED) throw std::bad_alloc();
    }
    Zeroed(Zeroed&& other) noexcept : data_(other.data_), bytes_(other.bytes_), is_mapped_(other.is_mapped_) {
        other.data_ = nullptr;
    }
    Zeroed(const Zeroed&) = delete;
    Zeroed& operator=(const Zeroed&) = delete;
    Zeroed& operator=(Zeroed&&) = delete;
    ~Zeroed() {
        if (data_ == nullptr) return;
        if (is_mapped_) {
            munmap(data_, bytes_);
        } else {
            std::free(data_);
        }
    }

    template <typename T>
    T* as() const {
        return static_cast<T*>(data_);
    }

  private:
    static constexpr size_t kMapped = size_t{1} << 20;
    void* data_ = nullptr;
    size_t bytes_;
    bool is_mapped_;
};

}  // namespace within
