// Kernels that show what the emulator does and finds; right ones, and wrong ones.
#include "interface.h"

namespace {

constexpr int kThreads = 128;

// ---- right ----

// Sums a block's values, each thread one: a tree in shared memory whose barriers can be left out one by one.
template <int Missing>
__global__ void tree_sum(const int* values, int* sums, int64_t count) {
    __shared__ int partial[kThreads];
    __shared__ int kept[2];
    const int thread = threadIdx.x;
    const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + thread;
    partial[thread] = at < count ? values[at] : 0;
    if constexpr (Missing != 1) __syncthreads();
    for (int half = kThreads / 2; half > 0; half /= 2) {
        const int other = thread < half ? partial[thread + half] : 0;
        if constexpr (Missing != 2) __syncthreads();
        partial[thread] += other;
        if constexpr (Missing != 3) __syncthreads();
    }
    if (thread == kThreads - 1) kept[1] = partial[0];
    if constexpr (Missing != 4) __syncthreads();
    if (thread == 0) sums[blockIdx.x] = kept[1];
}

// An inclusive scan in dynamic shared memory, through shuffles in a warp and a scan of the warps' sums.
template <typename T>
__global__ void scan(const T* values, T* scanned, int count) {
    WITHIN_SHARED(T, warp_sums);
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32, warps = blockDim.x / 32;
    T sum = thread < count ? values[thread] : T(0);
    for (int delta = 1; delta < 32; delta *= 2) {
        const T before = __shfl_up_sync(0xffffffffu, sum, delta);
        if (lane >= delta) sum += before;
    }
    if (lane == 31) warp_sums[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        T total = lane < warps ? warp_sums[lane] : T(0);
        for (int delta = 1; delta < 32; delta *= 2) {
            const T before = __shfl_up_sync(0xffffffffu, total, delta);
            if (lane >= delta) total += before;
        }
        if (lane < warps) warp_sums[lane] = total;
    }
    __syncthreads();
    if (thread < count) scanned[thread] = sum + (warp > 0 ? warp_sums[warp - 1] : T(0));
}

// A row of what each warp operation gives to each lane, for lanes that are all there.
__global__ void warp_operations(const int* values, int* results) {
    const int thread = threadIdx.x, n = blockDim.x;
    const int value = values[thread];
    int* row = results + thread;
    row[0 * n] = __shfl_sync(0xffffffffu, value, value & 31);
    row[1 * n] = __shfl_up_sync(0xffffffffu, value, 3);
    row[2 * n] = __shfl_down_sync(0xffffffffu, value, 5, 16);
    row[3 * n] = __shfl_xor_sync(0xffffffffu, value, 9);
    row[4 * n] = static_cast<int>(__ballot_sync(0xffffffffu, value & 1));
    row[5 * n] = __any_sync(0xffffffffu, value == 77);
    row[6 * n] = __all_sync(0xffffffffu, value >= 0);
    row[7 * n] = static_cast<int>(__match_any_sync(0xffffffffu, value % 3));
    row[8 * n] = static_cast<int>(__reduce_add_sync(0xffffffffu, value));
    row[9 * n] = __reduce_max_sync(0xffffffffu, value);
    row[10 * n] = __syncthreads_count(value & 1);
    row[11 * n] = __syncthreads_or(value == 77);
    row[12 * n] = __syncthreads_and(value >= 0);
    // Two halves of a warp that meet by themselves.
    const bool low = thread % 32 < 16;
    const unsigned half = low ? 0x0000ffffu : 0xffff0000u;
    row[13 * n] = low ? __shfl_sync(half, value, 2) : __shfl_sync(half, value, 18);
}

__global__ void atomics(const int* values, int* ints, unsigned long long* longs, float* floats, double* doubles) {
    const int value = values[blockIdx.x * blockDim.x + threadIdx.x];
    atomicAdd(&ints[0], value);
    atomicMin(&ints[1], value);
    atomicMax(&ints[2], value);
    atomicOr(&ints[3], value);
    atomicAnd(&ints[4], value | 0x100);
    atomicXor(&ints[5], value);
    atomicCAS(&ints[6], 0, value);
    atomicExch(&ints[7], value);
    atomicAdd(&longs[0], static_cast<unsigned long long>(value) << 33);
    atomicMax(&longs[1], static_cast<unsigned long long>(value));
    atomicAdd(&floats[0], 1.0f);
    atomicAdd(&doubles[0], 0.5);
}

// A lock that a thread spins on: others must go on meanwhile.
__global__ void lock(int* taken, int* count) {
    for (bool done = false; !done;) {
        if (atomicCAS(taken, 0, 1) == 0) {
            atomicAdd(count, 1);
            atomicExch(taken, 0);
            done = true;
        }
    }
}

// The block that comes last sums what all have written.
template <bool Fence>
__global__ void last_block(const int* values, int* partial, unsigned* arrived, int* sum) {
    __shared__ bool last;
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = values[blockIdx.x] * 2;
        if constexpr (Fence) __threadfence();
        last = atomicAdd(arrived, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 1) {
        int total = 0;
        for (unsigned i = 0; i < gridDim.x; ++i) total += partial[i];
        *sum = total;
    }
}

// Lanes pass values through shared memory, ordered by __syncwarp alone.
template <bool Barrier>
__global__ void through_warp(const int* values, int* turned) {
    __shared__ int kept[kThreads];
    kept[threadIdx.x] = values[threadIdx.x];
    if constexpr (Barrier) __syncwarp();
    turned[threadIdx.x] = kept[threadIdx.x ^ 1];
}

// Threads, blocks and grids of three dimensions, and arguments by value.
struct Scale {
    int by, plus;
};
__global__ void places(int* out, Scale scale) {
    const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] = (block * 1000 + thread) * scale.by + scale.plus;
}

