// SPDX-License-Identifier: MIT
#include "run/worker.h"

#include "run/finish.h"
#include "run/prune_cell.h"
#include "run/queue.h"
#include "run/rank.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_SECONDS 1.0   // epochs without a checkpoint wait so long for their transaction
#define MEMORY_ATTEMPTS 9  // to get a device's memory for one slot: four minutes in all
#define MEMORY_SECONDS 1.0 // between the first two (VKGRID_MEMORY_SECONDS), then twice that

struct worker {
    struct campaign *campaign;
    struct engine *engine;
    struct pack pack;
    struct progress_worker progress;
    struct room room;           // for files that are written without the lock
    bool *gone;                 // [slot of the pack] finished, or failed
    struct device_group *known; // [group]
    bool fresh_engine;          // wanted before the next pack: a run failed
};

// What the files of a run's checkpoints begin with.
static char *checkpoints_of(const struct worker *worker, const struct job *job)
{
    return study_checkpoints(worker->campaign->options->out, job->record->cell.number, job->run);
}

// --- What happens in a pack (train.h) -----------------------------------------------------------

static struct worker *worker_of(void *context)
{
    return ((struct pack *)context)->owner;
}

static bool on_no_space(void *context)
{
    return room_wait(&worker_of(context)->room);
}

// The files of the checkpoints before these are of no use any more.
static void remove_previous(struct worker *worker)
{
    for (int i = 0; i < worker->pack.count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        struct run_record *run = job_run(job);
        if (!run->saved_checkpoint)
            continue;
        char *name = checkpoints_of(worker, job);
        checkpoint_remove(name, &run->previous, &run->checkpoint);
        run->previous = (struct run_state){0};
        free(name);
    }
}

static bool save_epochs(struct campaign *campaign, const struct pack *pack)
{
    cJSON *progress = progress_json(&campaign->progress);
    const bool saved = saved_epochs(campaign->store, pack->jobs, pack->count, progress);
    cJSON_Delete(progress);
    campaign->saved = seconds_now();
    return saved;
}

// The last epoch of every run that has not ended.
static bool tell_epochs(const struct worker *worker)
{
    const struct study_listener *listener = worker->campaign->options->listener;
    bool told = true;
    for (int i = 0; told && i < worker->pack.count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        const struct run_record *run = job_run(job);
        const int last = run->epoch_count - 1;
        if (!worker->gone[i] && last >= 0)
            told = listener->epoch(listener->context, job->record->cell.number, job->run, last,
                                   &run->epochs[last]);
    }
    return told;
}

// Whether what others may ask for at once is written at once.
static bool saves_each_epoch(const struct study_options *options)
{
    return options->prune != PRUNE_NONE || options->listener;
}

static bool on_epoch_done(void *context, int epochs_done)
{
    struct worker *worker = worker_of(context);
    struct campaign *campaign = worker->campaign;
    struct pack *pack = &worker->pack;
    bool saved = true;
    (void)epochs_done;
    pthread_mutex_lock(&campaign->lock);
    if (campaign->stop)
        saved = error_set("stopped: another device failed");
    else if (pack->checkpoints || saves_each_epoch(campaign->options) ||
             seconds_now() - campaign->saved >= SAVE_SECONDS)
        saved = save_epochs(campaign, pack);
    pthread_mutex_unlock(&campaign->lock);
    if (saved && pack->checkpoints) {
        remove_previous(worker);
        pack_checkpoints_saved(pack);
    }
    if (saved)
        live_report(campaign);
    return saved && (!campaign->options->listener || tell_epochs(worker));
}

static bool on_halt(void *context, int slot)
{
    struct campaign *campaign = worker_of(context)->campaign;
    const struct record *record = worker_of(context)->pack.jobs[slot].record;
    const struct study_listener *listener = campaign->options->listener;
    const struct score *score = &campaign->trials.scores[record->cell.number];
    bool halt = false;
    if (listener)
        return listener->halt(listener->context, record->cell.number);
    if (score->reopened || (score->again && score->state == TRIAL_PRUNED))
        return false; // it was over before, and goes on because that was asked for
    pthread_mutex_lock(&campaign->lock);
    // A study that cannot be asked prunes nothing.
    if (!prune_cell(campaign->store, campaign->options->prune, record->cell.number,
                    plan_epochs(&record->cell.plan), &halt))
        halt = false;
    pthread_mutex_unlock(&campaign->lock);
    return halt;
}

