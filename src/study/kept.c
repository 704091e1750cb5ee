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

int record_kept_run(const struct record *record)
{
    int kept = -1;
    for (int i = 0; i < cell_run_count(&record->cell); i++)
        if (record->runs[i].state == TRIAL_COMPLETE &&
            (kept < 0 || record->runs[i].result.dice < record->runs[kept].result.dice))
            kept = i;
    return kept;
}

static cJSON *label_json(const struct overlaps *overlaps, int label)
{
    double dice = 0, iou = 0;
    int images = 0;
    for (int i = 0; i < overlaps->samples; i++) {
        const uint32_t *counts =
            overlaps->counts +
            ((size_t)i * (size_t)overlaps->labels + (size_t)label) * OVERLAP_COUNTS;
        const struct overlap overlap = {counts[0], counts[1], counts[2]};
        if (isnan(overlap_dice(&overlap)))
            continue;
        dice += overlap_dice(&overlap);
        iou += overlap_iou(&overlap);
        images++;
    }
    cJSON *json = cJSON_CreateObject();
    // NaN, which becomes null, of no image.
    cJSON_AddItemToObject(json, "hard_dice", view_number_json(dice / images));
    cJSON_AddItemToObject(json, "iou", view_number_json(iou / images));
    cJSON_AddNumberToObject(json, "images", images);
    return json;
}

void record_describe_kept(const struct record *record, struct cJSON *json)
{
    const int number = record_kept_run(record);
    const struct run_record *run = number < 0 ? NULL : &record->runs[number];
    if (!run || run->result.kept_epochs < 1 || run->result.kept_epochs > run->epoch_count)
        return;
    const struct epoch_result *epoch = &run->epochs[run->result.kept_epochs - 1];
    cJSON *kept = cJSON_AddObjectToObject(json, "kept");
    cJSON_AddNumberToObject(kept, "run", number);
    cJSON_AddNumberToObject(kept, "round", epoch->round);
    cJSON_AddNumberToObject(kept, "epoch", epoch->epoch);
    cJSON_AddNumberToObject(kept, "bce_loss", epoch->validation[METRIC_BCE]);
    cJSON_AddNumberToObject(kept, "dice_loss", epoch->validation[METRIC_DICE]);
    cJSON_AddNumberToObject(kept, "loss", epoch->validation[METRIC_LOSS]);
    for (int i = 0; i < run->kept_count; i++) {
        const struct kept_overlaps *of = &run->kept[i];
        if (of->epoch_index != run->result.kept_epochs - 1)
            continue;
        cJSON *labels = cJSON_AddObjectToObject(json, "labels");
        for (int k = 0; k < of->overlaps.labels; k++)
            cJSON_AddItemToObject(labels, record->cell.labels.names[k],
                                  label_json(&of->overlaps, k));
    }
}
