// SPDX-License-Identifier: MIT
#include "cli/apply/ensemble.h"

#include "cli/apply/apply.h"
#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/study/weights_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_member(const struct options *options, struct member *member)
{
    char *note;
    if (!apply_read_cell(options, member->file, &member->cell) ||
        !weights_load_unet(member->file, member->cell.base_model, member->cell.features.count,
                           member->cell.labels.count, &member->weights, &note))
        return false;
    weights_tell(member->file, note);
    member->hash = tensors_hash(&member->weights);
    return weights_fold(member->file, &member->fold);
}

static int by_size(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    const int64_t first = (int64_t)a->cell.rows * a->cell.cols,
                  second = (int64_t)b->cell.rows * b->cell.cols;
    if (first != second)
        return first > second ? -1 : 1;
    if (a->cell.rows != b->cell.rows)
        return a->cell.rows > b->cell.rows ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

// Twice the same would count twice.
static bool check_twice(const struct ensemble *ensemble)
{
    for (int i = 1; i < ensemble->count; i++) {
        const struct member *one = &ensemble->members[i - 1], *other = &ensemble->members[i];
        if (members_same_size(one, other) && one->hash == other->hash)
            return error_set("%s and %s: are the same weights: each once is allowed", one->file,
                             other->file);
    }
    return true;
}

bool ensemble_read(const struct options *options, struct ensemble *ensemble)
{
    const char *files[OPTION_REPEATS];
    const int named = option_list(options, OPTION_WEIGHTS, files),
              count = named + options->argument_count;
    *ensemble = (struct ensemble){.members = mem_zalloc((size_t)count, sizeof(struct member))};
    for (int i = 0; i < count; i++) {
        struct member *member = &ensemble->members[ensemble->count++];
        member->file = i < named ? files[i] : options->arguments[i - named];
        if (!read_member(options, member))
            return false;
        if (i > 0 && !members_agree(&ensemble->members[0], member))
            return false;
    }
    const struct member *first = &ensemble->members[0];
    if (!flips_read(options, &first->cell, first->file, &ensemble->flips))
        return false;
    qsort(ensemble->members, (size_t)count, sizeof(struct member), by_size);
    return check_twice(ensemble);
}

void ensemble_close(struct ensemble *ensemble)
{
    for (int i = 0; i < ensemble->count; i++) {
        struct member *member = &ensemble->members[i];
        predictor_close(&member->predictor);
        tensors_free(&member->weights);
        cell_free(&member->cell);
    }
    for (int i = 0; i < ensemble->dataset_count; i++)
        dataset_free(&ensemble->datasets[i]);
    engine_close(&ensemble->engine);
    free(ensemble->owners);
    free(ensemble->datasets);
    free(ensemble->members);
    *ensemble = (struct ensemble){0};
}

// The data set that an earlier member has and this one can share.
static const struct dataset *find_dataset(const struct ensemble *ensemble, int index)
{
    const struct member *members = ensemble->members;
    for (int i = 0; i < index; i++)
        if (members_same_size(&members[i], &members[index]) &&
            cells_prepare_alike(&members[i].cell, &members[index].cell))
            return members[i].dataset;
    return NULL;
}

// Which samples of those that were read each network predicts alone.
static void share_samples(struct ensemble *ensemble, const char *const *samples, int count)
{
    const struct dataset *dataset = ensemble->datasets[0];
    for (int i = 0, at = 0; i < count && at < dataset->count; i++) {
        struct member *owner = &ensemble->members[ensemble->owners[i]];
        if (strcmp(samples[i], dataset->names[at]) != 0)
            continue; // left out
        if (owner->count++ == 0)
            owner->first = at;
        at++;
    }
}

bool ensemble_load(struct ensemble *ensemble, const char *folder, bool labelled,
                   const char *const *samples, int count, const char *split)
{
    const struct cell *first = &ensemble->members[0].cell;
    ensemble->datasets = mem_zalloc((size_t)ensemble->count, sizeof(struct dataset *));
    for (int i = 0; i < ensemble->count; i++) {
        struct member *member = &ensemble->members[i];
        struct dataset **made = &ensemble->datasets[ensemble->dataset_count];
        struct dataset_request request = cell_request(&member->cell);
        member->dataset = find_dataset(ensemble, i);
        if (member->dataset)
            continue;
        request.folder = folder;
        request.training_name = split;
        request.features = first->features.sources;
        request.label_count = labelled && i == 0 ? request.label_count : 0;
        request.training = i == 0 ? samples : (const char *const *)ensemble->datasets[0]->names;
        request.training_count = i == 0 ? count : ensemble->datasets[0]->count;
        if (!dataset_load(&request, made))
            return false;
        ensemble->dataset_count++;
        member->dataset = *made;
        if (member->dataset->count != ensemble->datasets[0]->count)
            return error_set("%s: its files have changed meanwhile", folder);
    }
    if (ensemble->owners)
        share_samples(ensemble, samples, count);
    return true;
}

char *ensemble_sizes(const struct ensemble *ensemble)
{
    struct text text = {0};
    const struct member *members = ensemble->members;
    const bool several = !members_same_size(&members[0], &members[ensemble->count - 1]);
    text_add(&text, several ? "the networks' sizes are" : "the network's size is");
    for (int i = 0; i < ensemble->count; i++)
        if (i == 0 || !members_same_size(&members[i - 1], &members[i]))
            text_add(&text, "%s %d x %d", i > 0 ? "," : "", members[i].cell.rows,
                     members[i].cell.cols);
    return text.bytes;
}

bool ensemble_open(const struct options *options, struct ensemble *ensemble)
{
    const int batch = (int)options->numbers[OPTION_BATCH_SIZE];
    int device;
    if (!pick_device(options, option_set(options, OPTION_QUIET), &device) ||
        !engine_open(device, &ensemble->engine))
        return false;
    for (int i = 0; i < ensemble->count; i++) {
        struct member *member = &ensemble->members[i];
        struct unet_shape shape = cell_shape(&member->cell);
        shape.batch_size = batch < member->dataset->count ? batch : member->dataset->count;
        if (!predictor_open(ensemble->engine, &shape, &member->weights, &member->predictor))
            return error_prefix("%s", member->file);
        tensors_free(&member->weights);
    }
    return true;
}
