// Stands in for the CUDA runtime where g++ compiles kernels for the tests.
//
// A source that is compiled by it runs on the CPU thread by thread (emulator/runtime.cpp). What is here has the names
// and the meaning that CUDA gives them; what is not here does not compile, so kernels keep to what is known to give the
// same bits. Test builds set WITHIN_ISA=emulated.
#pragma once

#if !defined(WITHIN_ISA)
#define WITHIN_ISA emulated
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "emulator/runtime.h"

// A kernel is local to its source, so that AddressSanitizer guards its shared memory; templates elsewhere are not.
#define __global__ [[maybe_unused]] static __attribute__((noinline))
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
// The segment of thread-local variables holds shared memory and nothing else, so that it can be poisoned and watched.
#if defined(__SANITIZE_ADDRESS__)
#define __shared__ static
#else
#define __shared__ static __thread
#endif

#define WITHIN_LAUNCH(kernel, blocks, threads, shared_bytes, stream, ...) \
    ::within::emulator::launch_kernel(#kernel, kernel, blocks, threads, shared_bytes, stream __VA_OPT__(, ) __VA_ARGS__)
#define WITHIN_SHARED(type, name) type* name = static_cast<type*>(::within::emulator::dynamic_shared())

// ---- types ----

#define WITHIN_VECTORS(type, name, align2, align4)                                     \
    struct name##1 { type x; };                                                        \
    struct alignas(align2) name##2 { type x, y; };                                     \
    struct name##3 { type x, y, z; };                                                  \
    struct alignas(align4) name##4 { type x, y, z, w; };                               \
    static inline name##1 make_##name##1(type x) { return {x}; }                       \
    static inline name##2 make_##name##2(type x, type y) { return {x, y}; }            \
    static inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
    static inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
WITHIN_VECTORS(signed char, char, 2, 4)
WITHIN_VECTORS(unsigned char, uchar, 2, 4)
WITHIN_VECTORS(short, short, 4, 8)
WITHIN_VECTORS(unsigned short, ushort, 4, 8)
WITHIN_VECTORS(int, int, 8, 16)
WITHIN_VECTORS(unsigned, uint, 8, 16)
WITHIN_VECTORS(long long, longlong, 16, 16)
WITHIN_VECTORS(unsigned long long, ulonglong, 16, 16)
WITHIN_VECTORS(float, float, 8, 16)
WITHIN_VECTORS(double, double, 16, 16)
#undef WITHIN_VECTORS

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// The runtime writes them whenever another thread goes on.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

using cudaStream_t = struct CUstream_st*;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };
enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9
};
enum cudaDeviceAttr { cudaDevAttrMaxSharedMemoryPerBlockOptin = 97, cudaDevAttrMultiProcessorCount = 16 };

// ---- the runtime's calls that launchers need ----

// Streams have one order here: what is asked for is done at once.
static inline cudaError_t cudaMemsetAsync(void* target, int value, size_t bytes, cudaStream_t = nullptr) {
    if (!within::emulator::may_touch(target, bytes, true)) return cudaErrorInvalidValue;
    std::memset(target, value, bytes);
    return cudaSuccess;
}
static inline cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes, cudaMemcpyKind,
                                          cudaStream_t = nullptr) {
    if (!within::emulator::may_touch(target, bytes, true) || !within::emulator::may_touch(source, bytes, false))
        return cudaErrorInvalidValue;
    std::memcpy(target, source, bytes);
    return cudaSuccess;
}
static inline cudaError_t cudaGetLastError() { return cudaSuccess; }
static inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
static inline const char* cudaGetErrorString(cudaError_t) { return "no error"; }
static inline cudaError_t cudaGetDevice(int* device) {
    *device = 0;
    return cudaSuccess;
}
static inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
    *value = which == cudaDevAttrMultiProcessorCount ? 3 : 227 * 1024;
    return cudaSuccess;
}
template <typename Kernel>
static inline cudaError_t cudaFuncSetAttribute(Kernel*, cudaFuncAttribute which, int value) {
    if (which == cudaFuncAttributeMaxDynamicSharedMemorySize) within::emulator::allow_shared(value);
    return cudaSuccess;
}

