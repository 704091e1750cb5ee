// SPDX-License-Identifier: MIT
// One epoch of all slots: every training sample once, then every validation sample, then what came
// of it.
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

static double epoch_lr(const struct round *round, int epoch)
{
    return round->lr * pow(round->gamma, epoch);
}

// Writes what the device needs to know of the epoch: order of the samples, learning rate and weight
// of the loss.
static bool write_tables(struct trainer *trainer, struct moment moment)
{
    struct program *program = trainer->program;
    const struct unet_tensors *tensors = &trainer->tensors;
    const int count = trainer->training_count;
    uint32_t *order = mem_zalloc((size_t)count, sizeof *order);

    for (int slot = 0; slot < trainer->count; slot++) {
        const struct train_run *run = &trainer->runs[slot];
        const struct round *round = &run->plan.rounds[moment.round];
        const float lr = (float)epoch_lr(round, moment.epoch);
        const float bce_weight = (float)round->bce_weight;

        order_training(run, moment.past + moment.epoch, order, count);
        CHECK(program_write(program, tensors->training_order, slot, 0, (size_t)count, order));
        CHECK(program_write(program, tensors->lr, slot, 0, 1, &lr));
        CHECK(program_write(program, tensors->bce_weight, slot, 0, 1, &bce_weight));
    }
    free(order);
    return true;
error:
    free(order);
    return false;
}

// The device works through steps by itself. The host runs ahead of it by as many steps as take
// about this long, so that neither waits for the other on short steps, and progress and interrupts
// are still answered at once.
#define AHEAD_SECONDS 0.2
#define AHEAD_LIMIT 64

static bool catch_up(struct trainer *trainer)
{
    if (trainer->ahead == 0)
        return true;
    if (!program_wait(trainer->program))
        return false;
    const double now = seconds_now(), each = (now - trainer->waited) / trainer->ahead;
    trainer->ahead_limit = each * AHEAD_LIMIT < AHEAD_SECONDS ? AHEAD_LIMIT
                           : each > AHEAD_SECONDS             ? 1
                                                              : (int)(AHEAD_SECONDS / each);
    trainer->done += trainer->ahead;
    trainer->ahead = 0;
    trainer->waited = now;
    if (trainer->events->progress)
        trainer->events->progress(trainer->events->context, trainer->done, trainer->total);
    return true;
}

static bool run_batches(struct trainer *trainer, enum routine routine, int samples, int batch_size)
{
    const uint32_t start[2] = {0, 0};

    if (!program_write(trainer->program, trainer->tensors.position, 0, 0, 2, start))
        return false;
    trainer->waited = seconds_now();
    for (int b = 0; b < batch_count(samples, batch_size); b++) {
        if (interrupt_requested())
            return error_set("training: interrupted");
        if (!program_run(trainer->program, routine, batch_samples(samples, batch_size, b)))
            return false;
        if (++trainer->ahead >= trainer->ahead_limit && !catch_up(trainer))
            return false;
    }
    return catch_up(trainer);
}

static bool report_steps(struct trainer *trainer, int slot, struct moment moment,
                         const float *table, int steps)
{
    if (!trainer->events->step)
        return true;
    for (int step = 0; step < steps; step++) {
        struct step_result result = {.round = moment.round, .epoch = moment.epoch, .step = step};
        for (int m = 0; m < METRIC_COUNT; m++)
            result.metrics[m] = (double)table[step * METRIC_COUNT + m];
        if (!trainer->events->step(trainer->events->context, slot, &result))
            return false;
    }
    return true;
}

// Takes the epoch into the lowest of the round; says whether its weights are to be kept.
static bool trainee_improved(struct trainee *trainee, struct moment moment,
                             const double *validation)
{
    const int epoch = moment.epoch;
    struct round_result *round = &trainee->round;
    const bool best = epoch == 0 || validation[METRIC_LOSS] < round->loss;

    if (best) {
        round->loss = validation[METRIC_LOSS];
        trainee->kept_batches = trainee->batches;
        trainee->kept_epochs = moment.past + epoch + 1;
    }
    if (epoch == 0 || validation[METRIC_DICE] < round->dice)
        round->dice = validation[METRIC_DICE];
    return best;
}

