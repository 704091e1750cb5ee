// SPDX-License-Identifier: MIT
#include "engine/vulkan/tuning.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *const tuning_families[CONV_FAMILIES] = {
    [CONV_DIRECT] = "direct",
    [CONV_SHARED] = "shared",
    [CONV_MATRIX] = "matrix",
    [CONV_WINOGRAD] = "winograd",
};

#define FIELD(member) \
    .name = #member, .offset = offsetof(struct conv_problem, member), \
    .size = sizeof((struct conv_problem *)0)->member

const struct tuning_field tuning_fields[TUNING_FIELDS] = {
    {FIELD(pixels), 1, 0x80000000},
    {FIELD(quads), 1, 0x80000000},
    {FIELD(in), 1, 0x10000},
    {FIELD(out), 1, 0x10000},
    {FIELD(kernel), 1, 64},
    {FIELD(stride), 1, 64},
    {FIELD(half), 0, 1},
    {FIELD(splits), 1, 0x10000},
    {FIELD(float_out), 0, 1},
};
// A member that is added to the problem needs its place above: another tile may then be the
// fastest.
_Static_assert(offsetof(struct conv_problem, float_out) + sizeof(bool) ==
                       sizeof(enum op_kind) + 8 * sizeof(uint32_t) + 2 * sizeof(bool) &&
                   sizeof(struct conv_problem) <= sizeof(enum op_kind) + 9 * sizeof(uint32_t),
               "tuning_fields must name every member but kind and slots");

uint32_t tuning_get(const struct tuning_field *field, const void *from)
{
    const char *at = (const char *)from + field->offset;
    return field->size == sizeof(bool) ? *(const bool *)at : *(const uint32_t *)(const void *)at;
}

void tuning_set(const struct tuning_field *field, uint32_t value, void *to)
{
    char *at = (char *)to + field->offset;
    if (field->size == sizeof(bool))
        *(bool *)at = value;
    else
        *(uint32_t *)(void *)at = value;
}

// The same convolution, whatever the slots.
static bool alike(const struct conv_problem *a, const struct conv_problem *b)
{
    bool same = a->kind == b->kind;
    for (int i = 0; same && i < TUNING_FIELDS; i++)
        same = tuning_get(&tuning_fields[i], a) == tuning_get(&tuning_fields[i], b);
    return same;
}

bool tuning_same(const struct conv_problem *a, const struct conv_problem *b)
{
    return a->slots == b->slots && alike(a, b);
}

static struct tuned_tile *find_exactly(const struct tuning *tuning,
                                       const struct conv_problem *problem)
{
    for (int i = 0; i < tuning->tile_count; i++)
        if (tuning_same(&tuning->tiles[i].problem, problem))
            return &tuning->tiles[i];
    return NULL;
}

const struct tuned_tile *tuning_entry(const struct tuning *tuning,
                                      const struct conv_problem *problem)
{
    return find_exactly(tuning, problem);
}

void tuning_put_tile(struct tuning *tuning, const struct tuned_tile *tile)
{
    struct tuned_tile *there = find_exactly(tuning, &tile->problem);
    if (!there && tuning->tile_count == TUNING_TILES) {
        tuning->tile_count--;
        memmove(tuning->tiles, tuning->tiles + 1,
                (size_t)tuning->tile_count * sizeof *tuning->tiles);
    }
    if (!there) {
        tuning->tiles =
            mem_grow(tuning->tiles, (size_t)tuning->tile_count + 1, sizeof *tuning->tiles);
        there = &tuning->tiles[tuning->tile_count++];
    }
    *there = *tile;
}

// How many times more one is than the other.
static double ratio(uint32_t a, uint32_t b)
{
    return a > b ? (double)a / b : (double)b / a;
}

const struct conv_tile *tuning_find_tile(const struct tuning *tuning,
                                         const struct conv_problem *problem)
{
    const struct tuned_tile *best = NULL;
    for (int i = 0; i < tuning->tile_count; i++) {
        const struct tuned_tile *tile = &tuning->tiles[i];
        if (alike(&tile->problem, problem) &&
            (!best || ratio(tile->problem.slots, problem->slots) <
                          ratio(best->problem.slots, problem->slots)))
            best = tile;
    }
    return best ? &best->tile : NULL;
}

static struct tuned_curve *find_curve(const struct tuning *tuning, const char *key)
{
    for (int i = 0; i < tuning->curve_count; i++)
        if (strcmp(tuning->curves[i].key, key) == 0)
            return &tuning->curves[i];
    return NULL;
}

const struct slot_times *tuning_find_curve(const struct tuning *tuning, const char *key)
{
    const struct tuned_curve *curve = find_curve(tuning, key);
    return curve ? &curve->curve : NULL;
}

void tuning_put_curve(struct tuning *tuning, const char *key, const struct slot_times *curve,
                      bool measured)
{
    struct tuned_curve *there = find_curve(tuning, key);
    if (!there && tuning->curve_count == TUNING_CURVES) {
        free(tuning->curves[0].key);
        tuning->curve_count--;
        memmove(tuning->curves, tuning->curves + 1,
                (size_t)tuning->curve_count * sizeof *tuning->curves);
    }
    if (!there) {
        tuning->curves =
            mem_grow(tuning->curves, (size_t)tuning->curve_count + 1, sizeof *tuning->curves);
        there = &tuning->curves[tuning->curve_count++];
        there->key = text_copy(key);
    }
    there->curve = *curve;
    there->measured = measured;
}

void tuning_merge(const struct tuning *from, struct tuning *to)
{
    for (int i = 0; i < from->tile_count; i++)
        if (from->tiles[i].measured)
            tuning_put_tile(to, &from->tiles[i]);
    for (int i = 0; i < from->curve_count; i++)
        if (from->curves[i].measured)
            tuning_put_curve(to, from->curves[i].key, &from->curves[i].curve, true);
}

void tuning_free(struct tuning *tuning)
{
    for (int i = 0; i < tuning->curve_count; i++)
        free(tuning->curves[i].key);
    free(tuning->curves);
    free(tuning->tiles);
    free(tuning->path);
    *tuning = (struct tuning){0};
}
