// SPDX-License-Identifier: MIT
// The folds of a cell, and where they are in its data set.
#include "vkgrid/grid/folds.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// Samples of each subject.
static int samples_each(const struct cell *cell)
{
    const int raters = cJSON_GetArraySize(json_member(cell->options, "raters"));
    return raters > 0 ? raters : 1;
}

struct unet_shape cell_fold_shape(const struct cell *cell, int fold)
{
    struct unet_shape shape = cell_shape(cell);
    const int each = samples_each(cell), subjects = shape.count / each;
    shape.training_count -= each * (subjects / cell->folds + (fold < subjects % cell->folds));
    return shape;
}

int cell_larger_folds(const struct cell *cell)
{
    const int rest = cell_shape(cell).count / samples_each(cell) % cell->folds;
    return rest > 0 ? cell->folds - rest : 0;
}

// How many of the data set's samples have a name of the list; both are in one order. Their places
// are put there.
static int find_samples(const struct dataset *dataset, char *const *names, int count,
                        uint32_t *places)
{
    int found = 0;
    for (int i = 0, at = 0; i < count; i++) {
        int next = at;
        while (next < dataset->count && strcmp(dataset->names[next], names[i]) != 0)
            next++;
        if (next == dataset->count)
            continue; // it has no files
        places[found++] = (uint32_t)next;
        at = next + 1;
    }
    return found;
}

struct data_fold *data_folds(const struct cell *cell, const struct dataset *dataset)
{
    struct data_fold *folds = mem_zalloc((size_t)cell->folds + 1, sizeof(*folds));
    for (int i = 0; i < cell->folds; i++) {
        struct data_fold *fold = &folds[i];
        struct sample_names names;
        cell_fold_samples(cell, i, &names);
        fold->samples = mem_alloc(sizeof(*fold->samples) * (size_t)(dataset->count + 1));
        fold->training_count =
            find_samples(dataset, names.training, names.training_count, fold->samples);
        find_samples(dataset, names.validation, names.validation_count,
                     fold->samples + fold->training_count);
        sample_names_free(&names);
    }
    return folds;
}

void data_folds_free(struct data_fold **folds, int count)
{
    for (int i = 0; *folds && i < count; i++)
        free((*folds)[i].samples);
    free(*folds);
    *folds = NULL;
}

static bool reaches(const struct dataset *dataset, const struct data_fold *fold, int label)
{
    for (int i = 0; i < fold->training_count; i++)
        if (dataset->reaches[fold->samples[i] * (uint32_t)dataset->labels + (uint32_t)label] >=
            0.5f)
            return true;
    return false;
}

bool data_folds_check_labels(const struct cell *cell, const struct dataset *dataset)
{
    struct data_fold *folds = data_folds(cell, dataset);
    bool good = true;
    for (int i = 0; i < cell->folds; i++)
        for (int label = 0; good && label < dataset->labels; label++)
            good = folds[i].training_count == 0 || reaches(dataset, &folds[i], label) ||
                   error_set(
                       "label %s: reaches 0.5 in none of the %d training samples of fold %d "
                       "of %d: another seed cuts other folds",
                       cell->labels.names[label], folds[i].training_count, i + 1, cell->folds);
    data_folds_free(&folds, cell->folds);
    return good;
}