namespace within {
namespace emulator {

// Sizes as they were asked for: CUDA would cut a number of 64 bits silently.
inline std::array<int64_t, 3> extents(dim3 size) { return {size.x, size.y, size.z}; }
template <typename T>
    requires std::is_integral_v<T>
std::array<int64_t, 3> extents(T size) {
    return {static_cast<int64_t>(size), 1, 1};
}

template <typename... Parameters, typename Blocks, typename Threads, typename... Arguments>
void launch_kernel(const char* name, void (*kernel)(Parameters...), Blocks blocks, Threads threads, size_t shared_bytes,
                   cudaStream_t, Arguments&&... arguments) {
    struct Closure {
        void (*kernel)(Parameters...);
        std::tuple<Parameters...> arguments;
    };
    const Closure closure{kernel, std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)};
    const auto call = [](const void* at) {
        const Closure& mine = *static_cast<const Closure*>(at);
        std::apply(mine.kernel, mine.arguments);
    };
    launch({name, extents(blocks), extents(threads), shared_bytes, call, &closure, sizeof closure});
}

// ---- what lanes bring to a meeting, as 64 bits ----

template <typename T>
uint64_t to_bits(T value) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

template <typename T>
T from_bits(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <typename T>
T shuffle(uint32_t mask, T value, int source, Place place) {
    return from_bits<T>(read_lane(mask, to_bits(value), source, place));
}

// An atomic operation: what was there before.
template <typename T, typename Change>
__attribute__((no_sanitize_thread, noinline)) T atomic(T* address, Change change) {
    atomic_access(address, sizeof(T), __builtin_return_address(0));
    const T before = *address;
    *address = change(before);
    return before;
}

// CUDA's conversions of numbers to integers: out of range gives the nearest; NaN gives 0, with 64 bits on either side
// the lowest of the signed type.
template <typename To, typename From>
To to_integer(From rounded) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(rounded))
        return sizeof(To) < 8 && sizeof(From) < 8 ? To{0} : static_cast<To>(To{1} << (8 * sizeof(To) - 1));
    if (rounded <= static_cast<From>(Limits::min())) return Limits::min();
    // 2^bits, which From holds exactly
    const From end = std::ldexp(From{1}, Limits::digits);
    return rounded >= end ? Limits::max() : static_cast<To>(rounded);
}

}  // namespace emulator
}  // namespace within

#define WITHIN_HERE \
    ::within::emulator::Place { file, line }
#define WITHIN_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

// ---- barriers ----

static inline void __syncthreads(WITHIN_PLACE) { within::emulator::meet_block(false, WITHIN_HERE); }
static inline int __syncthreads_count(int vote, WITHIN_PLACE) {
    return within::emulator::meet_block(vote != 0, WITHIN_HERE).count;
}
static inline int __syncthreads_or(int vote, WITHIN_PLACE) {
    return within::emulator::meet_block(vote != 0, WITHIN_HERE).any;
}
static inline int __syncthreads_and(int vote, WITHIN_PLACE) {
    return within::emulator::meet_block(vote != 0, WITHIN_HERE).all;
}
static inline void __syncwarp(unsigned mask = 0xffffffffu, WITHIN_PLACE) {
    within::emulator::meet_warp(mask, WITHIN_HERE);
}
static inline void __threadfence() { within::emulator::fence(); }
static inline void __threadfence_block() {}
static inline void __threadfence_system() { within::emulator::fence(); }
static inline void __nanosleep(unsigned) { within::emulator::yield(); }
[[noreturn]] static inline void __trap(WITHIN_PLACE) { within::emulator::trap(WITHIN_HERE); }

// ---- warps ----

template <typename T>
static inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, WITHIN_PLACE) {
    const int first = within::emulator::lane() & ~(width - 1);
    return within::emulator::shuffle(mask, value, first + (source & (width - 1)), WITHIN_HERE);
}
template <typename T>
static inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, WITHIN_PLACE) {
    const int lane = within::emulator::lane(), source = lane - static_cast<int>(delta);
    return within::emulator::shuffle(mask, value, source < (lane & ~(width - 1)) ? lane : source, WITHIN_HERE);
}
template <typename T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, WITHIN_PLACE) {
    const int lane = within::emulator::lane(), source = lane + static_cast<int>(delta);
    return within::emulator::shuffle(mask, value, source > (lane | (width - 1)) ? lane : source, WITHIN_HERE);
}
template <typename T>
static inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, WITHIN_PLACE) {
    const int lane = within::emulator::lane(), source = lane ^ lanes;
    return within::emulator::shuffle(mask, value, source > (lane | (width - 1)) ? lane : source, WITHIN_HERE);
}
static inline unsigned __ballot_sync(unsigned mask, int vote, WITHIN_PLACE) {
    return within::emulator::equal_lanes(mask, vote != 0, 1, WITHIN_HERE);
}
static inline int __any_sync(unsigned mask, int vote, WITHIN_PLACE) {
    return __ballot_sync(mask, vote, file, line) != 0;
}
static inline int __all_sync(unsigned mask, int vote, WITHIN_PLACE) {
    return __ballot_sync(mask, vote == 0, file, line) == 0;
}
// Nothing promises that other lanes are at the same place; this one is.
static inline unsigned __activemask() { return 1u << within::emulator::lane(); }
template <typename T>
static inline unsigned __match_any_sync(unsigned mask, T value, WITHIN_PLACE) {
    const uint64_t bits = within::emulator::to_bits(value);
    return within::emulator::equal_lanes(mask, bits, bits, WITHIN_HERE);
}
template <typename T>
static inline unsigned __match_all_sync(unsigned mask, T value, int* all, WITHIN_PLACE) {
    *all = __match_any_sync(mask, value, file, line) == mask;
    return *all ? mask : 0;
}

