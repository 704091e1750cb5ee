// SPDX-License-Identifier: MIT
// How kernels that treat all pixels alike walk over views. A view is a matrix [pixel][channel]
// whose pixels lie `pitch` apart. It is cut into parts: a chunk of pixels times a block of
// channels. Threads share the parts; inside of one, the tables and sums of a kernel fit on the
// stack.
//
// Few channels make short inner loops, so a part has lanes: the channels of `group` pixels side by
// side, as long as PART_LANES allows. Pixel p of a part belongs to the lanes p % group * channels
// and up. Where no view has gaps between its pixels, a run of memory is all lanes at once;
// elsewhere it is one pixel. Which values a lane sums, and in what order, depends on the shape
// alone.
#pragma once

#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/real.h"

enum {
    PART_LANES = 512, // with 4 bytes each, a few tables of them fit a first-level cache
    PART_DEPTH = 64,  // pixels of a lane
};

struct walk {
    size_t pixels, channels;
    size_t group;  // pixels side by side
    size_t blocks; // of the channels
    size_t chunks; // of the pixels
    size_t parts;
    bool gaps;
};

struct part {
    size_t chunk;
    size_t pixel, pixels;     // first and number
    size_t channel, channels; // first and number
    size_t group, lanes;      // lanes = group * channels
    size_t run_pixels, runs;
};

struct run {
    size_t pixel; // first
    size_t lane;  // first
    size_t count; // of elements
};

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline bool has_gaps(struct view v)
{
    return v.data && v.pitch != (size_t)v.channels;
}

// gaps: whether any of the views has them.
static inline struct walk walk_over(struct view shape, bool gaps)
{
    struct walk w = {.channels = (size_t)shape.channels, .gaps = gaps};
    w.pixels = (size_t)shape.n * (size_t)shape.rows * (size_t)shape.cols;
    w.group = w.channels < PART_LANES ? PART_LANES / w.channels : 1;
    w.group -= w.group > 16 ? w.group % 16 : 0; // whole vectors, whatever the channels
    w.blocks = (w.channels + PART_LANES - 1) / PART_LANES;
    w.chunks = (w.pixels + w.group * PART_DEPTH - 1) / (w.group * PART_DEPTH);
    w.parts = w.blocks * w.chunks;
    return w;
}

static inline struct part walk_part(const struct walk *w, size_t i)
{
    struct part p = {
        .chunk = i / w->blocks, .channel = i % w->blocks * PART_LANES, .group = w->group};
    p.pixel = p.chunk * w->group * PART_DEPTH;
    p.pixels = smaller(w->group * PART_DEPTH, w->pixels - p.pixel);
    p.channels = smaller(PART_LANES, w->channels - p.channel);
    p.lanes = p.group * p.channels;
    p.run_pixels = w->gaps ? 1 : w->group; // several blocks: both are 1
    p.runs = (p.pixels + p.run_pixels - 1) / p.run_pixels;
    return p;
}

static inline struct run part_run(const struct part *p, size_t i)
{
    const size_t first = i * p->run_pixels;
    return (struct run){
        .pixel = p->pixel + first,
        .lane = first % p->group * p->channels,
        .count = smaller(p->run_pixels, p->pixels - first) * p->channels,
    };
}

// The elements of a run; NULL for an empty view.
static inline real *run_of(struct view v, const struct part *p, const struct run *run)
{
    return v.data ? (real *)v.data + run->pixel * v.pitch + p->channel : NULL;
}

// Lanes from the values of all channels.
static inline void spread(const struct part *p, const float *values, float lanes[PART_LANES])
{
    for (size_t lane = 0; lane < p->lanes; lane += p->channels)
        memcpy(lanes + lane, values + p->channel, p->channels * sizeof(lanes[0]));
}

// Sums of channels from those of their lanes.
static inline void fold(const struct part *p, const float lanes[PART_LANES],
                        double sums[PART_LANES])
{
    for (size_t c = 0; c < p->channels; c++)
        sums[c] = 0;
    for (size_t lane = 0; lane < p->lanes; lane += p->channels)
        for (size_t c = 0; c < p->channels; c++)
            sums[c] += lanes[lane + c];
}

// Keeps the sums of a part's channels in partial [chunk][channel].
static inline void keep_sums(const struct walk *w, const struct part *p,
                             const float lanes[PART_LANES], float *partial)
{
    double sums[PART_LANES];
    fold(p, lanes, sums);
    for (size_t c = 0; c < p->channels; c++)
        partial[p->chunk * w->channels + p->channel + c] = (float)sums[c];
}

static inline double sum_chunks(const struct walk *w, const float *partial, size_t channel)
{
    double sum = 0;
    for (size_t chunk = 0; chunk < w->chunks; chunk++)
        sum += partial[chunk * w->channels + channel];
    return sum;
}