static bool fail_run(struct worker *worker, const struct job *job, const struct run_result *result)
{
    worker->fresh_engine = true;
    return finish_failed(worker->campaign, &worker->pack, engine_device(worker->engine), job,
                         result);
}

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    struct worker *worker = worker_of(context);
    const struct job *job = &worker->pack.jobs[slot];
    bool done;
    worker->gone[slot] = true;
    pthread_mutex_lock(&worker->campaign->lock);
    if (result->failure) {
        done = fail_run(worker, job, result);
    } else {
        record_end(job->record, job->run, result->halted ? TRIAL_PRUNED : TRIAL_COMPLETE, result);
        done = finish_run(worker->campaign, &worker->pack, engine_device(worker->engine), job,
                          weights);
    }
    pthread_mutex_unlock(&worker->campaign->lock);
    return done;
}

// --- What goes wrong with a pack ----------------------------------------------------------------

// The device is gone with all runs that were on it.
static bool lose_device(struct worker *worker)
{
    struct campaign *campaign = worker->campaign;
    char *why = text_copy(error_text());
    bool done = true;
    pthread_mutex_lock(&campaign->lock);
    for (int i = 0; done && i < worker->pack.count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        const struct run_record *run = job_run(job);
        if (worker->gone[i])
            continue;
        char *reason = text_format("%s after %d epochs", why, run->epoch_count);
        const struct run_result result = {.failure = reason, .seconds = run->checkpoint.seconds};
        done = fail_run(worker, job, &result);
        free(reason);
    }
    pthread_mutex_unlock(&campaign->lock);
    free(why);
    return done;
}

// A checkpoint that is not what was written: the run begins again, which costs time and no bit.
static bool drop_damaged(struct worker *worker)
{
    struct campaign *campaign = worker->campaign;
    char *why = text_copy(error_text());
    bool done = true;
    int dropped = 0;
    for (int i = 0; done && i < worker->pack.count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        struct run_record *run = job_run(job);
        char *name = checkpoints_of(worker, job);
        if (run->checkpoint.epochs_done > 0 && !checkpoint_check(name, &run->checkpoint)) {
            run->checkpoint = (struct run_state){0};
            pthread_mutex_lock(&campaign->lock);
            done = finish_try_again(campaign, job, why);
            pthread_mutex_unlock(&campaign->lock);
            dropped++;
        }
        free(name);
    }
    free(why);
    return done && (dropped > 0 || error_set("a checkpoint cannot be read"));
}

static double memory_seconds(int failures)
{
    const char *text = getenv("VKGRID_MEMORY_SECONDS");
    const double first = text && *text ? strtod(text, NULL) : MEMORY_SECONDS;
    return ldexp(first > 0 ? first : 0, failures - 1);
}

static struct device_group *known_of(const struct worker *worker)
{
    return &worker->known[worker->pack.group - worker->campaign->open];
}

// The device gave less memory than it said it had: others use it, or its driver needs more than is
// counted. The runs go on from their checkpoints, half as many at once; one alone is tried for some
// minutes, since memory comes back.
static bool halve_packs(struct worker *worker)
{
    struct campaign *campaign = worker->campaign;
    struct device_group *known = known_of(worker);
    const struct group *group = worker->pack.group->group;
    const int count = worker->pack.count, most = count / 2;
    bool done = true;
    if (count == 1 && ++known->failures == MEMORY_ATTEMPTS)
        return false;
    if (count == 1)
        progress_say(&campaign->progress, "%s: %s: tried again", group->label, error_text());
    else
        progress_say(&campaign->progress, "%s: %s: from now on at most %d at once", group->label,
                     error_text(), most);
    pthread_mutex_lock(&campaign->lock);
    for (int i = 0; done && i < count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        if (worker->gone[i] || job_run(job)->epoch_count == job_run(job)->checkpoint.epochs_done)
            continue;
        record_rewind(job->record, job->run);
        done = saved_rewind(campaign->store, job);
    }
    progress_packs(&campaign->progress, count == 1 ? 1
                                                   : 1 + queue_group_packs(campaign, group, most) -
                                                         queue_group_packs(campaign, group, count));
    pthread_mutex_unlock(&campaign->lock);
    known->most = most > 0 ? most : 1;
    if (count == 1)
        interrupt_sleep(memory_seconds(known->failures));
    return done;
}

// --- Packs, one after the other -----------------------------------------------------------------

static void show_pack(struct worker *worker)
{
    const struct pack *pack = &worker->pack;
    const struct group *group = pack->group->group;
    const struct job *first = &pack->jobs[0];
    const double work = group->effort * pack->count / group->run_count;
    const int epochs_done = job_run(first)->checkpoint.epochs_done;
    char label[160];
    snprintf(label, sizeof(label), "%s, %d slot%s", group->label, pack->count,
             pack->count == 1 ? "" : "s");
    progress_pack(&worker->progress, label, work,
                  work * epochs_done / plan_epochs(&first->record->cell.plan));
}