#define WITHIN_REDUCE(name, type, combine)                                                          \
    static inline type name(unsigned mask, type value, WITHIN_PLACE) {                              \
        const auto both = [](uint64_t x, uint64_t y) {                                              \
            const type a = static_cast<type>(x), b = static_cast<type>(y);                          \
            return static_cast<uint64_t>(static_cast<unsigned>(combine));                           \
        };                                                                                          \
        return static_cast<type>(                                                                   \
            within::emulator::reduce_lanes(mask, static_cast<unsigned>(value), both, WITHIN_HERE)); \
    }
WITHIN_REDUCE(__reduce_add_sync, unsigned, a + b)
WITHIN_REDUCE(__reduce_add_sync, int, static_cast<unsigned>(a) + static_cast<unsigned>(b))
WITHIN_REDUCE(__reduce_min_sync, unsigned, a < b ? a : b)
WITHIN_REDUCE(__reduce_min_sync, int, a < b ? a : b)
WITHIN_REDUCE(__reduce_max_sync, unsigned, a > b ? a : b)
WITHIN_REDUCE(__reduce_max_sync, int, a > b ? a : b)
WITHIN_REDUCE(__reduce_and_sync, unsigned, a& b)
WITHIN_REDUCE(__reduce_or_sync, unsigned, a | b)
WITHIN_REDUCE(__reduce_xor_sync, unsigned, a ^ b)
#undef WITHIN_REDUCE

// ---- atomics, for the types that CUDA has them for ----

#define WITHIN_ATOMIC(name, type, after)                                                                  \
    static __forceinline__ type name(type* address, type value) {                                         \
        return within::emulator::atomic(address, [value](type old) { return static_cast<type>(after); }); \
    }                                                                                                     \
    static __forceinline__ type name##_block(type* address, type value) { return name(address, value); }
WITHIN_ATOMIC(atomicAdd, int, static_cast<unsigned>(old) + static_cast<unsigned>(value))
WITHIN_ATOMIC(atomicAdd, unsigned, old + value)
WITHIN_ATOMIC(atomicAdd, unsigned long long, old + value)
WITHIN_ATOMIC(atomicAdd, float, old + value)
WITHIN_ATOMIC(atomicAdd, double, old + value)
WITHIN_ATOMIC(atomicSub, int, static_cast<unsigned>(old) - static_cast<unsigned>(value))
WITHIN_ATOMIC(atomicSub, unsigned, old - value)
WITHIN_ATOMIC(atomicExch, int, value)
WITHIN_ATOMIC(atomicExch, unsigned, value)
WITHIN_ATOMIC(atomicExch, unsigned long long, value)
WITHIN_ATOMIC(atomicExch, float, value)
WITHIN_ATOMIC(atomicMin, int, value < old ? value : old)
WITHIN_ATOMIC(atomicMin, unsigned, value < old ? value : old)
WITHIN_ATOMIC(atomicMin, long long, value < old ? value : old)
WITHIN_ATOMIC(atomicMin, unsigned long long, value < old ? value : old)
WITHIN_ATOMIC(atomicMax, int, value > old ? value : old)
WITHIN_ATOMIC(atomicMax, unsigned, value > old ? value : old)
WITHIN_ATOMIC(atomicMax, long long, value > old ? value : old)
WITHIN_ATOMIC(atomicMax, unsigned long long, value > old ? value : old)
WITHIN_ATOMIC(atomicAnd, int, old& value)
WITHIN_ATOMIC(atomicAnd, unsigned, old& value)
WITHIN_ATOMIC(atomicAnd, unsigned long long, old& value)
WITHIN_ATOMIC(atomicOr, int, old | value)
WITHIN_ATOMIC(atomicOr, unsigned, old | value)
WITHIN_ATOMIC(atomicOr, unsigned long long, old | value)
WITHIN_ATOMIC(atomicXor, int, old ^ value)
WITHIN_ATOMIC(atomicXor, unsigned, old ^ value)
WITHIN_ATOMIC(atomicXor, unsigned long long, old ^ value)
WITHIN_ATOMIC(atomicInc, unsigned, old >= value ? 0 : old + 1)
WITHIN_ATOMIC(atomicDec, unsigned, old == 0 || old > value ? value : old - 1)
#undef WITHIN_ATOMIC

