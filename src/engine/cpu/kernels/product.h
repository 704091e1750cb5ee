// SPDX-License-Identifier: MIT
// The innermost matrix product: C [rows][PANEL] (+)= A [rows][depth] B [depth][PANEL], with ROWS x
// VECTORS accumulators in registers. A's elements may lie anywhere; B's and C's rows are
// contiguous.
#pragma once

#include "engine/cpu/kernels/vector.h"

#include <stdbool.h>
#include <stddef.h>

// As many accumulators as registers can hold beside a row of B and an element of A: 24 of 32, 12
// of 16.
#define ROWS 6
#if defined(__AVX512F__)
#define VECTORS 4
#else
#define VECTORS 2
#endif
#define PANEL (VECTORS * LANES)

struct product {
    size_t depth;
    const unit *a;
    size_t a_row, a_depth; // units from one row, from one step of depth to the next
    const unit *b;
    size_t b_depth;
    float *c;
    size_t c_row;
    bool add; // to what C holds
};

static inline __attribute__((always_inline)) void product_rows(const struct product p,
                                                               const int rows)
{
    vec sum[ROWS][VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = p.add ? vec_load(p.c + (size_t)r * p.c_row + v * LANES) : vec_set(0);
    for (size_t d = 0; d < p.depth; d++)
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; v++)
                sum[r][v] = unit_fma(p.a[(size_t)r * p.a_row + d * p.a_depth],
                                     p.b + d * p.b_depth + v * LANES, sum[r][v]);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++)
            vec_store(p.c + (size_t)r * p.c_row + v * LANES, sum[r][v]);
}

static inline void product(struct product p, int rows)
{
    for (; rows >= ROWS; rows -= ROWS) {
        product_rows(p, ROWS);
        p.a += ROWS * p.a_row;
        p.c += ROWS * p.c_row;
    }
    switch (rows) { // each a copy with its own registers
    case 1:
        product_rows(p, 1);
        break;
    case 2:
        product_rows(p, 2);
        break;
    case 3:
        product_rows(p, 3);
        break;
    case 4:
        product_rows(p, 4);
        break;
    case 5:
        product_rows(p, 5);
        break;
    default:
        break;
    }
}
