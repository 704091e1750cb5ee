// SPDX-License-Identifier: MIT
// The gradient by the weights. A chunk of tiles is transformed, both sides once, and stays in the
// last-level cache; then each place of each block of input channels x block of output channels adds
// its matrix product over the chunk's tiles. Nothing depends on the number of threads.
#include "set.h"
#include "winograd.h"

#define RUN 32                // tiles that are transformed by one task
#define CHUNK_BYTES (8 << 20) // of transformed tiles
#define CHUNK_RUNS 32         // at most: a product's rows then stay in the first-level cache
#define BLOCK WINOGRAD_BLOCK
#define SUMS ((size_t)PLACES * BLOCK * BLOCK) // floats of one pair of blocks

struct grad {
    struct view x, dy;
    struct tiles tiles;
    int in_blocks, out_blocks;
    int chunk;    // tiles
    size_t plane; // units of one place of one block of a chunk
};

static struct grad grad_of(struct view x, struct view dy)
{
    struct grad grad = {x, dy, winograd_tiles(x), x.channels / BLOCK, dy.channels / BLOCK, 0, 0};
    const int run_bytes = PLACES * RUN * (x.channels + dy.channels) * (int)sizeof(real);
    const int all = (grad.tiles.count + RUN - 1) / RUN, fit = CHUNK_BYTES / run_bytes;
    int runs = fit > CHUNK_RUNS ? CHUNK_RUNS : fit < 1 ? 1 : fit;
    runs = runs < all ? runs : all;
    grad.chunk = runs * RUN;
    grad.plane = (size_t)grad.chunk / PER_UNIT * BLOCK + SKEW;
    return grad;
}

static size_t sums_count(const struct grad *grad)
{
    return (size_t)grad->in_blocks * grad->out_blocks * SUMS;
}

size_t KERNEL(winograd_weight_grad_scratch)(int n, int rows, int cols, int in, int out)
{
    const struct grad grad = grad_of((struct view){NULL, n, rows, cols, in, in},
                                     (struct view){NULL, n, rows, cols, out, out});
    const size_t blocks = (size_t)grad.in_blocks + (size_t)grad.out_blocks;
    return sums_count(&grad) * sizeof(float) + blocks * PLACES * grad.plane * sizeof(unit);
}

// A dy A' of LANES channels from c
static inline __attribute__((always_inline)) void transform_gradient(struct window window, int c,
                                                                     vec out[PLACES])
{
    vec t[8];
    for (int j = 0; j < 2; j++) {
        const real *column = window.pixel + (size_t)j * window.col + c;
        const vec d0 = vec_load_real(column), d1 = vec_load_real(column + window.row);
        t[j] = d0;
        t[2 + j] = d0 + d1;
        t[4 + j] = d0 - d1;
        t[6 + j] = -d1;
    }
    for (int i = 0; i < 4; i++) {
        const vec a = t[2 * i], b = t[2 * i + 1];
        out[4 * i] = a;
        out[4 * i + 1] = a + b;
        out[4 * i + 2] = a - b;
        out[4 * i + 3] = -b;
    }
}

// Tiles as units [place][tile / PER_UNIT][BLOCK], places `plane` apart; a unit holds neighbouring
// tiles, and no tile is zeros.
static inline __attribute__((always_inline)) void transform_tiles(struct view x, struct tiles tiles,
                                                                  int first, int count,
                                                                  const bool gradient, size_t plane,
                                                                  unit *to)
{
    struct tile tile = winograd_tile(tiles, first);
    for (int i = 0; i < count; i += PER_UNIT, to += BLOCK) {
        struct patch patches[PER_UNIT];
        struct window windows[PER_UNIT];
        for (int e = 0; e < PER_UNIT; e++) {
            if (i + e == count) { // a unit that is half full
                memset(&patches[e], 0, sizeof(patches[e]));
                windows[e] = (struct window){patches[e].pixels[0], 0, 0};
                break;
            }
            windows[e] =
                winograd_window(x, tile, gradient ? 2 : 4, gradient ? 0 : 1, 0, &patches[e]);
            winograd_next(tiles, &tile);
        }
        for (int c = 0; c < BLOCK; c += LANES) {
            vec out[PER_UNIT][PLACES];
            for (int e = 0; e < PER_UNIT; e++) {
                if (gradient)
                    transform_gradient(windows[e], c, out[e]);
                else
                    winograd_input(windows[e], c, out[e]);
            }
            for (int f = 0; f < PLACES; f++) {
                const vec pair[] = {out[0][f], out[PER_UNIT - 1][f]};
                unit_store(to + f * plane + c, pair);
            }
        }
    }
}

