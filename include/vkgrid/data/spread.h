// SPDX-License-Identifier: MIT
// What is said of a number that every image has: mean, median, and how sure the mean is.
#pragma once

#define SPREAD_RESAMPLES 10000 // of the bootstrap

struct spread {
    int count, left_out; // values; and those that are NaN, which count nowhere
    double mean, median; // NaN where there is no value
    double low, high;    // 95% percentile bootstrap interval of the mean; NaN below 2 values
};
// The same values in the same order give the same interval on every machine.
struct spread spread_of(const double *values, int count);

// Of sorted values, count > 0: at `share` (0..1) of the way from the first to the last, linear
// between two, as numpy.percentile has it.
double sorted_quantile(const double *sorted, int count, double share);

int compare_doubles(const void *left, const void *right); // for qsort; no NaN
