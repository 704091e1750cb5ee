// SPDX-License-Identifier: MIT
// The gradient by the weights: for a block of input channels x a block of output channels, the sum
// over tiles stays in the second-level cache. Tiles are split among more tasks where there are few
// such blocks; the number of splits depends on the shape alone, and they are added in order.
#include "set.h"
#include "winograd.h"

#include <omp.h>

#define TILES 32 // transformed at a time
#define TASKS 16 // at least, if there are tiles enough
#define BLOCK WINOGRAD_BLOCK
#define SUMS ((size_t)PLACES * BLOCK * BLOCK)           // floats of one task
#define PLANE ((size_t)TILES / PER_UNIT * BLOCK + SKEW) // units of one place of transformed tiles

struct grad {
    struct view x, dy;
    struct tiles tiles;
    int in_blocks, out_blocks, splits;
};

static struct grad grad_of(struct view x, struct view dy)
{
    struct grad grad = {x, dy, winograd_tiles(x), x.channels / BLOCK, dy.channels / BLOCK, 1};
    const int blocks = grad.in_blocks * grad.out_blocks;
    const int wanted = (TASKS + blocks - 1) / blocks,
              most = (grad.tiles.count + 4 * TILES - 1) / (4 * TILES);
    grad.splits = wanted < most ? wanted : most;
    return grad;
}

static size_t sums_count(const struct grad *grad)
{
    return (size_t)grad->splits * grad->in_blocks * grad->out_blocks * SUMS;
}

size_t KERNEL(winograd_weight_grad_scratch)(int n, int rows, int cols, int in, int out, int threads)
{
    const struct grad grad = grad_of((struct view){NULL, n, rows, cols, in, in},
                                     (struct view){NULL, n, rows, cols, out, out});
    return sums_count(&grad) * sizeof(float) + (size_t)threads * 2 * PLACES * PLANE * sizeof(unit);
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

// Tiles as units [place][tile / PER_UNIT][BLOCK]; a unit holds neighbouring tiles, and no tile is
// zeros.
static inline __attribute__((always_inline)) void transform_tiles(struct view x, struct tiles tiles,
                                                                  int first, int count,
                                                                  const bool gradient, unit *to)
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
                unit_store(to + f * PLANE + c, pair);
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

// One split of one block of channels.
static void grad_block(const struct grad *grad, int split, int block, float *sums, unit *inputs)
{
    const struct view x = channel_block(grad->x, block / grad->out_blocks);
    const struct view dy = channel_block(grad->dy, block % grad->out_blocks);
    unit *gradients = inputs + PLACES * PLANE;
    const int runs = (grad->tiles.count + TILES - 1) / TILES;
    const int begin = (int)((long)runs * split / grad->splits),
              end = (int)((long)runs * (split + 1) / grad->splits);
    for (int run = begin; run < end; run++) {
        const int first = run * TILES, left = grad->tiles.count - first,
                  count = left < TILES ? left : TILES;
        transform_tiles(x, grad->tiles, first, count, false, inputs);
        transform_tiles(dy, grad->tiles, first, count, true, gradients);
        for (int f = 0; f < PLACES; f++)
            for (int k = 0; k < BLOCK; k += PANEL)
                product((struct product){.depth = (size_t)(count + PER_UNIT - 1) / PER_UNIT,
                                         .a = inputs + f * PLANE,
                                         .a_row = 1,
                                         .a_depth = BLOCK,
                                         .b = gradients + f * PLANE + k,
                                         .b_depth = BLOCK,
                                         .c = sums + (size_t)f * BLOCK * BLOCK + k,
                                         .c_row = BLOCK,
                                         .add = run > begin},
                        BLOCK);
    }
}

// G' u, for one column; also, transposed, (G' u) G.
static inline void shrink(const vec u[4], vec out[3])
{
    const vec half = vec_set(0.5f), sum = (u[1] + u[2]) * half;
    out[0] = u[0] + sum;
    out[1] = (u[1] - u[2]) * half;
    out[2] = sum + u[3];
}

// The splits' sums, of LANES output channels, back to 3x3 weights.
static void finish(const struct grad *grad, const float *sums, int c, int k, float *dweight)
{
    const size_t split = (size_t)grad->in_blocks * grad->out_blocks * SUMS;
    const size_t block = (size_t)(c / BLOCK) * grad->out_blocks + (size_t)(k / BLOCK);
    const float *from = sums + block * SUMS + (size_t)(c % BLOCK) * BLOCK + k % BLOCK;
    vec t[4][3];
    for (int j = 0; j < 4; j++) {
        vec u[4];
        for (int i = 0; i < 4; i++) {
            const float *at = from + (size_t)(4 * i + j) * BLOCK * BLOCK;
            u[i] = vec_load(at);
            for (int s = 1; s < grad->splits; s++)
                u[i] += vec_load(at + (size_t)s * split);
        }
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
    float *sums = scratch;
    unit *tiles = (unit *)(sums + sums_count(&grad));
    const int blocks = grad.in_blocks * grad.out_blocks;
#pragma omp parallel for schedule(dynamic, 1) collapse(2)
    for (int split = 0; split < grad.splits; split++)
        for (int block = 0; block < blocks; block++)
            grad_block(&grad, split, block, sums + ((size_t)split * blocks + block) * SUMS,
                       tiles + (size_t)omp_get_thread_num() * 2 * PLACES * PLANE);
#pragma omp parallel for schedule(static)
    for (int c = 0; c < x.channels; c++)
        for (int k = 0; k < dy.channels; k += LANES)
            finish(&grad, sums, c, k, dweight);
}
