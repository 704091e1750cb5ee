// SPDX-License-Identifier: MIT
#include "vkgrid/study/weights_samples.h"

#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/folds.h"
#include "vkgrid/store/queries.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// The folder of the study whose cell has its files there.
static char *study_of(const char *folder)
{
    char *study = text_format("%s/../..", folder);
    if (study_holds(folder, STUDY_DATABASE) || !study_holds(study, STUDY_DATABASE)) {
        free(study);
        study = text_copy(folder); // of a training
    }
    return study;
}

static bool take_partition(void *context, const struct view_value *row)
{
    cJSON **partition = context;
    if (!row->key || strcmp(row->key, "grid") != 0)
        return true;
    cJSON *grid = json_text_parse(&row->json, "grid");
    *partition = cJSON_DetachItemFromObjectCaseSensitive(json_member(grid, "static"), "partition");
    cJSON_Delete(grid);
    return true;
}

// A study whose test subjects have changed since the cell was trained. What cannot be read has
// nothing to say.
static void take_test(const char *folder, cJSON *options)
{
    char *study = study_of(folder);
    struct store_view *view = NULL;
    cJSON *partition = NULL;
    if (study_holds(study, STUDY_DATABASE) && store_view_open(study, &view))
        view_values(view, take_partition, &partition);
    cJSON *theirs = partition_of_training(partition),
          *mine = partition_of_training(json_member(options, "partition"));
    if (theirs && mine && cJSON_Compare(theirs, mine, true))
        cJSON_ReplaceItemInObjectCaseSensitive(options, "partition", partition);
    else
        cJSON_Delete(partition);
    cJSON_Delete(theirs);
    cJSON_Delete(mine);
    store_view_close(&view);
    free(study);
}

bool weights_samples(const char *weights, const char *options, struct sample_names *samples,
                     char **where)
{
    char *folder = file_folder(weights),
         *path = options ? text_copy(options) : text_format("%s/options.json", folder);
    cJSON *json = NULL;
    *samples = (struct sample_names){0};
    *where = NULL;
    int fold;
    bool good = weights_fold(weights, &fold) && (!file_exists(path) || json_read(path, &json));
    if (good && json_member(json, "partition")) {
        if (!options)
            take_test(folder, json);
        good = options_fold_samples(json, path, fold, samples);
        *where = good ? text_copy(path) : NULL;
    }
    cJSON_Delete(json);
    free(folder);
    free(path);
    return good;
}
