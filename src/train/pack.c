// SPDX-License-Identifier: MIT
// A pack from fresh weights through its rounds to the weights of every run's best round.
#include "train/trainer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

// Runs of a pack share one program, and so everything that it is compiled for or that steers its
// steps.
static bool check_plans(const struct train_run *runs, int count)
{
    const struct plan *first = &runs[0].plan;
    for (int i = 0; i < count; i++) {
        const struct plan *plan = &runs[i].plan;
        if (plan->count < 1 || plan->count > PLAN_ROUNDS)
            return error_set("training: a plan of %d rounds: 1 to %d are allowed", plan->count,
                             PLAN_ROUNDS);
        if (runs[i].precision != runs[0].precision)
            return error_set("training: runs of one pack differ in their precision");
        if (plan->count != first->count)
            return error_set("training: runs of one pack have %d and %d rounds", first->count,
                             plan->count);
        for (int r = 0; r < plan->count; r++) {
            const struct round *round = &plan->rounds[r];
            if (round->num_epochs < 1 || round->batch_size < 1)
                return error_set(
                    "training: round %d has %d epochs and batches of %d: at least 1 "
                    "is needed of each",
                    r + 1, round->num_epochs, round->batch_size);
            if (round->num_epochs != first->rounds[r].num_epochs ||
                round->batch_size != first->rounds[0].batch_size)
                return error_set(
                    "training: round %d differs in its epochs or its batch size from "
                    "the rest of the pack",
                    r + 1);
        }
    }
    return true;
}

// All go on from the same epoch of the same round, where one is left.
static bool check_resume(const struct train_run *runs, int count)
{
    const int epochs_done = runs[0].resume ? runs[0].resume->epochs_done : 0;
    for (int i = 0; i < count; i++) {
        const struct run_state *state = runs[i].resume;
        if ((state ? state->epochs_done : 0) != epochs_done)
            return error_set("training: runs of one pack have done %d and %d epochs", epochs_done,
                             state ? state->epochs_done : 0);
        if (state && (epochs_done < 1 || epochs_done >= plan_epochs(&runs[i].plan)))
            return error_set("training: a checkpoint after %d of %d epochs", epochs_done,
                             plan_epochs(&runs[i].plan));
    }
    return true;
}

// As many samples for all runs, and enough of them.
static bool count_samples(struct trainer *trainer)
{
    const struct dataset *dataset = trainer->dataset;
    const struct train_run *runs = trainer->runs;
    trainer->training_count = runs[0].samples ? runs[0].training_count : dataset->training_count;
    trainer->validation_count = dataset->count - trainer->training_count;
    for (int i = 1; i < trainer->count; i++) {
        const int other = runs[i].samples ? runs[i].training_count : dataset->training_count;
        if (other != trainer->training_count)
            return error_set("training: runs of one pack have %d and %d training samples",
                             trainer->training_count, other);
    }
    return train_check_samples(&(struct unet_shape){
        .rows = dataset->rows,
        .cols = dataset->cols,
        .labels = dataset->targets ? dataset->labels : 0,
        .count = dataset->count,
        .training_count = trainer->training_count,
        .batch_size = runs[0].plan.rounds[0].batch_size,
    });
}

static bool count_steps(const struct trainer *trainer, const struct plan *plan, int *steps)
{
    int64_t total = 0;
    for (int r = 0; r < plan->count; r++) {
        const int size = plan->rounds[r].batch_size;
        total +=
            (int64_t)plan->rounds[r].num_epochs * (batch_count(trainer->training_count, size) +
                                                   batch_count(trainer->validation_count, size));
    }
    *steps = (int)total;
    return total <= INT_MAX ||
           error_set("training: %lld steps: at most %d are allowed", (long long)total, INT_MAX);
}

// num_batches_tracked of the first batch norm: all of a network's count the same steps.
static int64_t tracked_batches(const struct tensors *weights)
{
    static const char name[] = "layer0.1.num_batches_tracked";
    const struct named_tensor *tensor = tensors_find(weights, name);
    return tensor && tensor->type == TENSOR_INT ? *(const int64_t *)tensor->values : 0;
}

static bool start_weights(struct trainer *trainer, int slot)
{
    const struct train_run *run = &trainer->runs[slot];
    struct tensors weights = {0};

    trainer->trainees[slot].best_epochs = -1;
    if (run->resume)
        return checkpoint_restore(trainer, slot);
    if (run->init) {
        CHECK(weights_read(run->init, trainer->graph, &weights));
    } else {
        weights_initial(
            trainer->graph,
            random_stream(run->seed, (uint64_t)run->cell, (uint64_t)run->index, RANDOM_WEIGHTS),
            &weights);
        if (run->pretrained)
            CHECK(weights_pretrained(run->pretrained, trainer->graph, &weights));
    }
    CHECK(weights_upload(trainer->program, trainer->graph, BLOCK_STATE, slot, &weights));
    trainer->trainees[slot].batches = tracked_batches(&weights);
    tensors_free(&weights);
    return true;
error:
    tensors_free(&weights);
    return false;
}

