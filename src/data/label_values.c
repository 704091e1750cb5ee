// SPDX-License-Identifier: MIT
#include "data/label_values.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SLACK 1e-6f // how far a label may leave 0..1 by rounding
#define SMALL 8           // the eighth part of a type's range: numbers of classes, and faint greys

static size_t pixel_count(const struct image *plane)
{
    return (size_t)plane->rows * (size_t)plane->cols;
}

void label_values_note(struct label_values *all, float value)
{
    int at = 0;
    while (at < all->count && all->seen[at] < value)
        at++;
    if (at < all->count && all->seen[at] == value)
        return;
    if (all->count == LABEL_SEEN) {
        all->many = true;
        return;
    }
    memmove(all->seen + at + 1, all->seen + at, (size_t)(all->count - at) * sizeof(float));
    all->seen[at] = value;
    all->count++;
}

static void note_values(struct label_values *all, const struct image *plane)
{
    float last = NAN;
    for (size_t i = 0; i < pixel_count(plane) && !all->many; i++) {
        const float value = plane->values[i];
        if (value != last && !isnan(value))
            label_values_note(all, value);
        last = value;
    }
}

static void note_file(char **file, const char *path)
{
    if (!*file)
        *file = text_copy(path);
}

static float largest(const struct image *plane)
{
    float most = 0;
    for (size_t i = 0; i < pixel_count(plane); i++)
        most = plane->values[i] > most ? plane->values[i] : most;
    return most;
}

static void note_most(struct label_values *all, float most, float range)
{
    if (all->range == 0 || most / range > all->most / all->range) {
        all->most = most;
        all->range = range;
    }
}

// An unsigned integer of at most 16 bits.
static void take_integers(struct label_values *all, const char *path, struct image *plane)
{
    const float most = largest(plane), small = floorf(plane->range / SMALL);
    note_values(all, plane);
    note_most(all, most, plane->range);
    if (most == 1) {
        note_file(&all->ones, path);
        return;
    }
    if (most > 1)
        note_file(&all->full, path);
    for (size_t i = 0; i < pixel_count(plane); i++) {
        const float value = plane->values[i];
        all->small |= most > 1 && value >= 1 && value <= small;
        all->between |= value > small && value < plane->range;
        plane->values[i] = value / plane->range;
    }
}

static bool is_whole(const struct image *plane)
{
    for (size_t i = 0; i < pixel_count(plane); i++) {
        const float value = plane->values[i];
        if (!(isnan(value) || (value >= 0 && value <= SOURCE_CLASSES && value == rintf(value))))
            return false;
    }
    return true;
}

static bool needs_class(const char *where, const struct label_values *all, const char *folder)
{
    char *seen = label_values_text(all);
    error_set(
        "%s: has the values %s: a map of classes, of which a label names one: \"%s=%g\" (a mask "
        "is 0 and 1, or 0 and 255 of 8 bits, 65535 of 16)",
        where, seen, folder, (double)(all->count > 1 ? all->seen[1] : 1));
    free(seen);
    return false;
}

// Numbers that mean what they are.
static bool check_numbers(struct label_values *all, const char *path, const struct source *source,
                          const struct image *plane)
{
    for (size_t i = 0; i < pixel_count(plane); i++) {
        const float value = plane->values[i];
        if (!(value < -LABEL_SLACK || value > 1 + LABEL_SLACK))
            continue;
        const int row = (int)(i / (size_t)plane->cols), col = (int)(i % (size_t)plane->cols);
        note_values(all, plane);
        return is_whole(plane) ? needs_class(path, all, source->folder)
                               : error_set("%s: %g at row %d, column %d: a label is within 0..1",
                                           path, (double)value, row, col);
    }
    return true;
}

static void take_class(struct label_values *all, int class, struct image *plane)
{
    note_values(all, plane);
    for (size_t i = 0; i < pixel_count(plane); i++)
        plane->values[i] = plane->values[i] == (float)class;
}

bool label_values_take(struct label_values *all, const char *path, const struct source *source,
                       struct image *plane)
{
    if (source->class >= 0)
        take_class(all, source->class, plane);
    else if (plane->range > 1)
        take_integers(all, path, plane);
    else
        return check_numbers(all, path, source, plane);
    return true;
}

void label_values_merge(struct label_values *all, const struct label_values *file)
{
    all->many |= file->many;
    all->small |= file->small;
    all->between |= file->between;
    if (file->range > 0)
        note_most(all, file->most, file->range);
    for (int i = 0; i < file->count; i++)
        label_values_note(all, file->seen[i]);
    if (file->ones)
        note_file(&all->ones, file->ones);
    if (file->full)
        note_file(&all->full, file->full);
}

bool label_values_decide(const struct label_values *all, const char *folder, const char *source)
{
    if (all->small && !all->between)
        return needs_class(all->full, all, source);
    if (all->ones && all->full && !all->between)
        return error_set(
            "%s/%s: %s has the values 0 and 1, but %s is of the other kind of mask, up to "
            "the largest value of its type: one kind for all is wanted",
            folder, source, all->ones, all->full);
    if (all->ones && all->full)
        return error_set(
            "%s/%s: %s has nothing but 0 and 1, but %s has greys up to %g: beside them 1 would be "
            "next to nothing: save it as 0 and %g if it is a mask, as 0 if it is not",
            folder, source, all->ones, all->full, (double)all->most, (double)all->range);
    return true;
}

bool label_values_many(const struct label_values *all)
{
    return all->many && all->most < all->range;
}

char *label_values_text(const struct label_values *all)
{
    struct text text = {0};
    for (int i = 0; i < all->count; i++)
        text_add(&text, "%s%g", i == 0 ? "" : ", ", (double)all->seen[i]);
    text_add(&text, "%s", all->many ? ", ..." : "");
    return text.bytes;
}

void label_values_free(struct label_values *all)
{
    free(all->ones);
    free(all->full);
    *all = (struct label_values){0};
}