static struct view channel_block(struct view x, int block)
{
    x.data = (real *)x.data + block * BLOCK;
    x.channels = BLOCK;
    return x;
}

// One run of tiles of a chunk, of one block: those of x first, then those of dy.
static void transform_block(const struct grad *grad, int first, int run, int block, unit *units)
{
    const int begin = first + run * RUN, left = grad->tiles.count - begin;
    const int count = left < RUN ? left : RUN;
    unit *to = units + (size_t)block * PLACES * grad->plane + (size_t)run * RUN / PER_UNIT * BLOCK;
    if (block < grad->in_blocks)
        transform_tiles(channel_block(grad->x, block), grad->tiles, begin, count, false,
                        grad->plane, to);
    else
        transform_tiles(channel_block(grad->dy, block - grad->in_blocks), grad->tiles, begin, count,
                        true, grad->plane, to);
}

// Adds one place of one pair of blocks over the `count` tiles of a chunk.
static void add_product(const struct grad *grad, int count, int pair, int place, bool add,
                        const unit *units, float *sums)
{
    const int in = pair / grad->out_blocks, out = grad->in_blocks + pair % grad->out_blocks;
    for (int k = 0; k < BLOCK; k += PANEL)
        product(
            (struct product){
                .depth = (size_t)(count + PER_UNIT - 1) / PER_UNIT,
                .a = units + ((size_t)in * PLACES + (size_t)place) * grad->plane,
                .a_row = 1,
                .a_depth = BLOCK,
                .b = units + ((size_t)out * PLACES + (size_t)place) * grad->plane + k,
                .b_depth = BLOCK,
                .c = sums + (size_t)pair * SUMS + (size_t)place * BLOCK * BLOCK + k,
                .c_row = BLOCK,
                .add = add,
            },
            BLOCK);
}

// G' u, for one column; also, transposed, (G' u) G.
static inline void shrink(const vec u[4], vec out[3])
{
    const vec half = vec_set(0.5f), sum = (u[1] + u[2]) * half;
    out[0] = u[0] + sum;
    out[1] = (u[1] - u[2]) * half;
    out[2] = sum + u[3];
}

// The sums of LANES output channels back to 3x3 weights.
static void finish(const struct grad *grad, const float *sums, int c, int k, float *dweight)
{
    const size_t block = (size_t)(c / BLOCK) * grad->out_blocks + (size_t)(k / BLOCK);
    const float *from = sums + block * SUMS + (size_t)(c % BLOCK) * BLOCK + k % BLOCK;
    vec t[4][3];
    for (int j = 0; j < 4; j++) {
        vec u[4];
        for (int i = 0; i < 4; i++)
            u[i] = vec_load(from + (size_t)(4 * i + j) * BLOCK * BLOCK);
        shrink(u, t[j]);
    }
    const size_t place = (size_t)grad->x.channels * grad->dy.channels;
    for (int i = 0; i < 3; i++) {
        vec out[3];
        shrink((vec[]){t[0][i], t[1][i], t[2][i], t[3][i]}, out);
        for (int j = 0; j < 3; j++)
            vec_store(dweight + (size_t)(3 * i + j) * place + (size_t)c * grad->dy.channels + k,
                      out[j]);
    }
}

void KERNEL(winograd_weight_grad)(struct view x, struct view dy, float *dweight, void *scratch)
{
    const struct grad grad = grad_of(x, dy);
    const int blocks = grad.in_blocks + grad.out_blocks, pairs = grad.in_blocks * grad.out_blocks;
    float *sums = scratch;
    unit *units = (unit *)(sums + sums_count(&grad));
#pragma omp parallel
    for (int first = 0; first < grad.tiles.count; first += grad.chunk) {
        const int left = grad.tiles.count - first;
        const int count = left < grad.chunk ? left : grad.chunk, runs = (count + RUN - 1) / RUN;
#pragma omp for schedule(dynamic, 1) collapse(2)
        for (int run = 0; run < runs; run++)
            for (int block = 0; block < blocks; block++)
                transform_block(&grad, first, run, block, units);
#pragma omp for schedule(dynamic, 1) collapse(2)
        for (int pair = 0; pair < pairs; pair++)
            for (int place = 0; place < PLACES; place++)
                add_product(&grad, count, pair, place, first > 0, units, sums);
    }
#pragma omp parallel for schedule(static)
    for (int c = 0; c < x.channels; c++)
        for (int k = 0; k < dy.channels; k += LANES)
            finish(&grad, sums, c, k, dweight);
}
