// SPDX-License-Identifier: MIT
// Weights [3][3][in][out] into the transformed domain: [place][panel of out][in / PER_UNIT][PANEL]
// units.
#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/winograd.h"

// G g, for three columns; also, transposed, (G g) G'.
static inline void expand(const vec g[3], vec out[4])
{
    const vec half = vec_set(0.5f), outer = (g[0] + g[2]) * half, inner = g[1] * half;
    out[0] = g[0];
    out[1] = outer + inner;
    out[2] = outer - inner;
    out[3] = g[2];
}

// G g G' of LANES output channels. w: their first weight; place: floats from one place of the 3x3
// to the next; turned: the 3x3 by 180 degrees.
static inline void transform(const float *w, size_t place, bool turned, vec out[PLACES])
{
    vec t[3][4];
    for (int j = 0; j < 3; j++) {
        vec g[3];
        for (int i = 0; i < 3; i++) {
            const int at = 3 * i + j;
            g[i] = vec_load(w + (size_t)(turned ? 8 - at : at) * place);
        }
        expand(g, t[j]);
    }
    for (int i = 0; i < 4; i++)
        expand((vec[]){t[0][i], t[1][i], t[2][i]}, out + 4 * i);
}

// PER_UNIT rows of a convolution's depth, `row` floats apart, x LANES of its outputs: one unit of
// each place, `plane` units apart.
static inline void pack(const float *w, size_t row, size_t place, bool turned, size_t plane,
                        unit *to)
{
    vec u[PER_UNIT][PLACES];
    for (int e = 0; e < PER_UNIT; e++)
        transform(w + (size_t)e * row, place, turned, u[e]);
    for (int f = 0; f < PLACES; f++) {
        const vec pair[] = {u[0][f], u[PER_UNIT - 1][f]};
        unit_store(to + f * plane, pair);
    }
}

// Where the units of one place lie: of `depth` x outputs.
static size_t unit_at(int depth, int d, int output)
{
    return ((size_t)(output / PANEL) * (size_t)(depth / PER_UNIT) + (size_t)(d / PER_UNIT)) *
               PANEL +
           (size_t)(output % PANEL);
}

void KERNEL(winograd_weights)(const float *weight, int in, int out, void *packed)
{
    const size_t place = (size_t)in * (size_t)out;
#pragma omp parallel for schedule(static)
    for (int c = 0; c < in; c += PER_UNIT)
        for (int k = 0; k < out; k += LANES)
            pack(weight + (size_t)c * (size_t)out + k, (size_t)out, place, false, place / PER_UNIT,
                 (unit *)packed + unit_at(in, c, k));
}

#define SQUARE 16

#if defined(__AVX512F__)
// Exchanges the off-diagonal quarters of ever smaller squares.
static void transpose(const float *from, size_t row, float *to)
{
    __m512 rows[SQUARE];
    for (int i = 0; i < SQUARE; i++)
        rows[i] = _mm512_loadu_ps(from + (size_t)i * row);
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
#pragma GCC unroll 4
    for (int step = 1; step < SQUARE; step *= 2) {
        const __mmask16 odd = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(step));
        // Lanes of the second vector have numbers from 16.
        const __m512i low =
            _mm512_mask_add_epi32(lane, odd, lane, _mm512_set1_epi32(SQUARE - step));
        const __m512i high = _mm512_mask_add_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(step)),
                                                   odd, lane, _mm512_set1_epi32(SQUARE));
#pragma GCC unroll 16
        for (int i = 0; i < SQUARE; i++)
            if (!(i & step)) {
                const __m512 a = rows[i], b = rows[i + step];
                rows[i] = _mm512_permutex2var_ps(a, low, b);
                rows[i + step] = _mm512_permutex2var_ps(a, high, b);
            }
    }
    for (int i = 0; i < SQUARE; i++)
        _mm512_storeu_ps(to + i * SQUARE, rows[i]);
}
#else
static void transpose(const float *from, size_t row, float *to)
{
    for (int i = 0; i < SQUARE; i++)
        for (int j = 0; j < SQUARE; j++)
            to[i * SQUARE + j] = from[(size_t)j * row + i];
}
#endif

// A square of input x output channels, whose outputs become the depth.
static void pack_square(const float *weight, int in, int out, int c, int k, unit *packed)
{
    float square[9][SQUARE * SQUARE];
    const size_t place = (size_t)in * (size_t)out;
    for (int i = 0; i < 9; i++)
        transpose(weight + (size_t)i * place + (size_t)c * (size_t)out + k, (size_t)out, square[i]);
    for (int row = 0; row < SQUARE; row += PER_UNIT)
        for (int v = 0; v < SQUARE; v += LANES)
            pack(square[0] + row * SQUARE + v, SQUARE, sizeof(square[0]) / sizeof(float), true,
                 place / PER_UNIT, packed + unit_at(out, k + row, c + v));
}

void KERNEL(winograd_weights_back)(const float *weight, int in, int out, void *packed)
{
#pragma omp parallel for schedule(static)
    for (int c = 0; c < in; c += SQUARE)
        for (int k = 0; k < out; k += SQUARE)
            pack_square(weight, in, out, c, k, packed);
}