// Everything on the device that does not change during the training.
static bool upload(struct trainer *trainer)
{
    const struct dataset *dataset = trainer->dataset;
    const struct unet_tensors *tensors = &trainer->tensors;
    const int validation = trainer->validation_count;
    const size_t pixels = (size_t)dataset->count * (size_t)dataset->rows * (size_t)dataset->cols;
    uint32_t *order = mem_zalloc((size_t)validation, sizeof *order);

    CHECK(program_write(trainer->program, tensors->inputs, 0, 0, pixels * (size_t)dataset->features,
                        dataset->inputs));
    CHECK(program_write(trainer->program, tensors->targets, 0, 0, pixels * (size_t)dataset->labels,
                        dataset->targets));
    for (int slot = 0; slot < trainer->count; slot++) {
        order_listed(&trainer->runs[slot], order, trainer->training_count, validation);
        CHECK(program_write(trainer->program, tensors->validation_order, slot, 0,
                            (size_t)validation, order));
        CHECK(start_weights(trainer, slot));
    }
    free(order);
    return true;
error:
    free(order);
    return false;
}

static bool open_trainer(struct trainer *trainer, struct engine *engine, enum base_model base_model)
{
    const struct dataset *dataset = trainer->dataset;
    const struct plan *plan = &trainer->runs[0].plan;
    const struct unet_shape shape = {
        .base_model = base_model,
        .rows = dataset->rows,
        .cols = dataset->cols,
        .features = dataset->features,
        .labels = dataset->labels,
        .count = dataset->count,
        .training_count = trainer->training_count,
        .batch_size = plan->rounds[0].batch_size,
        .precision = trainer->runs[0].precision,
    };
    const struct program_options options = training_options(&shape, trainer->count);

    trainer->start = seconds_now();
    trainer->ahead_limit = 1;
    trainer->trainees = mem_zalloc((size_t)trainer->count, sizeof *trainer->trainees);
    trainer->graph = unet_training_graph(&shape, &trainer->tensors);
    return program_create(engine, trainer->graph, &options, &trainer->program) && upload(trainer);
}

static void close_trainer(struct trainer *trainer)
{
    for (int slot = 0; trainer->trainees && slot < trainer->count; slot++)
        tensors_free(&trainer->trainees[slot].weights);
    free(trainer->trainees);
    program_destroy(&trainer->program);
    graph_destroy(&trainer->graph);
}

static int running(const struct trainer *trainer)
{
    int count = 0;
    for (int slot = 0; slot < trainer->count; slot++)
        count += !trainer->trainees[slot].over;
    return count;
}

// A round starts from the best weights and buffers of the one before, with a fresh Adam.
static bool begin_round(struct trainer *trainer, int round)
{
    for (int slot = 0; slot < trainer->count; slot++) {
        struct trainee *trainee = &trainer->trainees[slot];
        const uint32_t mark = !trainee->over;
        trainee->round = (struct round_result){.round = round};
        if (round > 0)
            trainee->batches = trainee->kept_batches;
        if (!program_write(trainer->program, trainer->tensors.mark, slot, 0, 1, &mark) ||
            !train_fresh_adam(trainer->program, &trainer->tensors, slot))
            return false;
    }
    return (round == 0 || program_run(trainer->program, ROUTINE_RESTORE, 1)) &&
           program_clear(trainer->program, BLOCK_MOMENT1) &&
           program_clear(trainer->program, BLOCK_MOMENT2);
}

// A run's weights are those of its round with the lowest dice.
static bool end_round(struct trainer *trainer, int slot)
{
    struct trainee *trainee = &trainer->trainees[slot];
    const struct round_result *round = &trainee->round;

    if (round->round == 0 || round->dice < trainee->result.dice) {
        trainee->result.best_round = round->round;
        trainee->result.loss = round->loss;
        trainee->result.dice = round->dice;
        trainee->best_epochs = trainee->result.kept_epochs = trainee->kept_epochs;
        tensors_free(&trainee->weights);
        if (trainer->events->finished &&
            !weights_download(trainer->program, trainer->graph, BLOCK_BEST, slot,
                              trainee->kept_batches, &trainee->weights))
            return false;
    }
    return !trainer->events->round || trainer->events->round(trainer->events->context, slot, round);
}

