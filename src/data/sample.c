// SPDX-License-Identifier: MIT
#include "vkgrid/data/sample.h"

#include <stdlib.h>

#include "data/phantom.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/base/memory.h"

#define SUBJECTS_LIMIT 999
#define SIDE_LEAST 32
#define SIDE_LIMIT 4096

// <folder>/<name>/subNN.<extension>; the caller frees it.
static char *image_path(const char *folder, const char *name, int subject, const char *extension)
{
    return text_format("%s/%s/sub%02d.%s", folder, name, subject, extension);
}

static bool make_folders(const char *folder, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        char *path = text_format("%s/%s", folder, names[i]);
        const bool made = folder_make(path);
        free(path);
        if (!made)
            return false;
    }
    return true;
}

static bool write_subject(const char *folder, const struct phantom *phantom, int subject)
{
    const int dims[2] = {phantom->rows, phantom->cols};
    bool ok = true;

    for (int i = 0; ok && i < PHANTOM_FEATURES; i++) {
        char *path = image_path(folder, phantom_feature_names[i], subject, "npy");
        ok = npy_write(path, 2, dims, phantom->features[i]);
        free(path);
    }
    for (int i = 0; ok && i < PHANTOM_LABELS; i++) {
        char *path = image_path(folder, phantom_label_names[i], subject, "png");
        ok = png_write(path, phantom->rows, phantom->cols, 1, phantom->labels[i]);
        free(path);
    }
    return ok;
}

bool sample_write(const char *folder, int subjects, int rows, int cols, uint64_t seed)
{
    struct phantom *phantom = NULL;

    if (subjects < 1 || subjects > SUBJECTS_LIMIT)
        FAIL("sample: %d subjects: 1 to %d are allowed", subjects, SUBJECTS_LIMIT);
    if (rows < SIDE_LEAST || rows > SIDE_LIMIT || cols < SIDE_LEAST || cols > SIDE_LIMIT)
        FAIL("sample: images of %d x %d: %d to %d rows and columns are allowed", rows, cols,
             SIDE_LEAST, SIDE_LIMIT);
    CHECK(make_folders(folder, phantom_feature_names, PHANTOM_FEATURES));
    CHECK(make_folders(folder, phantom_label_names, PHANTOM_LABELS));
    phantom = phantom_create(rows, cols);
    for (int subject = 1; subject <= subjects; subject++) {
        phantom_draw(phantom, seed, subject);
        CHECK(write_subject(folder, phantom, subject));
    }
    phantom_destroy(&phantom);
    return true;
error:
    phantom_destroy(&phantom);
    return false;
}
