// SPDX-License-Identifier: MIT
#include "fakes.h"

#include "vkgrid/error.h"
#include "vkgrid/file.h"
#include "vkgrid/memory.h"
#include "vkgrid/random.h"

#include <stdlib.h>
#include <string.h>

struct fake fake;

void fake_reset(void)
{
    fake = (struct fake){.memory = 100, .stop_after = -1, .fail_cell = -1};
}

struct engine {
    struct device_info info;
};

bool engine_open(int device, struct engine **engine)
{
    (void)device;
    *engine = mem_zalloc(1, sizeof(**engine));
    (*engine)->info = (struct device_info){
        .name = "fake", .kind = DEVICE_DISCRETE, .memory = fake.memory, .usable = true};
    fake.engines++;
    return true;
}

void engine_close(struct engine **engine)
{
    fake.engines -= *engine != NULL;
    free(*engine);
    *engine = NULL;
}

const struct device_info *engine_device(const struct engine *engine)
{
    return &engine->info;
}

bool dataset_load(const struct dataset_request *request, struct dataset **dataset)
{
    if (fake.missing_label)
        return error_set("data/V1/x.png: no such file");
    *dataset = mem_zalloc(1, sizeof(**dataset));
    (*dataset)->count = request->training_count + request->validation_count;
    (*dataset)->training_count = request->training_count;
    fake.datasets++;
    return true;
}

void dataset_free(struct dataset **dataset)
{
    fake.datasets -= *dataset != NULL;
    free(*dataset);
    *dataset = NULL;
}

uint64_t train_memory(struct engine *engine, const struct unet_shape *shape, int slots)
{
    (void)engine;
    (void)shape;
    return 10 * (uint64_t)slots;
}

double train_work(const struct unet_shape *shape, const struct plan *plan)
{
    return (double)shape->count * plan->count * plan->rounds[0].num_epochs;
}

bool weights_write(const char *path, const struct tensors *weights, const char *const *metadata)
{
    (void)weights;
    return file_write_text(path, metadata[5]);
}

bool base_model_parse(const char *text, enum base_model *base_model)
{
    *base_model = strcmp(text, "resnet34") == 0 ? RESNET34 : RESNET18;
    return strcmp(text, "resnet18") == 0 || *base_model == RESNET34;
}

const char *base_model_name(enum base_model base_model)
{
    return base_model == RESNET18 ? "resnet18" : "resnet34";
}

static bool train_epoch(const struct train_run *run, int slot, int r, int e, struct random *random,
                        struct round_result *round, const struct train_events *events)
{
    struct epoch_result epoch = {.round = r, .epoch = e, .lr = run->plan.rounds[r].lr};
    for (int m = 0; m < METRIC_COUNT; m++) {
        epoch.training[m] = random_uniform(random);
        epoch.validation[m] = random_uniform(random);
    }
    epoch.best = e == 0 || epoch.validation[METRIC_LOSS] < round->loss;
    if (epoch.best)
        round->loss = epoch.validation[METRIC_LOSS];
    if (e == 0 || epoch.validation[METRIC_DICE] < round->dice)
        round->dice = epoch.validation[METRIC_DICE];
    if (events->step) {
        const struct step_result step = {.round = r, .epoch = e, .metrics = {0.5, 0.25, 0.125}};
        if (!events->step(events->context, slot, &step))
            return false;
    }
    return events->epoch(events->context, slot, &epoch);
}

static bool train_run(const struct train_run *run, int slot, const struct train_events *events)
{
    struct random random =
        random_stream(run->seed, (uint64_t)run->cell, (uint64_t)run->index, RANDOM_WEIGHTS);
    struct run_result result = {.dice = 2, .seconds = 1};
    const struct tensors weights = {0};
    for (int r = 0; r < run->plan.count; r++) {
        struct round_result round = {.round = r};
        for (int e = 0; e < run->plan.rounds[r].num_epochs; e++) {
            if (!train_epoch(run, slot, r, e, &random, &round, events))
                return false;
        }
        if (run->cell == fake.fail_cell && run->index == 0) {
            result.failure = "diverged: loss is not finite";
            return events->finished(events->context, slot, &result, NULL);
        }
        if (!events->round(events->context, slot, &round))
            return false;
        if (round.dice < result.dice) {
            result.best_round = r;
            result.dice = round.dice;
            result.loss = round.loss;
        }
    }
    return events->finished(events->context, slot, &result, &weights);
}

bool train_pack(struct engine *engine, enum base_model base_model, const struct dataset *dataset,
                const struct train_run *runs, int count, const struct train_events *events)
{
    (void)engine;
    (void)base_model;
    (void)dataset;
    if (fake.packs == fake.stop_after)
        return error_set("training: interrupted");
    fake.packs++;
    fake.runs += count;
    fake.largest = count > fake.largest ? count : fake.largest;
    fake.pretrained = runs[0].pretrained;
    fake.init = runs[0].init;
    for (int i = 0; i < count; i++) {
        if (!train_run(&runs[i], i, events))
            return false;
    }
    return true;
}
