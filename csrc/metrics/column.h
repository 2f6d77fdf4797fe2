// Memory for one number of each row.
#pragma once

#include <cstdint>

#include "core/kept_memory.h"

namespace within {

// Memory that is written before it is read. Digits go to a thousand places at once: large pages are looked up faster.
template <typename T>
class Column {
  public:
    explicit Column(int64_t size) : memory_(static_cast<size_t>(size) * sizeof(T)) {}
    T* data() const { return memory_.as<T>(); }

  private:
    KeptMemory memory_;
};

}  // namespace within
