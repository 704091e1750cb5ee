// SPDX-License-Identifier: MIT
#include "data/request.h"

#include "data/folder.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// No sample twice, in one half or in both.
static bool check_samples(const struct dataset_request *request)
{
    const int count = request->training_count + request->validation_count;
    const char **sorted = mem_alloc(((size_t)count + 1) * sizeof(sorted[0]));
    for (int i = 0; i < count; i++) {
        sorted[i] = i < request->training_count ? request->training[i]
                                                : request->validation[i - request->training_count];
        CHECK(folder_check_name("sample", sorted[i]));
    }
    qsort(sorted, (size_t)count, sizeof(sorted[0]), by_text);
    for (int i = 1; i < count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            FAIL("sample %s: is in the partition twice", sorted[i]);
    free(sorted);
    return true;
error:
    free(sorted);
    return false;
}

static bool check_sources(const char *folder, const char *const *texts, int count, bool label)
{
    for (int i = 0; i < count; i++) {
        struct source source;
        if (!source_parse(texts[i], &source))
            return false;
        char *path = source_root(folder, &source);
        const bool null = source_is_null(&source), class = source.class >= 0;
        const bool exists = null || folder_exists(path);
        if (!exists)
            error_set("%s: no such folder: a data set has one for each feature and label", path);
        free(path);
        source_free(&source);
        if (!exists)
            return false;
        if (null && label)
            return error_set("label null: only a feature can be null");
        if (class && !label)
            return error_set("feature \"%.100s\": only a label can be a class", texts[i]);
    }
    return true;
}

bool request_check(const struct dataset_request *request)
{
    if (request->rows < 1 || request->cols < 1 || request->feature_count < 1)
        return error_set(
            "data set: a size of %d x %d with %d features: at least 1 of each is wanted",
            request->rows, request->cols, request->feature_count);
    if (!folder_exists(request->folder))
        return error_set("%s: no such folder: the data set is wanted there", request->folder);
    return check_sources(request->folder, request->features, request->feature_count, false) &&
           check_sources(request->folder, request->labels, request->label_count, true) &&
           check_samples(request);
}