// ---- wrong ----

__global__ void lost_updates(const int* values, int* counts) {
    __shared__ int bins[4];
    if (threadIdx.x < 4) bins[threadIdx.x] = 0;
    __syncthreads();
    bins[values[threadIdx.x] & 3]++;
    __syncthreads();
    if (threadIdx.x < 4) counts[threadIdx.x] = bins[threadIdx.x];
}

__global__ void divergent_barrier(const int* values, int* out) {
    if (values[threadIdx.x] & 1) __syncthreads();
    out[threadIdx.x] = 1;
}

__global__ void two_barriers(const int* values, int* out) {
    if (values[threadIdx.x] & 1) {
        __syncthreads();
        out[threadIdx.x] = 1;
    } else {
        __syncthreads();
        out[threadIdx.x] = 2;
    }
}

__global__ void divergent_shuffle(const int* values, int* out) {
    if (values[threadIdx.x] & 1) out[threadIdx.x] = __shfl_sync(0xffffffffu, values[threadIdx.x], 0);
    __syncthreads();
}

__global__ void blocks_write_one_place(int* out) {
    if (threadIdx.x == 0) out[0] = blockIdx.x;
}

__global__ void endless_wait(int* flag) {
    while (atomicAdd(flag, 0) == 0) {
    }
}

__global__ void write_at(int* out, int64_t at) {
    if (threadIdx.x == 0) out[at] = 1;
}

template <typename T>
__global__ void shared_at(T* out, int64_t at) {
    __shared__ T kept[8];
    T* const place = kept + at;
    *place = 3;
    __syncthreads();
    out[0] = kept[0];
}

__global__ void dynamic_shared_at(int* out, int64_t at) {
    WITHIN_SHARED(int, kept);
    kept[at] = 3;
    __syncthreads();
    out[0] = kept[0];
}

__global__ void unwritten_shared(int* out) {
    __shared__ int kept[kThreads];
    if (blockDim.x != kThreads) kept[threadIdx.x] = 0;  // never, which no compiler knows
    out[threadIdx.x] = kept[threadIdx.x];
}

__global__ void trapping(const int* values) {
    if (values[threadIdx.x] == 5) __trap();
}

}  // namespace

template <int Missing>
void launch_tree_sum(const int* values, int* sums, int64_t count) {
    const int64_t blocks = (count + kThreads - 1) / kThreads;
    WITHIN_LAUNCH((tree_sum<Missing>), blocks, kThreads, 0, nullptr, values, sums, count);
}

WITHIN_EMULATED void run_tree_sum(const int* values, int* sums, int64_t count, int64_t missing) {
    if (missing == 0) launch_tree_sum<0>(values, sums, count);
    if (missing == 1) launch_tree_sum<1>(values, sums, count);
    if (missing == 2) launch_tree_sum<2>(values, sums, count);
    if (missing == 3) launch_tree_sum<3>(values, sums, count);
    if (missing == 4) launch_tree_sum<4>(values, sums, count);
}

template <typename T>
void launch_scan(const T* values, T* scanned, int64_t count) {
    const int threads = static_cast<int>((count + 31) / 32 * 32);
    WITHIN_LAUNCH((scan<T>), 1, threads, threads / 32 * sizeof(T), nullptr, values, scanned, static_cast<int>(count));
}