// Weights of runs with a higher dice are not written.
static double weights_limit(struct campaign *campaign, const struct record *record)
{
    switch (campaign->options->keep) {
    case KEEP_NONE:
        return -INFINITY;
    case KEEP_BEST:
        if (record->cell.folds > 0 || campaign->trials.rank_by == RANK_MEAN)
            break; // the mean of all decides
        return leaders_of(&campaign->trials.leaders, &record->cell)->score.value;
    case KEEP_ALL:
        break;
    }
    return INFINITY;
}

static bool begin_pack(struct worker *worker)
{
    struct campaign *campaign = worker->campaign;
    const struct pack *pack = &worker->pack;
    pthread_mutex_lock(&campaign->lock);
    for (int i = 0; i < pack->count; i++) {
        struct record *record = pack->jobs[i].record;
        record->weights_limit = weights_limit(campaign, record);
        if (!record->begun)
            progress_cell(&campaign->progress, PROGRESS_RUNNING);
        record->begun = true;
    }
    show_pack(worker);
    cJSON *progress = progress_json(&campaign->progress);
    const bool begun = saved_begin(campaign->store, pack->jobs, pack->count,
                                   engine_device(worker->engine), progress);
    cJSON_Delete(progress);
    pthread_mutex_unlock(&campaign->lock);
    return begun;
}

static bool train(struct worker *worker)
{
    const struct study_options *options = worker->campaign->options;
    struct pack *pack = &worker->pack;
    struct train_events events = pack_events(pack, options->log_steps);
    pack_leave_checkpoints(&events);
    events.epoch_done = on_epoch_done;
    events.halt = options->prune != PRUNE_NONE || options->listener ? on_halt : NULL;
    events.finished = on_finished;
    events.no_space = on_no_space;
    pack->owner = worker;
    pack->progress = &worker->progress;
    pack->always = options->always;
    worker->gone = mem_grow(worker->gone, (size_t)pack->count, sizeof(*worker->gone));
    memset(worker->gone, 0, (size_t)pack->count * sizeof(*worker->gone));
    return pack_train(pack, worker->engine, pack->group->dataset, options->out, &events);
}

static bool run_pack(struct worker *worker)
{
    if (!begin_pack(worker))
        return false;
    if (train(worker)) {
        known_of(worker)->failures = 0;
        return true;
    }
    switch (error_kind()) {
    case ERROR_DEVICE_LOST:
        return lose_device(worker);
    case ERROR_DAMAGED:
        return drop_damaged(worker);
    case ERROR_NO_MEMORY:
        return halve_packs(worker);
    case ERROR_NO_SPACE:
    case ERROR_OTHER:
        break;
    }
    return false;
}

static bool rank(struct campaign *campaign)
{
    pthread_mutex_lock(&campaign->lock);
    const bool written = rank_now_and_then(campaign);
    pthread_mutex_unlock(&campaign->lock);
    return written;
}

// The engine that the next pack is trained on.
static bool ready_engine(struct worker *worker, int device)
{
    if (worker->fresh_engine)
        engine_close(&worker->engine);
    worker->fresh_engine = false;
    if (!worker->engine && !engine_open(device, &worker->engine))
        return false;
    if (!worker->progress.progress)
        progress_join(&worker->campaign->progress, &worker->progress,
                      engine_device(worker->engine)->name);
    return true;
}

// Gives the pack back whatever became of it; the message stays that of the training.
static bool train_and_give_back(struct worker *worker)
{
    const bool trained = run_pack(worker);
    char *why = trained ? NULL : text_copy(error_text());
    queue_give_back(worker->campaign, &worker->pack);
    if (!trained)
        error_set("%s", why);
    free(why);
    return trained;
}

bool worker_run(struct campaign *campaign, int device, struct engine **engine)
{
    struct worker worker = {.campaign = campaign, .engine = *engine};
    bool done = false;
    worker.room.progress = &campaign->progress;
    worker.known = mem_zalloc((size_t)campaign->groups.count, sizeof(*worker.known));
    *engine = NULL;
    for (;;) {
        CHECK(ready_engine(&worker, device));
        CHECK(queue_take(campaign, worker.engine, worker.known, &worker.pack));
        if (worker.pack.count == 0)
            break;
        CHECK(train_and_give_back(&worker));
        CHECK(rank(campaign));
    }
    done = !interrupt_requested() || error_set("interrupted");
error:
    if (worker.progress.progress)
        progress_leave(&worker.progress);
    free(worker.gone);
    free(worker.known);
    if (!done || worker.fresh_engine)
        engine_close(&worker.engine);
    *engine = worker.engine;
    return done;
}
