// Memory for one number of each row.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "core/large_pages.h"

namespace within {

// Memory that is written before it is read. Digits go to a thousand places at once: large pages are looked up faster.
template <typename T>
class Column {
  public:
    explicit Column(int64_t size) {
        if (size == 0) return;
        const size_t bytes = (static_cast<size_t>(size) * sizeof(T) + kPage - 1) / kPage * kPage;
        const bool is_large = bytes > 2 * kPage;
        data_.reset(static_cast<T*>(is_large ? std::aligned_alloc(kPage, bytes) : std::malloc(size * sizeof(T))));
        if (data_ == nullptr) throw std::bad_alloc();
        if (is_large) prefer_large_pages(data_.get(), bytes);
    }
    T* data() const { return data_.get(); }

  private:
    static constexpr size_t kPage = size_t{1} << 21;
    struct Free {
        void operator()(T* data) const { std::free(data); }
    };
    std::unique_ptr<T, Free> data_;
};

}  // namespace within
