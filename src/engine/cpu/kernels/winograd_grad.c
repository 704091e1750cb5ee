// SPDX-License-Identifier: MIT
// The gradient by the weights. A task has some of the tiles and some of the output channels: it
// transforms a chunk of its tiles, both sides once, then each place of each block of input channels
// x block of output channels adds its matrix product over the chunk. No core reads what another has
// just written, but for the sums of the splits of tiles, which are added in order at the end. How
// tiles are split depends on the shape alone, so the number of threads changes no bit.
#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/winograd.h"

#include <omp.h>

#define BLOCK WINOGRAD_BLOCK
#define CHUNK_BYTES (2 << 20) // of transformed tiles: a core's part of the last-level cache
#define CHUNK_TILES 512       // at most
#define CHUNK_LEAST 32
#define TASKS 8 // splits x blocks of output channels, if there are tiles enough
#define SUMS ((size_t)PLACES * BLOCK * BLOCK) // floats of one pair of blocks

struct grad {
    struct view x, dy;
    struct tiles tiles;
    int in_blocks, out_blocks;
    int splits;   // of tiles
    int groups;   // of blocks of output channels
    int chunk;    // tiles
    size_t plane; // units of one place of one block of a chunk
};

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static struct grad grad_of(struct view x, struct view dy, int threads)
{
    struct grad grad = {.x = x, .dy = dy, .tiles = winograd_tiles(x)};
    grad.in_blocks = x.channels / BLOCK;
    grad.out_blocks = dy.channels / BLOCK;
    const int most = divide_up(grad.tiles.count, 4 * CHUNK_LEAST);
    grad.splits = divide_up(TASKS, grad.out_blocks);
    grad.splits = grad.splits < most ? grad.splits : most;
    grad.groups = divide_up(threads, grad.splits);
    grad.groups = grad.groups < grad.out_blocks ? grad.groups : grad.out_blocks;
    const int blocks = grad.in_blocks + divide_up(grad.out_blocks, grad.groups);
    grad.chunk = CHUNK_BYTES / (PLACES * BLOCK * blocks * (int)sizeof(real));
    if (grad.chunk > CHUNK_TILES)
        grad.chunk = CHUNK_TILES;
    else
        grad.chunk = grad.chunk < CHUNK_LEAST ? CHUNK_LEAST : grad.chunk / PER_UNIT * PER_UNIT;
    grad.plane = (size_t)grad.chunk / PER_UNIT * BLOCK + SKEW;
    return grad;
}

static size_t sums_count(const struct grad *grad)
{
    return (size_t)grad->splits * grad->in_blocks * grad->out_blocks * SUMS;
}

// Units of the transformed tiles of one task.
static size_t units_count(const struct grad *grad)
{
    return ((size_t)grad->in_blocks + (size_t)divide_up(grad->out_blocks, grad->groups)) * PLACES *
           grad->plane;
}

size_t KERNEL(winograd_weight_grad_scratch)(int n, int rows, int cols, int in, int out, int threads)
{
    const struct grad grad = grad_of((struct view){NULL, n, rows, cols, in, in},
                                     (struct view){NULL, n, rows, cols, out, out}, threads);
    return sums_count(&grad) * sizeof(float) + (size_t)threads * units_count(&grad) * sizeof(unit);
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

// Adds one place of one pair of blocks over `count` tiles.
static void add_product(const unit *inputs, const unit *gradients, int count, bool add, float *sums)
{
    for (int k = 0; k < BLOCK; k += PANEL)
        product((struct product){.depth = (size_t)(count + PER_UNIT - 1) / PER_UNIT,
                                 .a = inputs,
                                 .a_row = 1,
                                 .a_depth = BLOCK,
                                 .b = gradients + k,
                                 .b_depth = BLOCK,
                                 .c = sums + k,
                                 .c_row = BLOCK,
                                 .add = add},
                BLOCK);
}

// Tiles first .. first + count, and blocks begin .. end of the output channels. sums: of the split.
static void grad_chunk(const struct grad *grad, int first, int count, int begin, int end, bool add,
                       float *sums, unit *units)
{
    const size_t block_units = PLACES * grad->plane;
    unit *gradients = units + (size_t)grad->in_blocks * block_units;
    for (int c = 0; c < grad->in_blocks; c++)
        transform_tiles(channel_block(grad->x, c), grad->tiles, first, count, false, grad->plane,
                        units + (size_t)c * block_units);
    for (int k = begin; k < end; k++)
        transform_tiles(channel_block(grad->dy, k), grad->tiles, first, count, true, grad->plane,
                        gradients + (size_t)(k - begin) * block_units);
    for (int c = 0; c < grad->in_blocks; c++)
        for (int k = begin; k < end; k++)
            for (int f = 0; f < PLACES; f++)
                add_product(units + (size_t)c * block_units + f * grad->plane,
                            gradients + (size_t)(k - begin) * block_units + f * grad->plane, count,
                            add,
                            sums + ((size_t)c * grad->out_blocks + (size_t)k) * SUMS +
                                (size_t)f * BLOCK * BLOCK);
}

static void grad_task(const struct grad *grad, int split, int group, float *sums, unit *units)
{
    const long tiles = grad->tiles.count, blocks = grad->out_blocks;
    const int begin = (int)(tiles * split / grad->splits);
    const int end = (int)(tiles * (split + 1) / grad->splits);
    for (int first = begin; first < end; first += grad->chunk)
        grad_chunk(grad, first, end - first < grad->chunk ? end - first : grad->chunk,
                   (int)(blocks * group / grad->groups), (int)(blocks * (group + 1) / grad->groups),
                   first > begin, sums, units);
}

// G' u, for one column; also, transposed, (G' u) G.
static inline void shrink(const vec u[4], vec out[3])
{
    const vec half = vec_set(0.5f), sum = (u[1] + u[2]) * half;
    out[0] = u[0] + sum;
    out[1] = (u[1] - u[2]) * half;
    out[2] = sum + u[3];
}

// The splits' sums of LANES output channels back to 3x3 weights.
static void finish(const struct grad *grad, const float *sums, int c, int k, float *dweight)
{
    const size_t split = sums_count(grad) / (size_t)grad->splits;
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
    const struct grad grad = grad_of(x, dy, omp_get_max_threads());
    float *sums = scratch;
    unit *units = (unit *)(sums + sums_count(&grad));
    const size_t split_sums = sums_count(&grad) / (size_t)grad.splits;
#pragma omp parallel for schedule(dynamic, 1) collapse(2)
    for (int split = 0; split < grad.splits; split++)
        for (int group = 0; group < grad.groups; group++)
            grad_task(&grad, split, group, sums + (size_t)split * split_sums,
                      units + (size_t)omp_get_thread_num() * units_count(&grad));
#pragma omp parallel for schedule(static)
    for (int c = 0; c < x.channels; c++)
        for (int k = 0; k < dy.channels; k += LANES)
            finish(&grad, sums, c, k, dweight);
}
