// The CPU loops of resizing: rows first, each once, then columns of the rows that are kept in a ring.
#pragma once

#include "core/standard.h"
//
#include "augment/image.h"
#include "augment/resize.h"
#include "core/lanes.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kPadded = 32;  // pixels to whose multiple a row is filled up

inline int64_t padded(int64_t width) { return (width + kPadded - 1) / kPadded * kPadded; }

// Takes memory piece by piece, each at a multiple of 64 bytes.
class Workspace {
  public:
    explicit Workspace(char* at) : at_(at) {}

    template <typename T>
    T* take(int64_t count) {
        at_ += -reinterpret_cast<uintptr_t>(at_) & 63;
        T* piece = reinterpret_cast<T*>(at_);
        at_ += count * static_cast<int64_t>(sizeof(T));
        return piece;
    }

  private:
    char* at_;
};

// For each target pixel the first source pixel, and axis.taps weights.
struct TapTable {
    Axis axis;
    int* first;
    int16_t* weights;

    TapTable(int64_t source, int64_t target, bool is_flipped, Workspace& space) : axis(axis_of(source, target)) {
        first = space.take<int>(target);
        weights = space.take<int16_t>(target * axis.taps);
        for (int64_t i = 0; i < target; ++i)
            first[i] = weigh_taps(axis, is_flipped ? target - 1 - i : i, weights + i * axis.taps).first;
    }
};

#if defined(WITHIN_AVX2)

// Rows to planes of bytes: 16 pixels at a time while 48 bytes are there to be read.
inline void split_channels(const uint8_t* row, int64_t width, uint8_t* const planes[3]) {
    alignas(16) static constexpr int8_t kFrom[3][3][16] = {
        {{0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
         {-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1},
         {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13}},
        {{1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
         {-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1},
         {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14}},
        {{2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
         {-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1},
         {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15}}};
    int64_t x = 0;
    for (; width >= 16 && x < width; x += 16) {
        x = std::min(x, width - 16);
        const auto* at = reinterpret_cast<const __m128i*>(row + 3 * x);
        const __m128i parts[3] = {_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2)};
        for (int c = 0; c < 3; ++c) {
            const auto* from = reinterpret_cast<const __m128i*>(kFrom[c]);
            const __m128i plane =
                _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(parts[0], from[0]), _mm_shuffle_epi8(parts[1], from[1])),
                             _mm_shuffle_epi8(parts[2], from[2]));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(planes[c] + x), plane);
        }
    }
    for (; x < width; ++x)
        for (int c = 0; c < 3; ++c) planes[c][x] = row[3 * x + c];
}

// Resizes planes of bytes to rows of 16 bits. Of each 16 target pixels, the middle two fours change places: the order
// in which _mm256_packs_epi32 leaves them, and from which _mm256_unpacklo_epi16 takes them.
class RowResizer {
  public:
    RowResizer(const TapTable& table, int64_t target, Workspace& space) : table_(table), target_(target) {
        const int64_t width = padded(target);
        base_ = space.take<int>(width / 4);
        shuffles_ = space.take<int8_t>(4 * width);
        pairs_ = space.take<int32_t>(width * (table.axis.taps / 2));
        is_near_ = true;
        for (int64_t x = 0; x < width; x += 4) {
            int least = x < target ? table.first[x] : 0, most = least;
            for (int64_t i = x; i < x + 4 && i < target; ++i) {
                least = std::min(least, table.first[i]);
                most = std::max(most, table.first[i]);
            }
            base_[x / 4] = least;
            is_near_ &= most - least <= 14;
            for (int64_t i = x; i < x + 4; ++i) {
                const auto offset = static_cast<int8_t>(i < target ? table.first[i] - least : -1);
                int8_t* const shuffle = shuffles_ + 4 * i;
                shuffle[0] = offset;
                shuffle[1] = shuffle[3] = -1;
                shuffle[2] = static_cast<int8_t>(offset < 0 ? -1 : offset + 1);
            }
        }
        for (int p = 0; p < table.axis.taps / 2; ++p) {
            for (int64_t x = 0; x < width; ++x) {
                int32_t pair = 0;
                if (x < target) memcpy(&pair, table.weights + x * table.axis.taps + 2 * p, sizeof pair);
                pairs_[p * width + x] = pair;
            }
        }
    }

    void operator()(const uint8_t* plane, int16_t* to) const {
        if (!is_near_) return resize_far(plane, to);
        switch (table_.axis.taps) {
            case 2:
                return resize_near<1>(plane, to);
            case 4:
                return resize_near<2>(plane, to);
            case 6:
                return resize_near<3>(plane, to);
            default:
                return resize_near<0>(plane, to);
        }
    }

