// SPDX-License-Identifier: MIT
#include "tests/study/fakes.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/train/step_time.h"
#include "vkgrid/base/random.h"

#include <stdlib.h>
#include <string.h>

struct fake fake;

void fake_reset(void)
{
    fake = (struct fake){.memory = 100,
                         .stop_after = -1,
                         .fail_cell = -1,
                         .fingerprint = 7,
                         .useful = 1000,
                         .fits = 1000,
                         .measuring_fits = 1000};
}

struct engine {
    struct device_info info;
};

bool engine_open(int device, struct engine **engine)
{
    *engine = mem_zalloc(1, sizeof(**engine));
    (*engine)->info = (struct device_info){
        .name = "fake", .kind = DEVICE_DISCRETE, .memory = fake.memory, .usable = true};
    if (device == 1 && fake.second > 0)
        (*engine)->info.memory = fake.second;
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

void engine_ask_memory(struct engine *engine)
{
    if (fake.asked++ > 0 && fake.then > 0)
        engine->info.memory = fake.then;
}

bool engine_slot_times(const struct engine *engine, const char *name, struct slot_times *curve)
{
    (void)engine;
    (void)name;
    *curve = fake.curve;
    return curve->count > 0;
}

bool engine_keep_slot_times(struct engine *engine, const char *name, const struct slot_times *curve)
{
    (void)engine;
    (void)name;
    fake.curve = *curve;
    return true;
}

bool step_time_measure(struct engine *engine, const struct unet_shape *shape, int slots,
                       struct step_time *time)
{
    (void)engine;
    (void)shape;
    fake.measured++;
    *time = (struct step_time){.seconds = slots > fake.useful ? (double)slots / fake.useful : 1,
                               .work = 1e-3};
    if (slots > fake.measuring_fits)
        return error_set_kind(ERROR_NO_MEMORY, "out of memory");
    return !fake.measuring_fails || error_set("measuring fails");
}

static void name_samples(const struct dataset_request *request, struct dataset *dataset)
{
    dataset->names = mem_zalloc((size_t)dataset->count + 1, sizeof(*dataset->names));
    for (int i = 0; i < dataset->count; i++)
        dataset->names[i] = text_copy(i < dataset->training_count
                                          ? request->training[i + fake.left_out]
                                          : request->validation[i - dataset->training_count]);
}

bool dataset_load(const struct dataset_request *request, struct dataset **dataset)
{
    if (fake.missing_label)
        return error_set("data/V1/x.png: no such file");
    if (request->rows == fake.missing_rows ||
        (request->rows == fake.vanished_rows && !request->check))
        return error_set("data/V2/x.png: no such file");
    fake.loads += !request->check;
    *dataset = mem_zalloc(1, sizeof(**dataset));
    (*dataset)->count = request->training_count + request->validation_count;
    (*dataset)->training_count = request->training_count - fake.left_out;
    (*dataset)->count -= fake.left_out;
    if (fake.named)
        name_samples(request, *dataset);
    fake.datasets++;
    return true;
}

struct dataset_files *dataset_files_new(void)
{
    return NULL;
}

void dataset_files_free(struct dataset_files **files)
{
    (void)files;
}

void dataset_free(struct dataset **dataset)
{
    fake.datasets -= *dataset != NULL;
    for (int i = 0; *dataset && (*dataset)->names && i < (*dataset)->count; i++)
        free((*dataset)->names[i]);
    if (*dataset)
        free((*dataset)->names);
    free(*dataset);
    *dataset = NULL;
}

uint64_t dataset_fingerprint(const struct dataset *dataset)
{
    (void)dataset;
    return fake.fingerprint;
}

bool checkpoint_check(const char *checkpoints, const struct run_state *state)
{
    (void)checkpoints;
    (void)state;
    return fake.damaged-- <= 0 || error_set_kind(ERROR_DAMAGED, "a checkpoint is damaged");
}

void checkpoint_remove(const char *checkpoints, const struct run_state *old,
                       const struct run_state *now)
{
    (void)checkpoints;
    (void)old;
    (void)now;
}

uint64_t train_memory(struct engine *engine, const struct unet_shape *shape, int slots)
{
    (void)engine;
    return (fake.heavy_rows > 0 && shape->rows == fake.heavy_rows ? 100 : 10) * (uint64_t)slots;
}

double train_work(const struct unet_shape *shape, const struct plan *plan)
{
    return (double)shape->count * plan->count * plan->rounds[0].num_epochs;
}

double train_effort(const struct unet_shape *shape, const struct plan *plan)
{
    return train_work(shape, plan);
}

// A file fits the network of which it has the name.
bool weights_check_pretrained(const char *path, enum base_model base_model, int features,
                              char **note)
{
    (void)features;
    *note = NULL;
    return strstr(path, base_model == RESNET34 ? "34" : "18") ||
           error_set("%s: of another network", path);
}

bool weights_load_unet(const char *path, enum base_model base_model, int features, int labels,
                       struct tensors *weights, char **note)
{
    (void)labels;
    *weights = (struct tensors){0};
    return weights_check_pretrained(path, base_model, features, note);
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

// A slot, and what the real one would hold in checkpoints: it is drawn again.
struct slot {
    const struct train_run *run;
    struct run_state state;
    struct run_result result;
    int kept_epochs; // epochs done when the best weights of the round were kept
    bool over;
};

enum { VALIDATION = 2 }; // samples, of one label

static void draw(const struct train_run *run, int step, struct epoch_result *epoch)
{
    struct random random =
        random_stream(run->seed, (uint64_t)run->cell, (uint64_t)(run->index << 16 | step), 9);
    for (int m = 0; m < METRIC_COUNT; m++) {
        epoch->training[m] = random_uniform(&random);
        epoch->validation[m] = random_uniform(&random);
    }
}

static bool end_slot(struct slot *slot, int index, const struct train_events *events,
                     const char *failure)
{
    const struct tensors weights = {0};
    slot->over = true;
    slot->result.failure = failure;
    slot->result.seconds = 1;
    return events->finished(events->context, index, &slot->result,
                            failure || slot->result.halted ? NULL : &weights);
}

static bool fails(const struct train_run *run, int step)
{
    if (run->cell != fake.fail_cell || run->index != 0 || step != 2)
        return false;
    return fake.fail_once ? fake.failures++ == 0 : ++fake.failures;
}

// Tells an epoch, with counts that no other has if its weights are kept.
static bool tell_epoch(const struct slot *slot, int index, int step, struct epoch_result *epoch,
                       const struct train_events *events)
{
    uint32_t counts[VALIDATION][OVERLAP_COUNTS] = {
        {(uint32_t)step + 1, 100, 100 + (uint32_t)slot->run->index},
        {0, 0, (uint32_t)slot->run->cell % 2},
    };
    const struct overlaps overlaps = {VALIDATION, 1, counts[0]};
    epoch->overlaps = epoch->best ? &overlaps : NULL;
    return events->epoch(events->context, index, epoch);
}

// Takes an epoch into the lowest of its round.
static void take_epoch(struct slot *slot, int step, struct epoch_result *epoch)
{
    struct run_state *state = &slot->state;
    const double loss = epoch->validation[METRIC_LOSS], dice = epoch->validation[METRIC_DICE];
    epoch->best = epoch->epoch == 0 || loss < state->round_loss;
    if (epoch->best) {
        state->round_loss = loss;
        slot->kept_epochs = step + 1;
    }
    if (epoch->epoch == 0 || dice < state->round_dice)
        state->round_dice = dice;
}

static bool train_epoch(struct slot *slot, int index, int step, int r, int e,
                        const struct train_events *events)
{
    struct epoch_result epoch = {.round = r, .epoch = e, .lr = slot->run->plan.rounds[r].lr};
    if (fails(slot->run, step))
        return end_slot(slot, index, events, "diverged: loss is not finite");
    draw(slot->run, step, &epoch);
    take_epoch(slot, step, &epoch);
    if (events->step) {
        const struct step_result result = {.round = r, .epoch = e, .metrics = {0.5, 0.25, 0.125}};
        if (!events->step(events->context, index, &result))
            return false;
    }
    return tell_epoch(slot, index, step, &epoch, events);
}

static void end_round(struct slot *slot, int round)
{
    if (round > 0 && !(slot->state.round_dice < slot->result.dice))
        return;
    slot->result.best_round = round;
    slot->result.loss = slot->state.round_loss;
    slot->result.dice = slot->state.round_dice;
    slot->result.kept_epochs = slot->kept_epochs;
}

// What the slot had come to at its checkpoint.
static void resume(struct slot *slot)
{
    const struct plan *plan = &slot->run->plan;
    int step = 0;
    for (int r = 0; r < plan->count; r++) {
        for (int e = 0; e < plan->rounds[r].num_epochs; e++, step++) {
            struct epoch_result epoch = {.round = r, .epoch = e};
            if (step == slot->run->resume->epochs_done)
                return;
            draw(slot->run, step, &epoch);
            take_epoch(slot, step, &epoch);
        }
        end_round(slot, r);
    }
}

// After an epoch of all slots, as train/pack.c has it.
static bool end_epoch(struct slot *slots, int count, int step, bool last,
                      const struct train_events *events)
{
    const bool due = !last && events->checkpoint_due && events->checkpoint_due(events->context);
    for (int i = 0; due && i < count; i++) {
        struct run_state *state = &slots[i].state;
        state->epochs_done = step;
        state->best_round = slots[i].result.best_round;
        state->best_loss = slots[i].result.loss;
        state->best_dice = slots[i].result.dice;
        state->current.epochs_done = state->round_best.epochs_done = state->best.epochs_done = -1;
        if (!slots[i].over && !events->checkpoint(events->context, i, state))
            return false;
    }
    if (events->epoch_done && !events->epoch_done(events->context, step))
        return false;
    for (int i = 0; !last && events->halt && i < count; i++) {
        if (slots[i].over || !events->halt(events->context, i))
            continue;
        slots[i].result.halted = true;
        if (!end_slot(&slots[i], i, events, NULL))
            return false;
    }
    return true;
}

static bool starves(void)
{
    if (fake.starve == 0 || (fake.starve_apart && fake.packs - fake.starved == 1))
        return false;
    fake.starve--;
    fake.starved = fake.packs;
    return true;
}

static bool train_slots(struct slot *slots, int count, const struct train_events *events)
{
    const struct plan *plan = &slots[0].run->plan;
    const int total = plan_epochs(plan);
    int step = 0;
    for (int r = 0; r < plan->count; r++) {
        for (int e = 0; e < plan->rounds[r].num_epochs; e++, step++) {
            if (step < slots[0].state.epochs_done)
                continue;
            if (fake.epochs++ == fake.stop_epoch && fake.stop_epoch > 0)
                return error_set("training: interrupted");
            if (fake.lose > 0 && step == 1) {
                fake.lose--;
                return error_set_kind(ERROR_DEVICE_LOST, "device lost");
            }
            for (int i = 0; i < count; i++) {
                if (!slots[i].over && !train_epoch(&slots[i], i, step, r, e, events))
                    return false;
                if (step == 1 && starves())
                    return error_set_kind(ERROR_NO_MEMORY, "out of memory");
            }
            if (e + 1 == plan->rounds[r].num_epochs)
                for (int i = 0; i < count; i++)
                    end_round(&slots[i], r);
            if (!end_epoch(slots, count, step + 1, step + 1 == total, events))
                return false;
        }
    }
    for (int i = 0; i < count; i++)
        if (!slots[i].over && !end_slot(&slots[i], i, events, NULL))
            return false;
    return true;
}

bool train_pack(struct engine *engine, enum base_model base_model, const struct dataset *dataset,
                const struct train_run *runs, int count, const struct train_events *events)
{
    (void)engine;
    (void)base_model;
    (void)dataset;
    if (fake.packs == fake.stop_after)
        return error_set("training: interrupted");
    for (int i = 0; i < count; i++)
        if (runs[i].resume && fake.damaged > 0)
            return error_set_kind(ERROR_DAMAGED, "a checkpoint is damaged");
    if (count > fake.fits)
        return error_set_kind(ERROR_NO_MEMORY, "out of memory");
    fake.packs++;
    fake.runs += count;
    fake.largest = count > fake.largest ? count : fake.largest;
    fake.pretrained = runs[0].pretrained;
    fake.init = runs[0].init;
    struct slot *slots = mem_zalloc((size_t)count, sizeof(*slots));
    for (int i = 0; i < count; i++) {
        slots[i].run = &runs[i];
        if (!runs[i].resume)
            continue;
        resume(&slots[i]);
        slots[i].state = *runs[i].resume;
        fake.resumed++;
    }
    const bool trained = train_slots(slots, count, events);
    free(slots);
    return trained;
}
