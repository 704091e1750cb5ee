// SPDX-License-Identifier: MIT
#include "cli/evaluate/evaluate.h"

#include "cli/apply/apply.h"
#include "cli/commands.h"
#include "cli/evaluate/split.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/train/train.h"

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

static bool load(const struct options *options, const struct cell *cell,
                 const struct sample_list *samples, struct dataset **dataset)
{
    struct dataset_request request = cell_request(cell);
    request.folder = options->values[OPTION_DATA];
    request.training = (const char *const *)samples->names;
    request.training_count = samples->count;
    if (!dataset_load(&request, dataset))
        return false;
    char *left_out = dataset_left_out(*dataset);
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
    CHECK(apply_find_samples(options, &cell->features, cell->inputs, &images));
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

static void tell_sizes(const struct dataset *dataset)
{
    int other = 0;
    for (int i = 0; i < dataset->count; i++)
        other += dataset->sizes[i].rows != dataset->rows || dataset->sizes[i].cols != dataset->cols;
    if (other > 0)
        fprintf(stderr,
                "the network's size is %d x %d: %d of %d images are resized to it with their "
                "labels, and compared there\n",
                dataset->rows, dataset->cols, other, dataset->count);
}

static bool compute(const struct options *options, struct scores *scores)
{
    const struct cell *cell = scores->cell;
    struct network network;
    const bool done = apply_open_network(options, cell, &network) &&
                      predict_logits(network.engine, cell->base_model, cell->precision,
                                     scores->dataset, cell->labels.count, &network.weights,
                                     (int)options->numbers[OPTION_BATCH_SIZE], scores_take, scores);
    apply_close_network(&network);
    return done;
}

static bool evaluate(const struct options *options, const struct cell *cell)
{
    const char *data = options->values[OPTION_DATA], *out = options->values[OPTION_OUT];
    struct dataset *dataset = NULL;
    struct sample_list samples = {0};
    struct scores scores = {0};
    enum split split;
    if (!folder_exists(data))
        return error_set("%s: no such data folder", data);
    CHECK(check_out(out, option_set(options, OPTION_OVERWRITE)));
    CHECK(split_samples(options, cell, &samples, &split));
    if (split == SPLIT_ALL)
        CHECK(tell_unlabelled(options, cell, &samples));
    CHECK(load(options, cell, &samples, &dataset));
    if (!option_set(options, OPTION_QUIET))
        tell_sizes(dataset);
    scores_init(&scores, cell, dataset);
    scores.split = split_name(split);
    CHECK(compute(options, &scores));
    if (out)
        CHECK(scores_write(&scores, out));
    if (option_set(options, OPTION_JSON))
        command_print_json(scores_json(&scores));
    else
        scores_print(&scores);
    scores_free(&scores);
    dataset_free(&dataset);
    sample_list_free(&samples);
    return true;
error:
    scores_free(&scores);
    dataset_free(&dataset);
    sample_list_free(&samples);
    return false;
}

int command_evaluate(int argc, char **argv)
{
    struct options options;
    struct cell cell;
    int status;
    if (!options_parse(COMMAND_EVALUATE, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("evaluate", "-w FILE: is missing");
    if (!option_set(&options, OPTION_DATA))
        return command_misused("evaluate", "-d DIR: is missing");
    if (!apply_read_cell(&options, &cell))
        return command_failed();
    const bool done = evaluate(&options, &cell);
    cell_free(&cell);
    return done ? 0 : command_failed();
}