WITHIN_EMULATED void run_scan_int(const int* values, int* scanned, int64_t count) {
    launch_scan(values, scanned, count);
}
WITHIN_EMULATED void run_scan_double(const double* values, double* scanned, int64_t count) {
    launch_scan(values, scanned, count);
}
WITHIN_EMULATED void run_warp_operations(const int* values, int* results, int64_t threads) {
    WITHIN_LAUNCH(warp_operations, 1, static_cast<unsigned>(threads), 0, nullptr, values, results);
}
WITHIN_EMULATED void run_atomics(const int* values, int* ints, unsigned long long* longs, float* floats,
                                 double* doubles, int64_t blocks) {
    WITHIN_LAUNCH(atomics, static_cast<unsigned>(blocks), kThreads, 0, nullptr, values, ints, longs, floats, doubles);
}
WITHIN_EMULATED void run_lock(int* taken, int* count) { WITHIN_LAUNCH(lock, 3, kThreads, 0, nullptr, taken, count); }
WITHIN_EMULATED void run_last_block(const int* values, int* partial, unsigned* arrived, int* sum, int64_t blocks,
                                    int64_t fence) {
    cudaMemsetAsync(arrived, 0, sizeof *arrived, nullptr);
    const auto grid = static_cast<unsigned>(blocks);
    if (fence)
        WITHIN_LAUNCH((last_block<true>), grid, 32, 0, nullptr, values, partial, arrived, sum);
    else
        WITHIN_LAUNCH((last_block<false>), grid, 32, 0, nullptr, values, partial, arrived, sum);
}
WITHIN_EMULATED void run_through_warp(const int* values, int* turned, int64_t barrier) {
    if (barrier)
        WITHIN_LAUNCH((through_warp<true>), 1, kThreads, 0, nullptr, values, turned);
    else
        WITHIN_LAUNCH((through_warp<false>), 1, kThreads, 0, nullptr, values, turned);
}
WITHIN_EMULATED void run_places(int* out) {
    WITHIN_LAUNCH(places, dim3(2, 3, 2), dim3(4, 2, 3), 0, nullptr, out, Scale{3, 1});
}
WITHIN_EMULATED void run_lost_updates(const int* values, int* counts) {
    WITHIN_LAUNCH(lost_updates, 1, kThreads, 0, nullptr, values, counts);
}
WITHIN_EMULATED void run_divergent_barrier(const int* values, int* out) {
    WITHIN_LAUNCH(divergent_barrier, 1, kThreads, 0, nullptr, values, out);
}
WITHIN_EMULATED void run_two_barriers(const int* values, int* out) {
    WITHIN_LAUNCH(two_barriers, 1, kThreads, 0, nullptr, values, out);
}
WITHIN_EMULATED void run_divergent_shuffle(const int* values, int* out) {
    WITHIN_LAUNCH(divergent_shuffle, 1, kThreads, 0, nullptr, values, out);
}
WITHIN_EMULATED void run_blocks_write_one_place(int* out, int64_t blocks) {
    WITHIN_LAUNCH(blocks_write_one_place, static_cast<unsigned>(blocks), 32, 0, nullptr, out);
}
WITHIN_EMULATED void run_copies(int* out, const int* values, int64_t bytes) {
    cudaMemsetAsync(out, 0xff, 8, nullptr);
    cudaMemcpyAsync(out + 1, values, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, nullptr);
}
WITHIN_EMULATED void run_endless_wait(int* flag) { WITHIN_LAUNCH(endless_wait, 1, 32, 0, nullptr, flag); }
WITHIN_EMULATED void run_write_at(int* out, int64_t at) { WITHIN_LAUNCH(write_at, 1, 32, 0, nullptr, out, at); }
WITHIN_EMULATED void run_shared_at(int* out, int64_t at) { WITHIN_LAUNCH((shared_at<int>), 1, 1, 0, nullptr, out, at); }
WITHIN_EMULATED void run_dynamic_shared_at(int* out, int64_t at) {
    WITHIN_LAUNCH(dynamic_shared_at, 1, 1, 8 * sizeof(int), nullptr, out, at);
}
WITHIN_EMULATED void run_unwritten_shared(int* out) { WITHIN_LAUNCH(unwritten_shared, 1, kThreads, 0, nullptr, out); }
WITHIN_EMULATED void run_trapping(const int* values) { WITHIN_LAUNCH(trapping, 1, kThreads, 0, nullptr, values); }
WITHIN_EMULATED void run_large_launch(int* out, int64_t blocks, int64_t threads, int64_t shared_bytes) {
    WITHIN_LAUNCH(write_at, blocks, threads, static_cast<size_t>(shared_bytes), nullptr, out, int64_t{0});
}
