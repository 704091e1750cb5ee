// SPDX-License-Identifier: MIT
#include "vkgrid/data/normalize.h"

#include "vkgrid/base/error.h"

#include <math.h>
#include <string.h>

// Sums of an image are made in so many parts, which the compiler may make at once: their order is
// part of the result.
#define LANES 8

static const char *const names[] = {
    [NORMALIZE_NONE] = "none", [NORMALIZE_ZSCORE] = "zscore", [NORMALIZE_DATASET] = "dataset"};

const char *normalize_name(enum normalize normalize)
{
    return names[normalize];
}

bool normalize_parse(const char *text, enum normalize *normalize)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *normalize = (enum normalize)i;
            return true;
        }
    }
    return error_set("is \"%.100s\": " NORMALIZE_ALLOWED " is allowed", text);
}

static double total(const double lanes[LANES])
{
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum;
}

// Of `count` values, a lane each.
static inline void add_values(double counts[LANES], double sums[LANES], const float *values,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool number = !isnan(values[i]);
        counts[i] += number ? 1 : 0;
        sums[i] += number ? (double)values[i] : 0;
    }
}

static inline void add_squares(double squares[LANES], const float *values, size_t count,
                               double mean)
{
    for (size_t i = 0; i < count; i++) {
        const double apart = isnan(values[i]) ? 0 : (double)values[i] - mean;
        squares[i] += apart * apart;
    }
}

static void find_ends(const float *values, size_t count, struct value_statistics *statistics)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low; // false for NaN
        high = values[i] > high ? values[i] : high;
    }
    statistics->low = (double)low;
    statistics->high = (double)high;
}

struct value_statistics statistics_of(const float *values, size_t count)
{
    const size_t whole = count - count % LANES;
    struct value_statistics found = {0};
    double counts[LANES] = {0}, sums[LANES] = {0}, squares[LANES] = {0};
    for (size_t i = 0; i < whole; i += LANES)
        add_values(counts, sums, values + i, LANES);
    add_values(counts, sums, values + whole, count - whole);
    found.count = total(counts);
    if (found.count == 0)
        return found;
    find_ends(values, count, &found);
    // Of equal values the sums would give a deviation of their own rounding.
    found.mean = found.low == found.high ? found.low : total(sums) / found.count;
    for (size_t i = 0; i < whole; i += LANES)
        add_squares(squares, values + i, LANES, found.mean);
    add_squares(squares, values + whole, count - whole, found.mean);
    found.sd = sqrt(total(squares) / found.count);
    return found;
}

struct value_statistics statistics_join(const struct value_statistics *items, int count,
                                        size_t stride)
{
    struct value_statistics joined = {.low = INFINITY, .high = -INFINITY};
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        const struct value_statistics *item = &items[(size_t)i * stride];
        if (item->count == 0)
            continue;
        joined.count += item->count;
        joined.low = item->low < joined.low ? item->low : joined.low;
        joined.high = item->high > joined.high ? item->high : joined.high;
        sum += item->count * item->mean;
    }
    if (joined.count == 0)
        return (struct value_statistics){0};
    joined.mean = joined.low == joined.high ? joined.low : sum / joined.count;
    for (int i = 0; i < count; i++) {
        const struct value_statistics *item = &items[(size_t)i * stride];
        const double apart = item->mean - joined.mean;
        squares += item->count * (item->sd * item->sd + apart * apart);
    }
    joined.sd = sqrt(squares / joined.count);
    return joined;
}

void normalize_fill(float *values, size_t count, const struct value_statistics *image)
{
    for (size_t i = 0; image->count > 0 && i < count; i++)
        values[i] = isnan(values[i]) ? (float)image->mean : values[i];
}

void normalize_pixels(float *values, size_t count, size_t stride, const struct value_statistics *by)
{
    for (size_t i = 0; i < count; i++) {
        float *value = &values[i * stride];
        *value = by->sd > 0 ? (float)(((double)*value - by->mean) / by->sd) : 0;
    }
}

void normalize_image(enum normalize normalize, const struct value_statistics *image,
                     const struct value_statistics *trained, float *values, size_t count,
                     size_t stride)
{
    static const struct value_statistics nothing = {0};
    if (normalize == NORMALIZE_NONE)
        return;
    if (normalize == NORMALIZE_ZSCORE || image->count == 0)
        trained = image->count > 0 ? image : &nothing; // of NaN alone: the mean, 0
    normalize_pixels(values, count, stride, trained);
}
