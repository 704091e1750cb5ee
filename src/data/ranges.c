// SPDX-License-Identifier: MIT
#include "vkgrid/data/ranges.h"

#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

// Scanners and sites differ by factors of 2 or 3, units by 10 and more.
#define FAR 8.0
#define LIKE 2.5 // other images may deviate by it from a ratio of 255

static double width(const struct value_statistics *statistics)
{
    return statistics->high - statistics->low;
}

// Values that no training image had: on average, or spread far beyond them. One that is far
// narrower may be an image of little.
static bool is_outside(const struct value_statistics *image, const struct value_statistics *trained)
{
    const double margin =
        trained->sd + 1e-6 * fmax(fabs(trained->low), fabs(trained->high)); // of a constant
    if (image->count == 0)
        return false;
    return image->mean < trained->low - margin || image->mean > trained->high + margin ||
           (width(image) > FAR * width(trained) && image->sd > FAR * trained->sd);
}

// By both, since one pixel can make a range wide.
static bool is_narrow(const struct value_statistics *all, const struct value_statistics *trained)
{
    return all->sd > 0 && all->sd * FAR < trained->sd && width(all) * FAR < width(trained);
}

static void add_range(struct text *text, const struct value_statistics *statistics)
{
    text_add(text, "%.4g to %.4g (mean %.4g)", statistics->low, statistics->high, statistics->mean);
}

static bool near(double ratio, double factor)
{
    return ratio > factor / LIKE && ratio < factor * LIKE;
}

// What the ratio of the spreads tells, and what to do.
static void add_reason(struct text *text, const struct value_statistics *found,
                       const struct value_statistics *trained)
{
    const double ratio = found->sd > 0 && trained->sd > 0 ? found->sd / trained->sd : 1,
                 factor = ratio < 1 ? 1 / ratio : ratio;
    const char *than = ratio < 1 ? "smaller" : "larger";
    const int range = near(factor, 255) ? 255 : near(factor, 65535) ? 65535 : 0;
    if (range)
        text_add(text,
                 ": about %d times %s; arrays (.npy, ...) are taken as stored, pictures (.png, "
                 "...) are divided by %d: scale them as the training data were",
                 range, than, range);
    else if (factor > FAR)
        text_add(text,
                 ": about %.0f times %s, as in another unit: scale them as the training data were",
                 factor, than);
    else
        text_add(text, ": another unit, or another feature: the network knows no such values");
}

static void add_images(struct text *text, const struct range_check *check, int first, int outside)
{
    if (check->count == 1)
        text_add(text, " in %s", check->names[first]);
    else if (outside == check->count)
        text_add(text, " in all %d images", outside);
    else
        text_add(text, " in %d of %d images (%s%s)", outside, check->count, check->names[first],
                 outside > 1 ? ", ..." : "");
}

char *range_doubt(const struct range_check *check)
{
    const struct value_statistics *trained = check->trained;
    struct value_statistics *outside, found;
    struct text text = {0};
    int count = 0, first = 0;
    if (!trained || trained->count == 0 || check->normalize == NORMALIZE_ZSCORE)
        return NULL;
    outside = mem_alloc(((size_t)check->count + 1) * sizeof(*outside));
    for (int i = 0; i < check->count; i++) {
        const struct value_statistics *image = &check->items[(size_t)i * check->stride];
        if (!is_outside(image, trained))
            continue;
        first = count == 0 ? i : first;
        outside[count++] = *image;
    }
    found = count > 0 ? statistics_join(outside, count, 1)
                      : statistics_join(check->items, check->count, check->stride);
    free(outside);
    if (count == 0 && !is_narrow(&found, trained))
        return NULL;
    text_add(&text, "feature %s: ", check->feature);
    add_range(&text, &found);
    add_images(&text, check, first, count > 0 ? count : check->count);
    text_add(&text, ", but ");
    add_range(&text, trained);
    text_add(&text, " in the training data");
    add_reason(&text, &found, trained);
    return text.bytes;
}
