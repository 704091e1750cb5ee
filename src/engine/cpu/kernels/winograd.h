// SPDX-License-Identifier: MIT
// Winograd's minimal filtering F(2x2, 3x3) for convolutions 3x3 with stride 1 (Lavin and Gray
// 2016): a tile of 2x2 outputs takes 16 multiplications a channel instead of 36, and its transforms
// only add, subtract and halve, so that its error is a direct convolution's. Both gradients are of
// the same kind.
//
//     y  = A' [ (G g G') (B' d B) ] A       d: 4x4 inputs of the tile, g: 3x3 weights
//     dg = G' [ sum over tiles (B' d B) (A dy A') ] G
//
// In the transformed domain each of the 16 places is a matrix product over channels (or over tiles,
// for dg). Channels come in blocks of WINOGRAD_BLOCK (kernels.h).
#pragma once

#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/product.h"

#define PLACES 16
// Planes of one place each are this many floats longer than their content, so that the 16 stores of
// a transform do not fall into one set of the cache.
#define SKEW 32

// The tiles of an image, row by row, sample by sample.
struct tiles {
    int across, down, count;
};

static inline struct tiles winograd_tiles(struct view x)
{
    const int across = (x.cols + 1) / 2, down = (x.rows + 1) / 2;
    return (struct tiles){across, down, across * down * x.n};
}

struct tile {
    int sample, row, col; // of its first output
};

static inline struct tile winograd_tile(struct tiles tiles, int i)
{
    return (struct tile){i / (tiles.across * tiles.down), i / tiles.across % tiles.down * 2,
                         i % tiles.across * 2};
}

static inline void winograd_next(struct tiles tiles, struct tile *tile)
{
    tile->col += 2;
    if (tile->col < 2 * tiles.across)
        return;
    tile->col = 0;
    tile->row += 2;
    if (tile->row < 2 * tiles.down)
        return;
    tile->row = 0;
    tile->sample++;
}

static inline real *view_pixel(struct view x, int sample, int row, int col)
{
    return (real *)x.data + (((size_t)sample * x.rows + row) * x.cols + col) * x.pitch;
}

// Where a tile's inputs are: elements from one row, from one column to the next.
struct window {
    const real *pixel;
    size_t row, col;
};

// WINOGRAD_BLOCK channels of a window, with zeros where it reaches out of the image.
struct patch {
    real pixels[PLACES][WINOGRAD_BLOCK];
};

static inline void copy_patch(struct view x, int sample, int row, int col, int size, int c,
                              struct patch *patch)
{
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            const int at_row = row + i, at_col = col + j;
            real *to = patch->pixels[i * size + j];
            if (at_row >= 0 && at_row < x.rows && at_col >= 0 && at_col < x.cols)
                memcpy(to, view_pixel(x, sample, at_row, at_col) + c, sizeof(patch->pixels[0]));
            else
                memset(to, 0, sizeof(patch->pixels[0]));
        }
}

// The size x size window of a tile, `before` rows and columns before its first output, for the
// block of channels from c. It lies in the image, or, at its border, in `patch`.
static inline struct window winograd_window(struct view x, struct tile tile, int size, int before,
                                            int c, struct patch *patch)
{
    const int row = tile.row - before, col = tile.col - before;
    if (row >= 0 && row + size <= x.rows && col >= 0 && col + size <= x.cols)
        return (struct window){view_pixel(x, tile.sample, row, col) + c, (size_t)x.cols * x.pitch,
                               x.pitch};
    copy_patch(x, tile.sample, row, col, size, c, patch);
    return (struct window){patch->pixels[0], (size_t)size * WINOGRAD_BLOCK, WINOGRAD_BLOCK};
}

// B' d B of LANES channels from c of the block
static inline __attribute__((always_inline)) void winograd_input(struct window window, int c,
                                                                 vec out[PLACES])
{
    vec t[PLACES];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const real *column = window.pixel + (size_t)j * window.col + c;
        const vec d0 = vec_load_real(column), d1 = vec_load_real(column + window.row);
        const vec d2 = vec_load_real(column + 2 * window.row),
                  d3 = vec_load_real(column + 3 * window.row);
        t[j] = d0 - d2;
        t[4 + j] = d1 + d2;
        t[8 + j] = d2 - d1;
        t[12 + j] = d1 - d3;
    }
#pragma GCC unroll 4
    for (int i = 0; i < PLACES; i += 4) {
        out[i] = t[i] - t[i + 2];
        out[i + 1] = t[i + 1] + t[i + 2];
        out[i + 2] = t[i + 2] - t[i + 1];
        out[i + 3] = t[i + 1] - t[i + 3];
    }
}