// With the pixel counts of an epoch whose weights are kept.
static bool tell_epoch(struct trainer *trainer, int slot, struct epoch_result *result)
{
    const struct train_events *events = trainer->events;
    const int table = trainer->tensors.validation_overlaps;
    const size_t count = trainer->graph->tensors[table].count;
    if (!result->best)
        return events->epoch(events->context, slot, result);
    const struct overlaps overlaps = {
        .samples = trainer->validation_count,
        .labels = trainer->dataset->labels,
        .counts = mem_zalloc(count, sizeof *overlaps.counts),
    };
    result->overlaps = &overlaps;
    const bool told = program_read(trainer->program, table, slot, 0, count, overlaps.counts) &&
                      events->epoch(events->context, slot, result);
    free(overlaps.counts);
    return told;
}

// Judges and reports a slot's epoch by its two tables of metrics. *best: whether its weights are to
// be kept.
static bool finish_slot(struct trainer *trainer, int slot, struct moment moment, double seconds,
                        const float *training, const float *validation, bool *best)
{
    const struct round *round = &trainer->runs[slot].plan.rounds[moment.round];
    const int samples = trainer->training_count;
    const int validation_samples = trainer->validation_count;
    const int steps = batch_count(samples, round->batch_size);
    const int validation_steps = batch_count(validation_samples, round->batch_size);
    struct trainee *trainee = &trainer->trainees[slot];
    struct epoch_result result = {.round = moment.round,
                                  .epoch = moment.epoch,
                                  .lr = epoch_lr(round, moment.epoch),
                                  .seconds = seconds};
    *best = false;
    const int finite = metrics_finite(training, steps);
    if (!report_steps(trainer, slot, moment, training, finite))
        return false;
    if (finite < steps)
        return trainee_fail(trainer, slot,
                            text_format("diverged: loss is not finite in round %d, epoch %d, "
                                        "step %d",
                                        moment.round + 1, moment.epoch + 1, finite + 1));
    if (metrics_finite(validation, validation_steps) < validation_steps)
        return trainee_fail(trainer, slot,
                            text_format("diverged: validation loss is not finite in round %d, "
                                        "epoch %d, after step %d",
                                        moment.round + 1, moment.epoch + 1, steps));
    metrics_mean(training, samples, round->batch_size, result.training);
    metrics_mean(validation, validation_samples, round->batch_size, result.validation);
    trainee->batches += steps;
    *best = result.best = trainee_improved(trainee, moment, result.validation);
    return !trainer->events->epoch || tell_epoch(trainer, slot, &result);
}

// Reads the metrics of all slots once and keeps the weights of those that improved.
static bool finish_epoch(struct trainer *trainer, struct moment moment, double seconds)
{
    struct program *program = trainer->program;
    const struct unet_tensors *tensors = &trainer->tensors;
    const size_t training_size = trainer->graph->tensors[tensors->training_metrics].count;
    const size_t validation_size = trainer->graph->tensors[tensors->validation_metrics].count;
    float *training = mem_zalloc(training_size, sizeof *training);
    float *validation = mem_zalloc(validation_size, sizeof *validation);
    bool any = false;

    for (int slot = 0; slot < trainer->count; slot++) {
        bool best = false;
        if (!trainer->trainees[slot].over) {
            CHECK(
                program_read(program, tensors->training_metrics, slot, 0, training_size, training));
            CHECK(program_read(program, tensors->validation_metrics, slot, 0, validation_size,
                               validation));
            CHECK(finish_slot(trainer, slot, moment, seconds, training, validation, &best));
        }
        const uint32_t mark = best;
        CHECK(program_write(program, tensors->mark, slot, 0, 1, &mark));
        any |= best;
    }
    if (any)
        CHECK(program_run(program, ROUTINE_KEEP, 1));
    free(training);
    free(validation);
    return true;
error:
    free(training);
    free(validation);
    return false;
}

bool epoch_run(struct trainer *trainer, struct moment moment)
{
    const int batch_size = trainer->runs[0].plan.rounds[0].batch_size;
    const double start = seconds_now();

    return write_tables(trainer, moment) &&
           run_batches(trainer, ROUTINE_TRAIN, trainer->training_count, batch_size) &&
           run_batches(trainer, ROUTINE_EVALUATE, trainer->validation_count, batch_size) &&
           finish_epoch(trainer, moment, seconds_now() - start);
}