  private:
    // Fours whose first taps lie within 16 bytes: a byte shuffle brings two taps of each beside each other. kPairs is 0
    // where it is not known.
    template <int kPairs>
    void resize_near(const uint8_t* plane, int16_t* to) const {
        const int64_t width = padded(target_);
        const int shift = row_shift(table_.axis);
        const Nears nears = {base_, shuffles_, pairs_, table_.axis.taps / 2};
        const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
        const __m128i by = _mm_cvtsi32_si128(shift);
        for (int64_t x = 0; x < width; x += 16) {
            const __m256i low = _mm256_sra_epi32(sum_eight<kPairs>(nears, plane, x, width, half), by);
            const __m256i high = _mm256_sra_epi32(sum_eight<kPairs>(nears, plane, x + 8, width, half), by);
            _mm256_store_si256(reinterpret_cast<__m256i*>(to + x), _mm256_packs_epi32(low, high));
        }
    }

    // What resize_near reads, where no store of a row can be thought to change it.
    struct Nears {
        const int* base;
        const int8_t* shuffles;
        const int32_t* weights;
        int pairs;
    };

    template <int kPairs>
    static __m256i sum_eight(const Nears& nears, const uint8_t* plane, int64_t x, int64_t width, __m256i sum) {
        const int pairs = kPairs > 0 ? kPairs : nears.pairs;
        const __m256i shuffle = _mm256_load_si256(reinterpret_cast<const __m256i*>(nears.shuffles + 4 * x));
        const uint8_t* const low = plane + nears.base[x / 4];
        const uint8_t* const high = plane + nears.base[x / 4 + 1];
        for (int p = 0; p < pairs; ++p) {
            const __m256i bytes = _mm256_inserti128_si256(
                _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low + 2 * p))),
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(high + 2 * p)), 1);
            const __m256i weights = _mm256_load_si256(reinterpret_cast<const __m256i*>(nears.weights + p * width + x));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, shuffle), weights));
        }
        return sum;
    }

    void resize_far(const uint8_t* plane, int16_t* to) const {
        const int taps = table_.axis.taps;
        const int shift = row_shift(table_.axis);
        for (int64_t x = 0; x < target_; ++x) {
            const uint8_t* const from = plane + table_.first[x];
            const int16_t* const weights = table_.weights + x * taps;
            int32_t sum = 0;
            for (int i = 0; i < taps; ++i) sum += from[i] * weights[i];
            const int64_t within = x & 15;
            const bool is_middle = within >= 4 && within < 12;
            to[x - within + (is_middle ? within ^ 12 : within)] = static_cast<int16_t>(round_row(sum, shift));
        }
    }

    const TapTable& table_;
    int64_t target_;
    bool is_near_;
    int* base_;         // of each four, the first source pixel
    int8_t* shuffles_;  // of each target pixel, 4 bytes: its first two taps from there, as 16 bits
    int32_t* pairs_;    // two weights of each target pixel, then the next two
};

// A row of floats of pairs of rows and their weights; kPairs is 0 where it is not known.
template <int kPairs>
inline void resize_pairs(const int16_t* const* rows, const int16_t* weights, int count, int64_t width, float unit,
                         float* to) {
    const int pairs = kPairs > 0 ? kPairs : count;
    const int16_t* kept[kPairs > 0 ? 2 * kPairs : 1];
    if constexpr (kPairs > 0) {
        for (int i = 0; i < 2 * kPairs; ++i) kept[i] = rows[i];
        rows = kept;
    }
    const __m256 scale = _mm256_set1_ps(unit);
    for (int64_t x = 0; x < width; x += 16) {
        __m256i low = _mm256_setzero_si256(), high = low;
        for (int p = 0; p < pairs; ++p) {
            int32_t pair;
            memcpy(&pair, weights + 2 * p, sizeof pair);
            const __m256i by = _mm256_set1_epi32(pair);
            const __m256i a = _mm256_load_si256(reinterpret_cast<const __m256i*>(rows[2 * p] + x));
            const __m256i b = _mm256_load_si256(reinterpret_cast<const __m256i*>(rows[2 * p + 1] + x));
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), by));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), by));
        }
        _mm256_store_ps(to + x, _mm256_mul_ps(_mm256_cvtepi32_ps(low), scale));
        _mm256_store_ps(to + x + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(high), scale));
    }
}

inline void resize_column(const int16_t* const* rows, const int16_t* weights, int pairs, int64_t width, float unit,
                          float* to) {
    switch (pairs) {
        case 1:
            return resize_pairs<1>(rows, weights, pairs, width, unit, to);
        case 2:
            return resize_pairs<2>(rows, weights, pairs, width, unit, to);
        default:
            return resize_pairs<0>(rows, weights, pairs, width, unit, to);
    }
}

#else