#define WITHIN_SWAP(type)                                                                                       \
    static __forceinline__ type atomicCAS(type* address, type expected, type value) {                           \
        return within::emulator::atomic(                                                                        \
            address, [expected, value](type old) { return static_cast<type>(old == expected ? value : old); }); \
    }
WITHIN_SWAP(int)
WITHIN_SWAP(unsigned)
WITHIN_SWAP(unsigned short)
WITHIN_SWAP(unsigned long long)
#undef WITHIN_SWAP

// ---- integers ----

static inline int __popc(unsigned x) { return std::popcount(x); }
static inline int __popcll(unsigned long long x) { return std::popcount(x); }
static inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
static inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int i = 0; i < 32; ++i) reversed |= ((x >> i) & 1u) << (31 - i);
    return reversed;
}
static inline unsigned long long __brevll(unsigned long long x) {
    return (static_cast<unsigned long long>(__brev(static_cast<unsigned>(x))) << 32) |
           __brev(static_cast<unsigned>(x >> 32));
}
static inline int __mulhi(int x, int y) { return static_cast<int>((static_cast<int64_t>(x) * y) >> 32); }
static inline unsigned __umulhi(unsigned x, unsigned y) {
    return static_cast<unsigned>((static_cast<uint64_t>(x) * y) >> 32);
}
static inline long long __mul64hi(long long x, long long y) {
    return static_cast<long long>((static_cast<__int128>(x) * y) >> 64);
}
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(x) * y) >> 64);
}
static inline unsigned __umul24(unsigned x, unsigned y) { return (x & 0xffffffu) * (y & 0xffffffu); }
static inline int __mul24(int x, int y) {
    const auto low = [](int a) { return static_cast<int>(static_cast<unsigned>(a) << 8) >> 8; };
    return static_cast<int>(static_cast<unsigned>(low(x)) * static_cast<unsigned>(low(y)));
}
static inline unsigned __usad(unsigned x, unsigned y, unsigned z) { return (x > y ? x - y : y - x) + z; }
static inline unsigned __sad(int x, int y, unsigned z) {
    return static_cast<unsigned>(std::abs(static_cast<int64_t>(x) - y)) + z;
}
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    return static_cast<unsigned>(((static_cast<uint64_t>(high) << 32 | low) << (shift & 31)) >> 32);
}
static inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) >> (shift & 31));
}
static inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const uint64_t bytes = static_cast<uint64_t>(y) << 32 | x;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned which = (selector >> (4 * i)) & 15;
        unsigned byte = static_cast<unsigned>(bytes >> (8 * (which & 7))) & 0xff;
        if (which & 8) byte = byte & 0x80 ? 0xff : 0;
        result |= byte << (8 * i);
    }
    return result;
}
static inline int __dp4a(int x, int y, int sum) {
    unsigned total = static_cast<unsigned>(sum);
    for (int i = 0; i < 32; i += 8) total += static_cast<unsigned>(int8_t(x >> i) * int8_t(y >> i));
    return static_cast<int>(total);
}
static inline unsigned __dp4a(unsigned x, unsigned y, unsigned sum) {
    for (int i = 0; i < 32; i += 8) sum += ((x >> i) & 0xff) * ((y >> i) & 0xff);
    return sum;
}

// ---- numbers: what IEEE 754 fixes ----

#define WITHIN_BITS(name, to, from) \
    static inline to name(from x) { return std::bit_cast<to>(x); }
