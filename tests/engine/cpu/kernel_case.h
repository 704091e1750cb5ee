// SPDX-License-Identifier: MIT
// A kernel's inputs and outputs: views made of random values, and their comparison with the naive
// ops in double.
#pragma once

#include "engine/cpu/kernels/kernels.h"
#include "tests/reference/ops.h"
#include "vkgrid/base/random.h"

#define ULP 0x1p-24 // a rounding of a float

// One kernel at work on one shape.
struct kernel_case {
    const struct cpu_kernels *kernels;
    struct shape shape;
    size_t gap; // elements between pixels
    struct random random;
    uint64_t digest; // of all outputs
    void *memory[64];
    size_t memory_count;
};

struct kernel_case kernel_case(const struct cpu_kernels *kernels, struct shape shape, size_t gap,
                               uint64_t seed);
void kernel_case_end(struct kernel_case *t); // frees all that the functions below gave

// Zeros.
double *doubles(struct kernel_case *t, size_t count);
float *floats(struct kernel_case *t, size_t count);
uint32_t *words(struct kernel_case *t, size_t count);
float *as_floats(struct kernel_case *t, size_t count, const double *values);
void *reals(struct kernel_case *t, size_t count);

// Random values that are floats.
double *normals(struct kernel_case *t, size_t count);
double *rectified(struct kernel_case *t, size_t count); // half of them 0, as behind a ReLU
double *positives(struct kernel_case *t, size_t count);
double *channelled(struct kernel_case *t,
                   double offset); // of t->shape, a mean and a deviation for each channel

// To the nearest number of the element type, even ones preferred; subnormal bfloat16 are not
// needed.
double rounded(const struct kernel_case *t, double value);

struct view empty_view(void);
struct view new_view(struct kernel_case *t, struct shape s);
struct view view_with(struct kernel_case *t, struct shape s,
                      double *values); // which are rounded first

// Fail unless every element's error is at most 4 bound of itself or of the root mean square of all,
// whichever is larger (as op_case.h has it); reals that are not to be exact (bound 0) are rounded
// once more.
void check_floats(struct kernel_case *t, const char *what, size_t count, const float *actual,
                  const double *expected, double bound);
void check_view(struct kernel_case *t, const char *what, struct view v, const double *expected,
                double bound);

size_t pixels_of(struct shape s);
// Of a sum over all pixels: factor * 2^-24 * (2 + sqrt(pixels)).
double sum_bound(const struct kernel_case *t, double factor);
