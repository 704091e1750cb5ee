// SPDX-License-Identifier: MIT
// What a label's files say together, and whether it survives being resized: one of few pixels may
// not.
#include "vkgrid/data/survey.h"

#include "data/folder.h"
#include "data/label_values.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

static bool take(const char *path, const struct source *source, struct label_values *values,
                 struct image *plane)
{
    struct image image = {0};
    const bool good =
        image_read(path, &image) &&
        (image_channel(&image, source->folder, source->channel, source->class >= 0, plane) ||
         error_prefix("%s", path)) &&
        label_values_take(values, path, source, plane);
    image_free(&image);
    return good;
}

static bool look_at(const char *path, const struct source *source, int rows, int cols,
                    struct label_values *values, bool *reaches)
{
    struct image plane = {0};
    const bool good = take(path, source, values, &plane) && image_resize(&plane, rows, cols);
    for (size_t i = 0; good && !*reaches && i < (size_t)rows * (size_t)cols; i++)
        *reaches = plane.values[i] >= 0.5F;
    image_free(&plane);
    return good;
}

bool survey_reaches(const char *data, const char *text, char *const *samples, int count, int rows,
                    int cols, bool *reaches)
{
    struct source source;
    struct folder_files files = {0};
    struct label_values values = {0};
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
        good = label_values_decide(&values, data, text);
    label_values_free(&values);
    folder_close(&files);
    source_free(&source);
    return good;
}

bool survey_greys(const char *data, const struct survey_folder *folder, char **warning)
{
    struct source source;
    struct folder_files files = {0};
    struct label_values values = {0};
    *warning = NULL;
    bool good = source_parse(folder->source, &source) && folder_open(data, source.folder, &files);
    for (int i = 0; good && i < files.count; i++) {
        struct image plane = {0};
        char *path = folder_path(&files, i);
        good = take(path, &source, &values, &plane);
        image_free(&plane);
        free(path);
    }
    good = good && label_values_decide(&values, data, folder->source);
    if (good && label_values_many(&values) && values.most < values.range / 2)
        good = error_set(
            "%s/%s: whole numbers up to %g, less than half of %g everywhere: if they "
            "are numbers of objects, masks are wanted in their place (0 and 1)",
            data, folder->source, (double)values.most, (double)values.range);
    if (good && label_values_many(&values))
        *warning = text_format(
            "%s: whole numbers up to %g are taken as shares of %g: if they are numbers of objects, "
            "masks are wanted in their place (0 and 1)",
            folder->source, (double)values.most, (double)values.range);
    label_values_free(&values);
    folder_close(&files);
    source_free(&source);
    return good;
}
