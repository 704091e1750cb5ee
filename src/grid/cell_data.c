// SPDX-License-Identifier: MIT
// The data of a cell.
#include "vkgrid/grid/folds.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"
#include "vkgrid/data/summary.h"

#include <stdlib.h>
#include <string.h>

static bool check_names(const struct cell *cell, const struct name_list *names, const char *what)
{
    for (int i = 0; i < names->count; i++) {
        struct source source;
        if (!source_parse(names->sources[i], &source))
            return false;
        char *folder = source_root(cell->data, &source);
        const bool there = source_is_null(&source) || folder_exists(folder); // null: zeros
        if (!there)
            error_set("%s: no such folder: the %s \"%s\" has its files there", folder, what,
                      names->names[i]);
        free(folder);
        source_free(&source);
        if (!there)
            return false;
    }
    return true;
}

bool cell_check_inputs(const struct cell *cell, const char *where)
{
    if (!cell->data)
        return error_set(
            "%s: data_cache_path: is missing: a data folder is needed there or by --data DIR",
            where);
    if (!folder_exists(cell->data))
        return error_set("%s: no such data folder", cell->data);
    return check_names(cell, &cell->features, "feature") &&
           check_names(cell, &cell->labels, "label");
}

struct dataset_request cell_request(const struct cell *cell)
{
    return (struct dataset_request){
        .folder = cell->data,
        .rows = cell->rows,
        .cols = cell->cols,
        .features = cell->features.sources,
        .feature_count = cell->features.count,
        .labels = cell->labels.sources,
        .label_count = cell->labels.count,
        .normalize = cell->normalize,
        .trained = cell->trained,
    };
}

bool cell_load_data(const struct cell *cell, const struct dataset_request *how,
                    struct dataset **dataset)
{
    struct sample_names samples;
    struct dataset_request request = cell_request(cell);
    if (how) {
        request.check = how->check;
        request.files = how->files;
        request.progress = how->progress;
        request.context = how->context;
    }
    cell_samples(cell, &samples);
    request.training = (const char *const *)samples.training;
    request.training_count = samples.training_count;
    request.validation = (const char *const *)samples.validation;
    request.validation_count = samples.validation_count;
    bool loaded = dataset_load(&request, dataset);
    sample_names_free(&samples);
    if (loaded && !(summary_check_labels(*dataset) &&
                    (cell->folds == 0 || data_folds_check_labels(cell, *dataset)))) {
        dataset_free(dataset);
        loaded = error_prefix("%s", cell->data);
    }
    return loaded;
}

int cell_background(const struct cell *cell)
{
    int first = 0;
    for (int i = cell->features.count - 1; i >= 0; i--) {
        if (strcmp(cell->features.names[i], "curvature") == 0)
            return i;
        if (strcmp(cell->features.sources[i], "null") != 0)
            first = i;
    }
    return first;
}