inline void split_channels(const uint8_t* row, int64_t width, uint8_t* const planes[3]) {
    for (int64_t x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c) planes[c][x] = row[3 * x + c];
}

class RowResizer {
  public:
    RowResizer(const TapTable& table, int64_t target, Workspace&) : table_(table), target_(target) {}

    void operator()(const uint8_t* plane, int16_t* to) const {
        const int taps = table_.axis.taps;
        const int shift = row_shift(table_.axis);
        for (int64_t x = 0; x < target_; ++x) {
            const uint8_t* const from = plane + table_.first[x];
            const int16_t* const weights = table_.weights + x * taps;
            int32_t sum = 0;
            for (int i = 0; i < taps; ++i) sum += from[i] * weights[i];
            to[x] = static_cast<int16_t>(round_row(sum, shift));
        }
    }

  private:
    const TapTable& table_;
    int64_t target_;
};

inline void resize_column(const int16_t* const* rows, const int16_t* weights, int pairs, int64_t width, float unit,
                          float* to) {
    for (int64_t x = 0; x < width; ++x) {
        int32_t sum = 0;
        for (int i = 0; i < 2 * pairs; ++i) sum += rows[i][x] * weights[i];
        to[x] = static_cast<float>(sum) * unit;
    }
}

#endif

// Gives one row of the resized crop after another.
class Resizer {
  public:
    Resizer(const ImageSource& source, const ImageIntegers& draws, const ImageTarget& target, Workspace& space)
        : source_(source),
          draws_(draws),
          width_(padded(target.width)),
          columns_(draws.width, target.width, draws.is_flipped != 0, space),
          rows_(draws.height, target.height, false, space),
          resize_row_(columns_, target.width, space) {
        const int64_t bytes = draws.width + columns_.axis.taps + 32;
        for (auto& plane : planes_) {
            plane = space.take<uint8_t>(bytes);
            memset(plane, 0, static_cast<size_t>(bytes));
        }
        kept_ = rows_.axis.taps;
        ring_ = space.take<int16_t>(kept_ * 3 * width_);
        memset(ring_, 0, static_cast<size_t>(kept_ * 3 * width_) * sizeof(int16_t));
        taps_ = space.take<const int16_t*>(kept_);
    }

    // Row `y` of three planes, y one more at each call; padded to a multiple of kPadded.
    void next(int64_t y, float* const to[3]) {
        const int taps = rows_.axis.taps;
        const int64_t first = rows_.first[y];
        const int64_t end = std::min<int64_t>(first + taps, draws_.height);
        for (; ready_ < end; ++ready_) {
            if (ready_ >= first) resize_source_row(ready_);
        }
        const float unit = unit_of_column(rows_.axis);
        const int64_t slot = static_cast<uint32_t>(first) % static_cast<uint32_t>(kept_);
        for (int c = 0; c < 3; ++c) {
            for (int i = 0; i < taps; ++i) {
                const int64_t at = slot + i < kept_ ? slot + i : slot + i - kept_;
                taps_[i] = ring_ + (3 * at + c) * width_;
            }
            resize_column(taps_, rows_.weights + y * taps, taps / 2, width_, unit, to[c]);
        }
    }

  private:
    void resize_source_row(int64_t row) {
        const uint8_t* const from =
            source_.pixels + (draws_.top + row) * source_.row_step + draws_.left * source_.column_step;
        if (source_.column_step == 3) {
            split_channels(from, draws_.width, planes_);
        } else {
            for (int c = 0; c < 3; ++c)
                memcpy(planes_[c], from + c * source_.channel_step, static_cast<size_t>(draws_.width));
        }
        const int64_t slot = static_cast<uint32_t>(row) % static_cast<uint32_t>(kept_);
        for (int c = 0; c < 3; ++c) resize_row_(planes_[c], ring_ + (3 * slot + c) * width_);
    }

    const ImageSource& source_;
    const ImageIntegers& draws_;
    int64_t width_;
    TapTable columns_;
    TapTable rows_;
    RowResizer resize_row_;
    uint8_t* planes_[3];
    int64_t kept_;
    int16_t* ring_;
    const int16_t** taps_;
    int64_t ready_ = 0;  // source rows before it are, or were, in the ring
};

// Bytes that a Resizer takes of a workspace.
inline int64_t resizer_room(int64_t crop_height, int64_t crop_width, int64_t height, int64_t width) {
    const int64_t column_taps = axis_of(crop_width, width).taps, row_taps = axis_of(crop_height, height).taps;
    const int64_t row = padded(width);
    return 4 * (width + height) + 2 * (width * column_taps + height * row_taps) + 5 * row + 2 * row * column_taps +
           3 * (crop_width + column_taps + 32) + row_taps * (6 * row + 8) + 64 * 16;
}

}  // namespace WITHIN_ISA
}  // namespace within
