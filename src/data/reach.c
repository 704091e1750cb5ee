// SPDX-License-Identifier: MIT
// Whether a label survives being resized: one of few pixels may not.
#include "vkgrid/data/survey.h"

#include "data/folder.h"
#include "data/label_values.h"
#include "vkgrid/base/error.h"

#include <stdlib.h>

static bool look_at(const char *path, const struct source *source, int rows, int cols,
                    struct label_values *values, bool *reaches)
{
    struct image image = {0}, plane = {0};
    bool ones;
    const bool good =
        image_read(path, &image) &&
        (image_channel(&image, source->folder, source->channel, source->class >= 0, &plane) ||
         error_prefix("%s", path)) &&
        label_values_take(values, path, source, false, &plane, &ones) &&
        image_resize(&plane, rows, cols);
    for (size_t i = 0; good && !*reaches && i < (size_t)rows * (size_t)cols; i++)
        *reaches = plane.values[i] >= 0.5F;
    image_free(&plane);
    image_free(&image);
    return good;
}

bool survey_reaches(const char *data, const char *text, char *const *samples, int count, int rows,
                    int cols, bool *reaches)
{
    struct source source;
    struct folder_files files = {0};
    struct label_values values = {0};
    bool by_range;
    *reaches = false;
    bool good = source_parse(text, &source) && folder_open(data, source.folder, &files);
    for (int i = 0; good && !*reaches && i < count; i++) {
        int file;
        good = folder_find(&files, samples[i], &file);
        if (!good || file < 0)
            continue;
        char *path = folder_path(&files, file);
        good = look_at(path, &source, rows, cols, &values, reaches);
        free(path);
    }
    if (good && !*reaches)
        good = label_values_decide(&values, data, text, &by_range);
    label_values_free(&values);
    folder_close(&files);
    source_free(&source);
    return good;
}
