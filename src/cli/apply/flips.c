// SPDX-License-Identifier: MIT
#include "cli/apply/ensemble.h"

#include "vkgrid/base/error.h"
#include "vkgrid/data/source.h"
#include "vkgrid/study/weights_note.h"

#include <stdio.h>
#include <string.h>

// Features that say where a pixel lies, in the head or in the visual field: in a mirrored image
// they lie about it.
static bool is_coordinate(const char *name)
{
    static const char *const names[] = {"x", "y", "z", "prf_x", "prf_y"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool check_features(const struct cell *cell, const char *file)
{
    for (int i = 0; i < cell->features.count; i++) {
        struct source source;
        if (!source_parse(cell->features.sources[i], &source))
            return false;
        const bool coordinate =
            is_coordinate(cell->features.names[i]) || is_coordinate(source.folder);
        source_free(&source);
        if (coordinate)
            return error_set(
                "--flips: the feature %s of %s is a coordinate, which a mirrored image has the "
                "wrong way round: networks without x, y, z, prf_x and prf_y are allowed",
                cell->features.names[i], file);
    }
    return true;
}

bool flips_read(const struct options *options, const struct cell *cell, const char *file,
                struct flips *flips)
{
    const char *choice = options->values[OPTION_FLIPS];
    struct flat_settings settings;
    bool flattened = false;
    *flips = (struct flips){.count = 1};
    if (!choice)
        return true;
    if (!check_features(cell, file))
        return false;
    for (int flip = 1; flip < FLIPS; flip++)
        if (strcmp(choice, "both") == 0 ||
            flip == (strcmp(choice, "horizontal") == 0 ? FLIP_COLUMNS : FLIP_ROWS))
            flips->list[flips->count++] = flip;
    if (!weights_flat_settings(file, &settings, &flattened))
        return false;
    if (flattened)
        fprintf(stderr,
                "--flips: %s was trained on flat maps of the cortex, where left and right, up and "
                "down differ: its predictions for mirrored ones may be worse\n",
                file);
    else if (!option_set(options, OPTION_QUIET))
        fprintf(stderr,
                "--flips %s: the mean of %d predictions an image; this takes for granted that its "
                "mirror image%s could be one of these images too\n",
                choice, flips->count, flips->count > 2 ? "s" : "");
    return true;
}

void flip_image(const float *from, float *to, int rows, int cols, int values, int flip)
{
    const size_t pixel = (size_t)values, line = (size_t)cols * pixel;
    for (int row = 0; row < rows; row++) {
        const float *source = from + (size_t)(flip & FLIP_ROWS ? rows - 1 - row : row) * line;
        for (int col = 0; col < cols; col++, to += pixel)
            memcpy(to, source + (size_t)(flip & FLIP_COLUMNS ? cols - 1 - col : col) * pixel,
                   pixel * sizeof(float));
    }
}
