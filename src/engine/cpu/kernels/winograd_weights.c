// SPDX-License-Identifier: MIT
// Weights [3][3][in][out] into the transformed domain: [place][panel of out][in / PER_UNIT][PANEL]
// units.
#include "set.h"
#include "winograd.h"

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

void KERNEL(winograd_weights)(const float *weight, int in, int out, void *packed)
{
    const size_t plane = (size_t)in / PER_UNIT * (size_t)out;
#pragma omp parallel for schedule(static)
    for (int c = 0; c < in; c += PER_UNIT)
        for (int k = 0; k < out; k += LANES) {
            vec u[PER_UNIT][PLACES];
            for (int e = 0; e < PER_UNIT; e++)
                transform(weight + (size_t)(c + e) * out + k, (size_t)in * out, false, u[e]);
            unit *to = (unit *)packed +
                       ((size_t)(k / PANEL) * (in / PER_UNIT) + (size_t)(c / PER_UNIT)) * PANEL +
                       k % PANEL;
            for (int f = 0; f < PLACES; f++) {
                const vec pair[] = {u[0][f], u[PER_UNIT - 1][f]};
                unit_store(to + f * plane, pair);
            }
        }
}

#define SQUARE 16

// A square of input x output channels: transformed with vectors of output channels, which become
// rows.
static void transpose_square(const float *weight, int in, int out, int c, int k, real *packed)
{
    float square[PLACES][SQUARE][SQUARE + 1];
    const size_t plane = (size_t)in * out;
    for (int row = 0; row < SQUARE; row++)
        for (int v = 0; v < SQUARE; v += LANES) {
            vec u[PLACES];
            transform(weight + (size_t)(c + row) * out + k + v, plane, true, u);
            for (int f = 0; f < PLACES; f++)
                vec_store(&square[f][row][v], u[f]);
        }
    // element (k, c) of [panel of in][out / PER_UNIT][PANEL][PER_UNIT]
    for (int f = 0; f < PLACES; f++)
        for (int col = 0; col < SQUARE; col++) {
            real *to = packed + f * plane + (size_t)(k + col) / PER_UNIT * PANEL * PER_UNIT +
                       (size_t)(k + col) % PER_UNIT;
            for (int row = 0; row < SQUARE; row++) {
                const int channel = c + row;
                to[(size_t)(channel / PANEL) * PANEL * out + (size_t)(channel % PANEL) * PER_UNIT] =
                    store_real(square[f][row][col]);
            }
        }
}

void KERNEL(winograd_weights_back)(const float *weight, int in, int out, void *packed)
{
#pragma omp parallel for schedule(static)
    for (int c = 0; c < in; c += SQUARE)
        for (int k = 0; k < out; k += SQUARE)
            transpose_square(weight, in, out, c, k, packed);
}
