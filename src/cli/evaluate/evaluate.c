// SPDX-License-Identifier: MIT
#include "cli/evaluate/evaluate.h"

#include "cli/apply/apply.h"
#include "cli/apply/ensemble.h"
#include "cli/commands.h"
#include "cli/evaluate/split.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Before anything is computed.
static bool check_out(const char *path, bool overwrite)
{
    struct stat found;
    if (!path)
        return true;
    if (stat(path, &found) != 0) {
        char *copy = text_copy(path);
        const bool good = folder_check_writable(dirname(copy));
        free(copy);
        return good;
    }
    if (!S_ISREG(found.st_mode))
        return error_set("%s: is no file: the name of a table (.tsv) is wanted", path);
    return overwrite ||
           error_set("%s: is there already: --overwrite replaces it, another --out keeps it", path);
}

static bool load(const struct options *options, struct ensemble *ensemble,
                 const struct sample_list *samples, enum split split)
{
    const bool part = split != SPLIT_ALL && split != SPLIT_NAMED && split != SPLIT_FOLDS;
    if (!ensemble_load(ensemble, options->values[OPTION_DATA], true,
                       (const char *const *)samples->names, samples->count,
                       part ? split_name(split) : ""))
        return false;
    char *left_out = dataset_left_out(ensemble->datasets[0]);
    if (left_out)
        fprintf(stderr, "%s\n", left_out);
    free(left_out);
    return true;
}

// Images without labels; both lists are sorted.
static bool tell_unlabelled(const struct options *options, const struct cell *cell,
                            const struct sample_list *labelled)
{
    struct sample_list images = {0};
    const char *first = NULL;
    int others = 0, at = 0, files = 0;
    for (int i = 0; i < cell->features.count; i++)
        files += strcmp(cell->features.sources[i], "null") != 0;
    if (files == 0)
        return true;
    CHECK(apply_find_samples(options, options->values[OPTION_DATA], cell, false, &images));
    for (int i = 0; i < images.count; i++) {
        while (at < labelled->count && strcmp(labelled->names[at], images.names[i]) < 0)
            at++;
        if (at < labelled->count && strcmp(labelled->names[at], images.names[i]) == 0)
            continue;
        first = first ? first : images.names[i];
        others++;
    }
    if (others > 0)
        fprintf(stderr, "%d of %d samples ha%s no labels and %s left out: %s%s\n", others,
                images.count, others == 1 ? "s" : "ve", others == 1 ? "is" : "are", first,
                others > 1 ? ", ..." : "");
    sample_list_free(&images);
    return true;
error:
    sample_list_free(&images);
    return false;
}

// Images are compared at the size of the largest network.
static void tell_sizes(const struct ensemble *ensemble)
{
    const struct dataset *dataset = ensemble->datasets[0];
    int other = 0;
    for (int i = 0; i < dataset->count; i++)
        other += dataset->sizes[i].rows != dataset->rows || dataset->sizes[i].cols != dataset->cols;
    const bool several =
        !members_same_size(&ensemble->members[0], &ensemble->members[ensemble->count - 1]);
    if (other == 0 && !several)
        return;
    char *sizes = ensemble_sizes(ensemble);
    fprintf(stderr, "%s: %d of %d images are resized to %s with their labels, and compared there\n",
            sizes, other, dataset->count, several ? "the first" : "it");
    free(sizes);
}

// [sample]; NULL where all networks predict all.
static int *folds_of(const struct ensemble *ensemble)
{
    if (!ensemble->owners)
        return NULL;
    int *folds = mem_alloc((size_t)ensemble->datasets[0]->count * sizeof(*folds));
    for (int i = 0; i < ensemble->count; i++)
        for (int j = 0; j < ensemble->members[i].count; j++)
            folds[ensemble->members[i].first + j] = ensemble->members[i].fold;
    return folds;
}

static bool evaluate(const struct options *options, struct ensemble *ensemble)
{
    const struct cell *cell = &ensemble->members[0].cell;
    const char *data = options->values[OPTION_DATA], *out = options->values[OPTION_OUT];
    struct sample_list samples = {0};
    struct scores scores = {0};
    enum split split;
    if (!folder_exists(data))
        return error_set("%s: no such data folder", data);
    CHECK(check_out(out, option_set(options, OPTION_OVERWRITE)));
    CHECK(split_samples(options, ensemble, &samples, &split));
    if (split == SPLIT_ALL)
        CHECK(tell_unlabelled(options, cell, &samples));
    CHECK(load(options, ensemble, &samples, split));
    ensemble_tell_ranges(ensemble);
    const struct dataset *dataset = ensemble->datasets[0];
    if (!option_set(options, OPTION_QUIET))
        tell_sizes(ensemble);
    scores_init(&scores, cell, dataset);
    scores.split = split_name(split);
    scores.folds = folds_of(ensemble);
    CHECK(ensemble_open(options, ensemble));
    CHECK(ensemble_predict(ensemble, (int)options->numbers[OPTION_BATCH_SIZE], AVERAGED_LOGITS,
                           (struct sample_size){dataset->rows, dataset->cols}, scores_take,
                           &scores));
    if (out)
        CHECK(scores_write(&scores, out));
    if (option_set(options, OPTION_JSON))
        command_print_json(scores_json(&scores));
    else
        scores_print(&scores);
    scores_free(&scores);
    sample_list_free(&samples);
    return true;
error:
    scores_free(&scores);
    sample_list_free(&samples);
    return false;
}

int command_evaluate(int argc, char **argv)
{
    struct options options;
    struct ensemble ensemble;
    int status;
    if (!options_parse(COMMAND_EVALUATE, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("evaluate", "-w FILE: is missing");
    if (!option_set(&options, OPTION_DATA))
        return command_misused("evaluate", "-d DIR: is missing");
    const bool done = ensemble_read(&options, &ensemble) && evaluate(&options, &ensemble);
    ensemble_close(&ensemble);
    return done ? 0 : command_failed();
}
