// Memory that is written before it is read, kept from one call to the next.
//
// What the system hands out anew it clears first, page by page, which takes longer than many an operator.
#pragma once

#include <cstddef>

namespace within {

constexpr size_t kMostKept = size_t{192} << 20;  // bytes of a process that no one uses

class KeptMemory {
  public:
    // None, and a null pointer, of 0 bytes.
    explicit KeptMemory(size_t bytes);
    ~KeptMemory();
    KeptMemory(KeptMemory&& other) noexcept : data_(other.data_), bytes_(other.bytes_) {
        other.data_ = nullptr;
        other.bytes_ = 0;
    }
    KeptMemory(const KeptMemory&) = delete;
    KeptMemory& operator=(const KeptMemory&) = delete;
    KeptMemory& operator=(KeptMemory&&) = delete;

    template <typename T>
    T* as() const {
        return static_cast<T*>(data_);
    }

  private:
    void* data_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace within
