// SPDX-License-Identifier: MIT
#include "tests/train/training_case.h"

#include "tests/hash_weights.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct dataset *case_dataset(int rows, int cols, int features, int labels, int training,
                             int validation)
{
    struct dataset *dataset = mem_zalloc(1, sizeof *dataset);
    const size_t pixels = (size_t)(training + validation) * (size_t)rows * (size_t)cols;

    *dataset = (struct dataset){.rows = rows,
                                .cols = cols,
                                .features = features,
                                .labels = labels,
                                .count = training + validation,
                                .training_count = training};
    dataset->names = mem_zalloc((size_t)dataset->count, sizeof *dataset->names);
    for (int i = 0; i < dataset->count; i++)
        dataset->names[i] = text_format("target%d", i);
    dataset->inputs = mem_zalloc(pixels * (size_t)features, sizeof(float));
    dataset->targets = mem_zalloc(pixels * (size_t)labels, sizeof(float));
    hash_inputs(1, pixels * (size_t)features, dataset->inputs);
    hash_targets(2, pixels * (size_t)labels, dataset->targets);
    return dataset;
}

struct train_run case_run(double lr, int batch_size, int num_epochs, int index)
{
    struct train_run run = {.seed = 11, .cell = 3, .index = index, .shuffle = true};
    run.plan.count = 3;
    for (int r = 0; r < 3; r++)
        run.plan.rounds[r] = (struct round){
            .lr = lr * (3 - r) / 3,
            .gamma = 0.9,
            .bce_weight = 0.25 * (2 - r),
            .batch_size = batch_size,
            .num_epochs = num_epochs,
        };
    return run;
}

static bool on_epoch(void *context, int slot, const struct epoch_result *result)
{
    struct record *record = context;
    struct slot_record *to = &record->slots[slot];
    if (to->epoch_count == record->stop_at_epoch)
        return error_set("stopped by the test");
    const struct overlaps *overlaps = result->overlaps;
    const size_t count =
        overlaps ? (size_t)overlaps->samples * (size_t)overlaps->labels * OVERLAP_COUNTS : 0;
    to->overlaps[to->epoch_count] =
        overlaps ? hash_bytes(overlaps->counts, count * sizeof *overlaps->counts, 0) : 0;
    to->epochs[to->epoch_count] = *result;
    to->epochs[to->epoch_count++].overlaps = NULL;
    return true;
}

static bool on_step(void *context, int slot, const struct step_result *result)
{
    struct slot_record *to = &((struct record *)context)->slots[slot];
    to->steps[to->step_count++] = *result;
    return true;
}

static bool on_round(void *context, int slot, const struct round_result *result)
{
    struct slot_record *to = &((struct record *)context)->slots[slot];
    to->rounds[to->round_count++] = *result;
    return true;
}

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    struct slot_record *to = &((struct record *)context)->slots[slot];
    to->finished++;
    to->result = *result;
    if (result->failure)
        snprintf(to->failure, sizeof to->failure, "%s", result->failure);
    for (int i = 0; weights && i < weights->count; i++) {
        const struct named_tensor *from = &weights->items[i];
        struct named_tensor *copy =
            tensors_add(&to->weights, from->name, from->type, from->rank, from->dims);
        memcpy(copy->values, from->values,
               from->count * (from->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float)));
    }
    return true;
}

static bool on_checkpoint_due(void *context)
{
    return ((struct record *)context)->checkpoints;
}

static bool on_checkpoint(void *context, int slot, const struct run_state *state)
{
    ((struct record *)context)->slots[slot].states[state->epochs_done] = *state;
    return true;
}

static void on_progress(void *context, int done, int total)
{
    struct record *record = context;
    record->progress_calls++;
    record->done = done;
    record->total = total;
}

bool case_train(struct engine *engine, const struct dataset *dataset, const struct train_run *runs,
                int count, struct record *record)
{
    const struct train_events events = {
        .context = record,
        .epoch = on_epoch,
        .step = on_step,
        .round = on_round,
        .finished = on_finished,
        .checkpoint_due = on_checkpoint_due,
        .checkpoint = on_checkpoint,
        .progress = on_progress,
    };
    return train_pack(engine, RESNET18, dataset, runs, count, &events);
}

void record_free(struct record *record)
{
    for (int i = 0; i < CASE_SLOTS; i++)
        tensors_free(&record->slots[i].weights);
    free(record);
}
