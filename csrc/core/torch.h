// What sources take of torch: the first include of each, so that a header compiled once serves them all (setup.py).
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
