// SPDX-License-Identifier: MIT
// One channel of a file.
#include "vkgrid/formats/image.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ALPHA = 3 };

static size_t pixel_count(const struct image *image)
{
    return (size_t)image->rows * (size_t)image->cols;
}

static const float *pixel(const struct image *image, size_t index)
{
    return image->values + index * (size_t)image->channels;
}

static void make_plane(const struct image *image, float range, struct image *plane)
{
    *plane = (struct image){
        .rows = image->rows,
        .cols = image->cols,
        .values = mem_alloc(pixel_count(image) * sizeof(float)),
        .channels = 1,
        .kind = image->kind == IMAGE_ARRAY ? IMAGE_ARRAY : IMAGE_PICTURE,
        .range = range,
    };
}

static bool copy_channel(const struct image *image, int channel, struct image *plane)
{
    make_plane(image, image->range, plane);
    for (size_t i = 0; i < pixel_count(image); i++)
        plane->values[i] = pixel(image, i)[channel];
    return true;
}

static const uint8_t *colour_of(const struct image *image, size_t index)
{
    return image->palette + 4 * (size_t)*pixel(image, index);
}

// Red, green, blue or alpha of a palette's colours.
static bool copy_colour(const struct image *image, int channel, struct image *plane)
{
    make_plane(image, 255, plane);
    for (size_t i = 0; i < pixel_count(image); i++)
        plane->values[i] = colour_of(image, i)[channel];
    return true;
}

static bool palette_grey(const struct image *image, const char *folder, struct image *plane)
{
    for (size_t i = 0; i < pixel_count(image); i++) {
        const uint8_t *colour = colour_of(image, i);
        const bool grey = colour[0] == colour[1] && colour[1] == colour[2];
        if (!grey || colour[ALPHA] != 255)
            return error_set(
                "a palette image %s: as a label write its class, as in \"%s=1\", as a feature its "
                "channel, as in \"%s[0]\"; in Python Image.open(file).convert(\"L\") makes it grey",
                grey ? "that is not opaque" : "whose colours are not grey", folder, folder);
    }
    return copy_colour(image, 0, plane);
}

static bool check_opaque(const struct image *image, const char *folder)
{
    const int alpha = image->channels - 1;
    for (size_t i = 0; i < pixel_count(image); i++)
        if (pixel(image, i)[alpha] != image->range)
            return error_set(
                "has an alpha channel that is not opaque: \"%s[%d]\" is that channel, "
                "\"%s[0]\" the first",
                folder, alpha, folder);
    return true;
}

static bool picture_grey(const struct image *image, const char *folder, struct image *plane)
{
    const int channels = image->channels - image->alpha;
    if (image->alpha && !check_opaque(image, folder))
        return false;
    for (size_t i = 0; channels > 1 && i < pixel_count(image); i++)
        for (int channel = 1; channel < channels; channel++)
            if (pixel(image, i)[channel] != pixel(image, i)[0])
                return error_set(
                    "a colour image: \"%s[0]\" to \"%s[%d]\" are its channels; in "
                    "Python Image.open(file).convert(\"L\") makes it grey",
                    folder, folder, channels - 1);
    return copy_channel(image, 0, plane);
}

bool image_channel(const struct image *image, const char *folder, int channel, bool classes,
                   struct image *plane)
{
    const bool colours = image->kind == IMAGE_PALETTE && !classes;
    const int channels = colours ? 4 : image->channels;
    *plane = (struct image){0};
    if (channel >= channels)
        return error_set("has no channel [%d]: [0] to [%d] are there", channel, channels - 1);
    if (colours)
        return channel < 0 ? palette_grey(image, folder, plane)
                           : copy_colour(image, channel, plane);
    if (channel >= 0)
        return copy_channel(image, channel, plane);
    if (image->kind == IMAGE_PICTURE)
        return picture_grey(image, folder, plane);
    if (image->channels > 1)
        return error_set("has %d channels: \"%s[0]\" to \"%s[%d]\" say which one is meant",
                         image->channels, folder, folder, image->channels - 1);
    return copy_channel(image, 0, plane);
}