WITHIN_BITS(__float_as_uint, unsigned, float)
WITHIN_BITS(__float_as_int, int, float)
WITHIN_BITS(__uint_as_float, float, unsigned)
WITHIN_BITS(__int_as_float, float, int)
WITHIN_BITS(__double_as_longlong, long long, double)
WITHIN_BITS(__longlong_as_double, double, long long)
#undef WITHIN_BITS
static inline int __double2hiint(double x) { return static_cast<int>(__double_as_longlong(x) >> 32); }
static inline int __double2loint(double x) { return static_cast<int>(__double_as_longlong(x)); }
static inline double __hiloint2double(int high, int low) {
    return __longlong_as_double(
        static_cast<long long>(static_cast<uint64_t>(static_cast<unsigned>(high)) << 32 | static_cast<unsigned>(low)));
}

static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsub_rn(float x, float y) { return x - y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __frcp_rn(float x) { return 1.0f / x; }
static inline float __fsqrt_rn(float x) { return std::sqrt(x); }
static inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dsub_rn(double x, double y) { return x - y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __ddiv_rn(double x, double y) { return x / y; }
static inline double __drcp_rn(double x) { return 1.0 / x; }
static inline double __dsqrt_rn(double x) { return std::sqrt(x); }
static inline double __fma_rn(double x, double y, double z) { return std::fma(x, y, z); }

#define WITHIN_CONVERT(from, name, to, target)                                                                        \
    static inline to __##name##2##target##_rn(from x) { return within::emulator::to_integer<to>(std::nearbyint(x)); } \
    static inline to __##name##2##target##_rz(from x) { return within::emulator::to_integer<to>(std::trunc(x)); }     \
    static inline to __##name##2##target##_rd(from x) { return within::emulator::to_integer<to>(std::floor(x)); }     \
    static inline to __##name##2##target##_ru(from x) { return within::emulator::to_integer<to>(std::ceil(x)); }
WITHIN_CONVERT(float, float, int, int)
WITHIN_CONVERT(float, float, unsigned, uint)
WITHIN_CONVERT(float, float, long long, ll)
WITHIN_CONVERT(float, float, unsigned long long, ull)
WITHIN_CONVERT(double, double, int, int)
WITHIN_CONVERT(double, double, unsigned, uint)
WITHIN_CONVERT(double, double, long long, ll)
WITHIN_CONVERT(double, double, unsigned long long, ull)
#undef WITHIN_CONVERT
static inline float __int2float_rn(int x) { return static_cast<float>(x); }
static inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
static inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
static inline float __ull2float_rn(unsigned long long x) { return static_cast<float>(x); }
static inline double __int2double_rn(int x) { return x; }
static inline double __uint2double_rn(unsigned x) { return x; }
static inline double __ll2double_rn(long long x) { return static_cast<double>(x); }
static inline double __ull2double_rn(unsigned long long x) { return static_cast<double>(x); }
static inline float __double2float_rn(double x) { return static_cast<float>(x); }

// CUDA's global min and max.
#define WITHIN_EXTREMA(type)                                         \
    static inline type min(type x, type y) { return y < x ? y : x; } \
    static inline type max(type x, type y) { return x < y ? y : x; }
WITHIN_EXTREMA(int)
WITHIN_EXTREMA(unsigned)
WITHIN_EXTREMA(long)
WITHIN_EXTREMA(unsigned long)
WITHIN_EXTREMA(long long)
WITHIN_EXTREMA(unsigned long long)
#undef WITHIN_EXTREMA
static inline float min(float x, float y) { return std::fmin(x, y); }
static inline float max(float x, float y) { return std::fmax(x, y); }
static inline double min(double x, double y) { return std::fmin(x, y); }
static inline double max(double x, double y) { return std::fmax(x, y); }

// ---- memory with a hint, which changes nothing here ----

#define WITHIN_LOAD(name)               \
    template <typename T>               \
    static inline T name(const T* at) { \
        return *at;                     \
    }
WITHIN_LOAD(__ldg)
WITHIN_LOAD(__ldca)
WITHIN_LOAD(__ldcg)
WITHIN_LOAD(__ldcs)
WITHIN_LOAD(__ldcv)
WITHIN_LOAD(__ldlu)
#undef WITHIN_LOAD
#define WITHIN_STORE(name)                    \
    template <typename T>                     \
    static inline void name(T* at, T value) { \
        *at = value;                          \
    }
WITHIN_STORE(__stwb)
WITHIN_STORE(__stcg)
WITHIN_STORE(__stcs)
WITHIN_STORE(__stwt)
#undef WITHIN_STORE

#undef WITHIN_HERE
#undef WITHIN_PLACE
