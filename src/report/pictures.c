// SPDX-License-Identifier: MIT
#include "report/pictures.h"

#include "vkgrid/base/base64.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/grey.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/formats/image.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

// None; a label that was missed, one where there is none, one for another.
#define ERROR_COLOURS 4
static const uint8_t error_colours[ERROR_COLOURS][3] = {
    {255, 255, 255}, {0, 0, 0}, {160, 160, 160}, {213, 94, 0}};

static char *colour_text(const uint8_t colour[3])
{
    return text_format("#%02x%02x%02x", colour[0], colour[1], colour[2]);
}

char *picture_colour(int class)
{
    uint8_t colour[3];
    label_colour(class, colour);
    return colour_text(colour);
}

cJSON *picture_error_colours(void)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 1; i < ERROR_COLOURS; i++) {
        char *text = colour_text(error_colours[i]);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
        free(text);
    }
    return list;
}

struct picture {
    int rows, cols;
    uint8_t *pixels;
};

// Room for every step-th pixel.
static struct picture picture_of(const struct dataset *dataset, int step)
{
    const int rows = (dataset->rows + step - 1) / step, cols = (dataset->cols + step - 1) / step;
    return (struct picture){rows, cols, mem_alloc((size_t)rows * (size_t)cols)};
}

// Ends the picture. palette NULL: grey.
static void add_png(cJSON *json, const char *name, struct picture *picture, const uint8_t *palette,
                    int colours)
{
    uint8_t *bytes;
    size_t size;
    const bool packed =
        palette ? png_pack_palette(picture->rows, picture->cols, palette, colours, picture->pixels,
                                   &bytes, &size)
                : png_pack(picture->rows, picture->cols, 1, picture->pixels, &bytes, &size);
    if (packed) { // else no memory: the page shows a gap
        char *text = base64(bytes, size), *url = text_format("data:image/png;base64,%s", text);
        cJSON_AddStringToObject(json, name, url);
        free(url);
        free(text);
        free(bytes);
    }
    free(picture->pixels);
}

static void add_classes(cJSON *json, const char *name, const struct dataset *dataset, int step,
                        const uint8_t *map, const uint8_t *palette, int colours)
{
    struct picture picture = picture_of(dataset, step);
    uint8_t *out = picture.pixels;
    for (int row = 0; row < dataset->rows; row += step)
        for (int col = 0; col < dataset->cols; col += step)
            *out++ = map[(size_t)row * (size_t)dataset->cols + (size_t)col];
    add_png(json, name, &picture, palette, colours);
}

void picture_add_map(cJSON *json, const char *name, const struct dataset *dataset, int step,
                     const uint8_t *map)
{
    uint8_t palette[LABEL_CLASSES][3];
    for (int i = 0; i < LABEL_CLASSES; i++)
        label_colour(i, palette[i]);
    // Only as many as a network of so many labels can need: every picture has its own.
    const int colours = dataset->labels < LABEL_CLASSES ? dataset->labels + 1 : LABEL_CLASSES;
    add_classes(json, name, dataset, step, map, palette[0], colours);
}

void picture_add_errors(cJSON *json, const char *name, const struct dataset *dataset, int step,
                        const uint8_t *labels, const uint8_t *map)
{
    const size_t pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    uint8_t *errors = mem_alloc(pixels);
    for (size_t i = 0; i < pixels; i++)
        errors[i] = labels[i] == map[i] ? 0 : !map[i] ? 1 : !labels[i] ? 2 : 3;
    add_classes(json, name, dataset, step, errors, error_colours[0], ERROR_COLOURS);
    free(errors);
}

void picture_add_feature(cJSON *json, const char *name, const struct dataset *dataset, int step,
                         int image, int feature)
{
    const size_t features = (size_t)dataset->features;
    const size_t count = (size_t)dataset->rows * (size_t)dataset->cols;
    const float *values = dataset->inputs + (size_t)image * count * features + (size_t)feature;
    struct picture picture = picture_of(dataset, step);
    uint8_t *out = picture.pixels;
    const struct grey_scale scale = grey_scale_of(values, count, features);
    for (int row = 0; row < dataset->rows; row += step)
        for (int col = 0; col < dataset->cols; col += step) {
            const size_t at = (size_t)row * (size_t)dataset->cols + (size_t)col;
            *out++ = grey_of(scale, values[at * features]);
        }
    add_png(json, name, &picture, NULL, 0);
}