static bool end_rounds(struct trainer *trainer)
{
    for (int slot = 0; slot < trainer->count; slot++)
        if (!trainer->trainees[slot].over && !end_round(trainer, slot))
            return false;
    return true;
}

static bool write_checkpoints(struct trainer *trainer, int epochs_done, bool round_ended)
{
    const struct train_events *events = trainer->events;
    if (!events->checkpoint_due || !events->checkpoint_due(events->context))
        return true;
    for (int slot = 0; slot < trainer->count; slot++) {
        while (!trainer->trainees[slot].over &&
               !checkpoint_write(trainer, slot, epochs_done, round_ended)) {
            if (error_kind() != ERROR_NO_SPACE || !events->no_space ||
                !events->no_space(events->context))
                return false;
        }
    }
    return true;
}

static bool halt_runs(struct trainer *trainer)
{
    const struct train_events *events = trainer->events;
    for (int slot = 0; events->halt && slot < trainer->count; slot++) {
        struct trainee *trainee = &trainer->trainees[slot];
        if (trainee->over || !events->halt(events->context, slot))
            continue;
        trainee->result.halted = true;
        if (!trainee_end(trainer, slot))
            return false;
    }
    return true;
}

// What comes after an epoch of all slots; `epochs_done` epochs are done. The last one needs no
// checkpoint: the runs are finished.
static bool end_epoch(struct trainer *trainer, int epochs_done, bool round_ended)
{
    const struct train_events *events = trainer->events;
    const bool last = epochs_done == plan_epochs(&trainer->runs[0].plan);
    return (!round_ended || end_rounds(trainer)) &&
           (last || write_checkpoints(trainer, epochs_done, round_ended)) &&
           (!events->epoch_done || events->epoch_done(events->context, epochs_done)) &&
           (last || halt_runs(trainer));
}

// The moment after `epochs_done` epochs.
static struct moment moment_after(const struct plan *plan, int epochs_done)
{
    struct moment moment = {0};
    while (epochs_done - moment.past >= plan->rounds[moment.round].num_epochs)
        moment.past += plan->rounds[moment.round++].num_epochs;
    moment.epoch = epochs_done - moment.past;
    return moment;
}

static bool train_rounds(struct trainer *trainer)
{
    const struct plan *plan = &trainer->runs[0].plan;
    const struct run_state *resume = trainer->runs[0].resume;
    struct moment moment = moment_after(plan, resume ? resume->epochs_done : 0);

    for (int slot = 0; slot < trainer->count; slot++)
        trainer->trainees[slot].round.round = moment.round;
    for (; moment.round < plan->count; moment.round++) {
        const int epochs = plan->rounds[moment.round].num_epochs;
        if (moment.epoch == 0 && !begin_round(trainer, moment.round))
            return false;
        for (; moment.epoch < epochs; moment.epoch++) {
            if (!epoch_run(trainer, moment) ||
                !end_epoch(trainer, moment.past + moment.epoch + 1, moment.epoch + 1 == epochs))
                return false;
            if (running(trainer) == 0)
                return true;
        }
        moment.past += epochs;
        moment.epoch = 0;
    }
    return true;
}

static bool finish_runs(struct trainer *trainer)
{
    const struct train_events *events = trainer->events;
    for (int slot = 0; slot < trainer->count; slot++) {
        struct trainee *trainee = &trainer->trainees[slot];
        if (trainee->over || !events->finished)
            continue;
        trainee->result.seconds = trainee->seconds_before + seconds_now() - trainer->start;
        if (!events->finished(events->context, slot, &trainee->result, &trainee->weights))
            return false;
        tensors_free(&trainee->weights);
    }
    return true;
}

bool train_pack(struct engine *engine, enum base_model base_model, const struct dataset *dataset,
                const struct train_run *runs, int count, const struct train_events *events)
{
    struct trainer trainer = {.dataset = dataset, .runs = runs, .count = count, .events = events};

    CHECK(check_plans(runs, count));
    CHECK(check_resume(runs, count));
    CHECK(count_samples(&trainer));
    CHECK(count_steps(&trainer, &runs[0].plan, &trainer.total));
    if (runs[0].resume)
        trainer.done = trainer.total / plan_epochs(&runs[0].plan) * runs[0].resume->epochs_done;
    CHECK(open_trainer(&trainer, engine, base_model));
    CHECK(train_rounds(&trainer));
    CHECK(finish_runs(&trainer));
    close_trainer(&trainer);
    return true;
error:
    close_trainer(&trainer);
    return false;
}
