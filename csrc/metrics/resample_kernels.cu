// A bootstrap's resamples; no function of theirs is a template.
#include "metrics/resample.cuh"
