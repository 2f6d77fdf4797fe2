// Sorting of unsigned keys, with what belongs to them, by their digits from the lowest (Knuth, "The Art of Computer
// Programming", 5.2.5). It is stable, so its result depends on no number of threads, nor on how wide a digit is.
#pragma once

#include "core/standard.h"
//
#include "metrics/ordered_bits.h"

namespace within {

constexpr int kMostDigitBits = 11;
constexpr int kMostPasses = 8;  // of 8 bits each in a key of 64

// What is carried along with a key where nothing is.
struct NoPayload {};

// Keys and what belongs to them, place by place; `payload` is null where that is nothing.
template <typename Key, typename Payload>
struct Records {
    Key* keys;
    Payload* payload;
};

inline namespace WITHIN_ISA {

// How bits [first, last) of a key are cut into digits, the last of which may be narrower.
struct Digits {
    int first;
    int last;
    int width;
    int passes;

    Digits(int first, int last, int most_bits) : first(first), last(last) {
        passes = (last - first + most_bits - 1) / most_bits;
        width = (last - first + passes - 1) / passes;
    }
    int64_t values() const { return int64_t{1} << width; }
    int shift(int pass) const { return first + pass * width; }
    uint32_t mask(int pass) const { return (1u << std::min(width, last - shift(pass))) - 1; }
};

template <typename Key>
uint32_t digit_of(Key key, int shift, uint32_t mask) {
    return static_cast<uint32_t>(key >> shift) & mask;
}

template <typename Key, typename Count>
void count_digits(const Key* keys, int64_t begin, int64_t end, const Digits& digits, int pass, Count* counts) {
    const int shift = digits.shift(pass);
    const uint32_t mask = digits.mask(pass);
    for (int64_t i = begin; i < end; ++i) ++counts[digit_of(keys[i], shift, mask)];
}

// Where each digit's first record goes, from how many there are; false where all are of one digit, and lie right.
template <typename Count>
bool starts_of_digits(Count* counts, int64_t values, int64_t count) {
    Count at = 0;
    bool is_one = false;
    for (int64_t digit = 0; digit < values; ++digit) {
        const Count here = counts[digit];
        is_one |= static_cast<int64_t>(here) == count;
        counts[digit] = at;
        at += here;
    }
    return !is_one;
}

template <typename Key, typename Payload, typename Count>
void move_by_digit(const Records<Key, Payload>& from, int64_t begin, int64_t end, const Digits& digits, int pass,
                   Count* next, const Records<Key, Payload>& to) {
    const int shift = digits.shift(pass);
    const uint32_t mask = digits.mask(pass);
    for (int64_t i = begin; i < end; ++i) {
        const Key key = from.keys[i];
        const Count at = next[digit_of(key, shift, mask)]++;
        to.keys[at] = key;
        if constexpr (!std::is_same_v<Payload, NoPayload>) to.payload[at] = from.payload[i];
    }
}

template <typename Key, typename Payload>
void insertion_sort(const Records<Key, Payload>& records, int64_t count, int first, int last) {
    const Key mask = static_cast<Key>(~uint64_t{0} >> (64 - (last - first))) << first;
    for (int64_t i = 1; i < count; ++i) {
        const Key key = records.keys[i];
        Payload payload{};
        if constexpr (!std::is_same_v<Payload, NoPayload>) payload = records.payload[i];
        int64_t at = i;
        for (; at > 0 && (records.keys[at - 1] & mask) > (key & mask); --at) {
            records.keys[at] = records.keys[at - 1];
            if constexpr (!std::is_same_v<Payload, NoPayload>) records.payload[at] = records.payload[at - 1];
        }
        records.keys[at] = key;
        if constexpr (!std::is_same_v<Payload, NoPayload>) records.payload[at] = payload;
    }
}

// Whether keys lie in the order of bits [first, last) already, as those of rows sorted beforehand do.
template <typename Key>
bool is_sorted(const Key* keys, int64_t count, int first, int last) {
    const Key mask = static_cast<Key>(~uint64_t{0} >> (64 - (last - first))) << first;
    for (int64_t i = 1; i < count; ++i)
        if ((keys[i - 1] & mask) > (keys[i] & mask)) return false;
    return true;
}

// Sorts fewer than 2^32 records by bits [first, last) of their keys, upwards; says which of the two places they lie in
// then.
template <typename Key, typename Payload>
Records<Key, Payload> sort_records(Records<Key, Payload> records, Records<Key, Payload> scratch, int64_t count,
                                   int first, int last) {
    if (count <= 48) {
        insertion_sort(records, count, first, last);
        return records;
    }
    if (is_sorted(records.keys, count, first, last)) return records;
    const Digits digits(first, last, count < 1500 ? 8 : kMostDigitBits);
    uint32_t counts[kMostPasses << kMostDigitBits];
    memset(counts, 0, sizeof(uint32_t) * digits.passes * digits.values());
    for (int pass = 0; pass < digits.passes; ++pass)
        count_digits(records.keys, 0, count, digits, pass, counts + pass * digits.values());
    for (int pass = 0; pass < digits.passes; ++pass) {
        uint32_t* const next = counts + pass * digits.values();
        if (!starts_of_digits(next, digits.values(), count)) continue;
        move_by_digit(records, 0, count, digits, pass, next, scratch);
        std::swap(records, scratch);
    }
    return records;
}

}  // namespace WITHIN_ISA
}  // namespace within
