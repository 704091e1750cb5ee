// SPDX-License-Identifier: MIT
#include "study/kept.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/data/overlap.h"
#include "vkgrid/store/view.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void kept_add(struct run_record *run, int epoch_index, const struct overlaps *overlaps, bool saved)
{
    const size_t count = (size_t)overlaps->samples * (size_t)overlaps->labels * OVERLAP_COUNTS;
    struct kept_overlaps kept = {.epoch_index = epoch_index, .overlaps = *overlaps, .saved = saved};
    kept.overlaps.counts = mem_alloc(count * sizeof(*kept.overlaps.counts));
    memcpy(kept.overlaps.counts, overlaps->counts, count * sizeof(*kept.overlaps.counts));
    run->kept = mem_grow(run->kept, (size_t)run->kept_count + 1, sizeof(*run->kept));
    run->kept[run->kept_count++] = kept;
}

// The epoch whose weights that round had kept after so many epochs, or -1.
static int last_best(const struct run_record *run, int round, int epochs)
{
    for (int i = epochs - 1; i >= 0; i--)
        if (run->epochs[i].round == round && run->epochs[i].best)
            return i;
    return -1;
}

bool kept_needed(const struct run_record *run, int epoch_index)
{
    const int round = run->epochs[epoch_index].round;
    if (run->state == TRIAL_COMPLETE)
        return epoch_index == run->result.kept_epochs - 1;
    return run->state != TRIAL_FAIL &&
           (epoch_index == last_best(run, round, run->epoch_count) ||
            epoch_index == last_best(run, round, run->checkpoint.epochs_done));
}

void kept_saved(struct run_record *run)
{
    int count = 0;
    for (int i = 0; i < run->kept_count; i++) {
        struct kept_overlaps *kept = &run->kept[i];
        kept->saved = true;
        if (kept_needed(run, kept->epoch_index))
            run->kept[count++] = *kept;
        else
            free(kept->overlaps.counts);
    }
    run->kept_count = count;
}

void kept_cut(struct run_record *run, int epochs_done)
{
    while (run->kept_count > 0 && run->kept[run->kept_count - 1].epoch_index >= epochs_done)
        free(run->kept[--run->kept_count].overlaps.counts);
}

void record_drop_overlaps(struct record *record)
{
    for (int i = 0; i < cell_run_count(&record->cell); i++)
        kept_cut(&record->runs[i], 0);
}

bool record_has_weights(const struct record *record)
{
    for (int i = 0; i < cell_network_count(&record->cell); i++)
        if (record->weights[i])
            return true;
    return false;
}

int record_kept_run(const struct record *record, int network)
{
    const int step = cell_network_count(&record->cell);
    int kept = -1;
    for (int i = network; i < cell_run_count(&record->cell); i += step)
        if (record->runs[i].state == TRIAL_COMPLETE &&
            (kept < 0 || record->runs[i].result.dice < record->runs[kept].result.dice))
            kept = i;
    return kept;
}

const struct overlaps *kept_overlaps_of(const struct run_record *run)
{
    for (int i = 0; i < run->kept_count; i++)
        if (run->kept[i].epoch_index == run->result.kept_epochs - 1)
            return &run->kept[i].overlaps;
    return NULL;
}

void kept_add_images(const struct overlaps *overlaps, int label, struct label_mean *mean)
{
    for (int i = 0; i < overlaps->samples; i++) {
        const uint32_t *counts =
            overlaps->counts +
            ((size_t)i * (size_t)overlaps->labels + (size_t)label) * OVERLAP_COUNTS;
        const struct overlap overlap = {counts[0], counts[1], counts[2]};
        if (isnan(overlap_dice(&overlap)))
            continue;
        mean->dice += overlap_dice(&overlap);
        mean->iou += overlap_iou(&overlap);
        mean->images++;
    }
}

// Over the images of all the cell's networks.
static cJSON *label_json(const struct record *record, int label)
{
    struct label_mean mean = {0};
    for (int i = 0; i < cell_network_count(&record->cell); i++)
        kept_add_images(kept_overlaps_of(&record->runs[record_kept_run(record, i)]), label, &mean);
    cJSON *json = cJSON_CreateObject();
    // NaN, which becomes null, of no image.
    cJSON_AddItemToObject(json, "hard_dice", view_number_json(mean.dice / mean.images));
    cJSON_AddItemToObject(json, "iou", view_number_json(mean.iou / mean.images));
    cJSON_AddNumberToObject(json, "images", mean.images);
    return json;
}

// The epoch whose weights those of a network are; NULL: it has none, or it is not known.
static const struct epoch_result *kept_epoch(const struct record *record, int network)
{
    const int number = record_kept_run(record, network);
    const struct run_record *run = number < 0 ? NULL : &record->runs[number];
    return run && run->result.kept_epochs >= 1 && run->result.kept_epochs <= run->epoch_count
               ? &run->epochs[run->result.kept_epochs - 1]
               : NULL;
}

static void describe_network(const struct record *record, int network, cJSON *json)
{
    const struct epoch_result *epoch = kept_epoch(record, network);
    cJSON_AddNumberToObject(json, "run", record_kept_run(record, network));
    cJSON_AddNumberToObject(json, "round", epoch->round);
    cJSON_AddNumberToObject(json, "epoch", epoch->epoch);
    cJSON_AddNumberToObject(json, "bce_loss", epoch->validation[METRIC_BCE]);
    cJSON_AddNumberToObject(json, "dice_loss", epoch->validation[METRIC_DICE]);
    cJSON_AddNumberToObject(json, "loss", epoch->validation[METRIC_LOSS]);
}

static void describe_folds(const struct record *record, cJSON *json)
{
    static const char *const names[METRIC_COUNT] = {
        [METRIC_BCE] = "bce_loss", [METRIC_DICE] = "dice_loss", [METRIC_LOSS] = "loss"};
    const int folds = record->cell.folds;
    for (int m = 0; m < METRIC_COUNT; m++) {
        double sum = 0;
        for (int i = 0; i < folds; i++)
            sum += kept_epoch(record, i)->validation[m];
        cJSON_AddNumberToObject(json, names[m], sum / folds);
    }
    cJSON *list = cJSON_AddArrayToObject(json, "folds");
    for (int i = 0; i < folds; i++) {
        cJSON *fold = cJSON_CreateObject();
        cJSON_AddNumberToObject(fold, "fold", i);
        describe_network(record, i, fold);
        cJSON_AddItemToArray(list, fold);
    }
}

void record_describe_kept(const struct record *record, struct cJSON *json)
{
    bool counted = true;
    for (int i = 0; i < cell_network_count(&record->cell); i++) {
        if (!kept_epoch(record, i))
            return;
        counted = counted && kept_overlaps_of(&record->runs[record_kept_run(record, i)]);
    }
    cJSON *kept = cJSON_AddObjectToObject(json, "kept");
    if (record->cell.folds > 0)
        describe_folds(record, kept);
    else
        describe_network(record, 0, kept);
    if (!counted)
        return;
    cJSON *labels = cJSON_AddObjectToObject(json, "labels");
    for (int k = 0; k < record->cell.labels.count; k++)
        cJSON_AddItemToObject(labels, record->cell.labels.names[k], label_json(record, k));
}
