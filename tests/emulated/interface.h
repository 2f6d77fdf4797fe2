// How the units of this folder are called: functions with C's names that take pointers, int64_t and double.
//
// A unit includes the kernels of one family and calls their launchers, for every type that the operators have. g++
// compiles it with the emulator; nvcc compiles the same file to count registers (benchmarks/gpu/kernels.py).
#pragma once

#include <cstdint>

#include "core/launch.h"

#define WITHIN_EMULATED extern "C" __attribute__((visibility("default")))
