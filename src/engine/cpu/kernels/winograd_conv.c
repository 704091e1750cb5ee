// SPDX-License-Identifier: MIT
// Forward, and the gradient by the input, which is the same with other weights. A block of tiles
// goes through transform, 16 matrix products and back while it is in the second-level cache.
#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/winograd.h"

#include <omp.h>

#define CACHE (384 << 10) // bytes of transformed inputs of a block: some of a second-level cache
#define MOST_TILES 48

struct block {
    int tiles;            // most of a block
    size_t input, output; // elements of one place of the transformed inputs, of the outputs
};

static struct block block_of(int in)
{
    int tiles = CACHE / (PLACES * in * (int)sizeof(real));
    if (tiles > MOST_TILES)
        tiles = MOST_TILES;
    else
        tiles = tiles < ROWS ? ROWS : tiles / ROWS * ROWS;
    return (struct block){tiles, (size_t)tiles * in + SKEW * PER_UNIT,
                          (size_t)tiles * PANEL + SKEW};
}

static size_t block_bytes(struct block block)
{
    return PLACES * (block.input * sizeof(real) + block.output * sizeof(float));
}

size_t KERNEL(winograd_conv_scratch)(int in, int threads)
{
    return (size_t)threads * block_bytes(block_of(in));
}

static void transform_inputs(struct view x, struct tiles tiles, int first, int count, size_t plane,
                             real *to)
{
    struct tile tile = winograd_tile(tiles, first);
    for (int i = 0; i < count; i++, winograd_next(tiles, &tile))
        for (int block = 0; block < x.channels; block += WINOGRAD_BLOCK, to += WINOGRAD_BLOCK) {
            struct patch patch;
            const struct window window = winograd_window(x, tile, 4, 1, block, &patch);
            for (int c = 0; c < WINOGRAD_BLOCK; c += LANES) {
                vec out[PLACES];
                winograd_input(window, c, out);
                for (int f = 0; f < PLACES; f++)
                    vec_store_real(to + f * plane + c, out[f]);
            }
        }
}

// A' m A of LANES channels: the 2x2 outputs
static inline __attribute__((always_inline)) void contract(const float *m, size_t plane, vec out[4])
{
    vec t[8];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const vec m0 = vec_load(m + (size_t)j * plane), m1 = vec_load(m + (size_t)(4 + j) * plane);
        const vec m2 = vec_load(m + (size_t)(8 + j) * plane),
                  m3 = vec_load(m + (size_t)(12 + j) * plane);
        t[j] = m0 + m1 + m2;
        t[4 + j] = m1 - m2 - m3;
    }
    for (int i = 0; i < 2; i++) {
        const vec *row = t + 4 * i;
        out[2 * i] = row[0] + row[1] + row[2];
        out[2 * i + 1] = row[1] - row[2] - row[3];
    }
}

// A panel of output channels of one tile.
static void write_tile(struct view y, struct tile tile, const float *m, size_t plane,
                       const float *bias, bool relu)
{
    const bool right = tile.col + 1 < y.cols, below = tile.row + 1 < y.rows;
    const bool inside[] = {true, right, below, right && below};
    real *to = view_pixel(y, tile.sample, tile.row, tile.col);
    const size_t step[] = {0, y.pitch, (size_t)y.cols * y.pitch, ((size_t)y.cols + 1) * y.pitch};
    for (int v = 0; v < PANEL; v += LANES) {
        vec out[4];
        contract(m + v, plane, out);
        for (int i = 0; i < 4; i++) {
            if (bias)
                out[i] += vec_load(bias + v);
            if (relu)
                out[i] = vec_relu(out[i]);
            if (inside[i])
                vec_store_real(to + step[i] + v, out[i]);
        }
    }
}

struct conv {
    struct view x, y;
    const unit *weight;
    const float *bias;
    bool relu;
    struct tiles tiles;
    struct block block;
};

// Panels begin .. end of the outputs of one block of tiles.
static void conv_block(const struct conv *conv, int block, int begin, int end, char *scratch)
{
    const struct block *b = &conv->block;
    const int first = block * b->tiles, left = conv->tiles.count - first;
    const int count = left < b->tiles ? left : b->tiles;
    const size_t depth = (size_t)conv->x.channels / PER_UNIT;
    const size_t weight_plane = depth * (size_t)conv->y.channels;
    real *inputs = (real *)scratch;
    float *outputs = (float *)(scratch + PLACES * b->input * sizeof(real));
    transform_inputs(conv->x, conv->tiles, first, count, b->input, inputs);
    for (int panel = begin; panel < end; panel++) {
        for (int f = 0; f < PLACES; f++)
            product((struct product){.depth = depth,
                                     .a = (const unit *)(inputs + f * b->input),
                                     .a_row = depth,
                                     .a_depth = 1,
                                     .b = conv->weight + f * weight_plane +
                                          (size_t)panel * depth * PANEL,
                                     .b_depth = PANEL,
                                     .c = outputs + f * b->output,
                                     .c_row = PANEL},
                    count);
        struct view y = conv->y;
        y.data = (real *)y.data + panel * PANEL;
        struct tile tile = winograd_tile(conv->tiles, first);
        for (int i = 0; i < count; i++, winograd_next(conv->tiles, &tile))
            write_tile(y, tile, outputs + (size_t)i * PANEL, b->output,
                       conv->bias ? conv->bias + panel * PANEL : NULL, conv->relu);
    }
}

void KERNEL(winograd_conv)(struct view x, const void *weight, const float *bias, bool relu,
                           struct view y, void *scratch)
{
    const struct conv conv = {x, y, weight, bias, relu, winograd_tiles(x), block_of(x.channels)};
    const int blocks = (conv.tiles.count + conv.block.tiles - 1) / conv.block.tiles;
    const int panels = y.channels / PANEL, threads = omp_get_max_threads();
    // With few blocks, groups of panels: each transforms the inputs again, but no thread waits.
    int groups = 1;
    while (blocks * groups < 3 * threads && groups * 2 <= panels)
        groups *= 2;
#pragma omp parallel for schedule(dynamic, 1) collapse(2)
    for (int group = 0; group < groups; group++)
        for (int block = 0; block < blocks; block++)
            conv_block(&conv, block, panels * group / groups, panels * (group + 1) / groups,
                       (char *)scratch + (size_t)omp_get_thread_num() * block_bytes(conv.block));
}
