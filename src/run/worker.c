// SPDX-License-Identifier: MIT
// A device: packs, one after the other, and what goes wrong with them.
#include "run/prune_cell.h"
#include "run/pack.h"
#include "vkgrid/study/ranking.h"
#include "run/campaign.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ATTEMPTS 2         // a run that fails is tried once more
#define SAVE_SECONDS 1.0   // epochs without a checkpoint wait so long for their transaction
#define RETRY_SECONDS 10.0 // between two looks at a full disk
#define MEMORY_ATTEMPTS 9  // to get a device's memory for one slot: four minutes in all
#define MEMORY_SECONDS 1.0 // between the first two (VKGRID_MEMORY_SECONDS), then twice that

struct worker {
    struct search *search;
    struct engine *engine;
    struct pack pack;
    struct progress_worker progress;
    bool *gone;                 // [slot of the pack] finished, or failed
    struct device_group *known; // [group]
    bool fresh_engine;          // wanted before the next pack: a run failed
};

static void pause_seconds(double seconds)
{
    for (double left = seconds; left > 0 && !interrupt_requested(); left -= 0.1)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

bool search_wait_for_room(struct search *search)
{
    // Short waits first: room often comes back at once. A pause is over when nobody has asked for
    // longer than the last wait.
    static _Thread_local double last, wait;
    const bool goes_on = seconds_now() - last < wait + 1;
    if (!goes_on)
        progress_say(&search->progress, "%s: the search waits until there is room", error_text());
    wait = goes_on ? fmin(2 * wait, RETRY_SECONDS) : 0.1;
    pause_seconds(wait);
    last = seconds_now();
    return !interrupt_requested() || error_set("interrupted while waiting for room on the disk");
}

// Repeats what needs room on the disk until there is some.
#define UNTIL_ROOM(search, call, done) \
    do { \
        (done) = (call); \
    } while (!(done) && error_kind() == ERROR_NO_SPACE && search_wait_for_room(search))

static bool on_no_space(void *context)
{
    struct worker *worker = context;
    return search_wait_for_room(worker->search);
}

// The files of the checkpoints before these are of no use any more.
static void remove_previous(struct worker *worker)
{
    for (int i = 0; i < worker->pack.count; i++) {
        struct run_record *run = job_run(&worker->pack.jobs[i]);
        char *name = pack_checkpoints(worker->search->checkpoints, &worker->pack.jobs[i]);
        if (run->saved_checkpoint)
            checkpoint_remove(name, &run->previous, &run->checkpoint);
        if (run->saved_checkpoint)
            run->previous = (struct run_state){0};
        free(name);
    }
}

static bool on_epoch_done(void *context, bool checkpoints)
{
    struct worker *worker = context;
    struct search *search = worker->search;
    bool saved = true;
    pthread_mutex_lock(&search->lock);
    if (search->stop)
        saved = error_set("stopped: another device failed");
    const bool due = checkpoints || search->options->prune != PRUNE_NONE ||
                     seconds_now() - search->saved >= SAVE_SECONDS;
    if (saved && due) {
        cJSON *progress = progress_json(&search->progress);
        UNTIL_ROOM(search,
                   journal_epochs(search->store, worker->pack.jobs, worker->pack.count, progress),
                   saved);
        cJSON_Delete(progress);
        search->saved = seconds_now();
    }
    pthread_mutex_unlock(&search->lock);
    if (saved && checkpoints)
        remove_previous(worker);
    return saved;
}

static bool on_halt(void *context, int slot)
{
    struct worker *worker = context;
    struct search *search = worker->search;
    const struct record *record = worker->pack.jobs[slot].record;
    bool halt = false;
    if (search->scores[record->cell.number].again)
        return false; // it was stopped before, and goes on because that was asked for
    pthread_mutex_lock(&search->lock);
    // A study that cannot be asked prunes nothing.
    if (!curves_judge(search->store, search->options->prune, record->cell.number,
                      plan_epochs(&record->cell.plan), &halt))
        halt = false;
    pthread_mutex_unlock(&search->lock);
    return halt;
}

// Back to its last checkpoint, or to the beginning.
static bool try_again(struct worker *worker, const struct job *job, const char *why)
{
    struct search *search = worker->search;
    struct run_record *run = job_run(job);
    bool saved;
    record_rewind(job->record, job->run);
    progress_say(&search->progress, "%s, run %d of %d: %s: tried again from %s",
                 job->record->cell.name, job->run + 1, job->record->cell.until, why,
                 run->checkpoint.step > 0 ? "its last checkpoint" : "the beginning");
    UNTIL_ROOM(search, journal_rewind(search->store, job), saved);
    return saved;
}

static cJSON *describe_cell(const struct worker *worker, const struct record *record,
                            const struct score *score, bool keeps)
{
    const struct device_info *device = engine_device(worker->engine);
    cJSON *json = cJSON_CreateObject();
    char text[HASH_TEXT], *weights = text_format("cells/%s/best_%s.safetensors", record->cell.name,
                                                 record->cell.inputs);
    cJSON_AddStringToObject(json, "cell", record->cell.name);
    cJSON_AddNumberToObject(json, "seed", (double)record->cell.seed);
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON_AddStringToObject(json, "vkgrid_version", VKGRID_VERSION);
    cJSON_AddStringToObject(json, "data_fingerprint",
                            hash_print(dataset_fingerprint(worker->pack.group->dataset), text));
    if (score->run >= 0) {
        cJSON_AddNumberToObject(json, "run", score->run);
        cJSON_AddNumberToObject(json, "round", score->round);
        cJSON_AddNumberToObject(json, "epoch", score->epoch);
        cJSON_AddNumberToObject(json, "loss", score->loss);
    }
    cJSON_AddItemToObject(json, "weights",
                          keeps ? cJSON_CreateString(weights) : cJSON_CreateNull());
    cJSON_AddNumberToObject(json, "failed_runs", score->failed);
    for (int i = 0; i < record->cell.until; i++)
        if (record->runs[i].state == TRIAL_FAIL && !json_member(json, "failure"))
            cJSON_AddStringToObject(json, "failure", record->runs[i].result.failure);
    free(weights);
    return json;
}

static void say_cell(struct search *search, const struct record *record, const struct score *score)
{
    const struct leader *leader = search_leader(search, &record->cell);
    static const enum progress_cell states[] = {[TRIAL_COMPLETE] = PROGRESS_DONE,
                                                [TRIAL_FAIL] = PROGRESS_FAILED,
                                                [TRIAL_PRUNED] = PROGRESS_PRUNED};
    progress_cell(&search->progress, states[score->state]);
    if (score_ranks(&leader->score))
        progress_best(&search->progress, leader->model, leader->score.cell, leader->score.dice);
    if (score_ranks(score))
        progress_say(&search->progress, "%s: validation dice %.4f, loss %.4f (%s)",
                     record->cell.name, score->dice, score->loss,
                     leader->score.cell == score->cell ? "best so far" : "not the best");
}

// The last run of a cell is over: its files, its trial, the ranking.
static bool end_cell(struct worker *worker, const struct job *job)
{
    struct search *search = worker->search;
    struct record *record = job->record;
    struct score score;
    bool done;
    UNTIL_ROOM(search, record_write(record, search->options->log_steps), done);
    if (!done)
        return false;
    record_score(record, &score);
    const int beaten = search_score(search, &record->cell, &score);
    const bool best = search->options->keep == KEEP_BEST;
    const bool keeps = !isinf(record->weights_dice) && !(best && beaten == score.cell);
    cJSON *attributes = describe_cell(worker, record, &score, keeps);
    UNTIL_ROOM(search,
               journal_end(search->store, job, &score, attributes,
                           best && beaten != score.cell ? beaten : -1),
               done);
    cJSON_Delete(attributes);
    if (!done)
        return false;
    if (best && beaten >= 0)
        search_remove_weights(search, beaten);
    say_cell(search, record, &score);
    return true;
}

static bool end_run(struct worker *worker, const struct job *job, const struct tensors *weights)
{
    struct search *search = worker->search;
    const struct run_record *run = job_run(job);
    bool done = true;
    if (weights)
        UNTIL_ROOM(search, record_weights(job->record, &run->result, weights), done);
    if (!done)
        return false;
    if (record_over(job->record))
        done = end_cell(worker, job);
    else
        UNTIL_ROOM(search, journal_end(search->store, job, NULL, NULL, -1), done);
    if (done && run->state != TRIAL_PRUNED) {
        char *name = pack_checkpoints(search->checkpoints, job);
        checkpoint_remove(name, &run->checkpoint, NULL);
        checkpoint_remove(name, &run->previous, NULL);
        free(name);
    }
    return done;
}

static bool fail_run(struct worker *worker, const struct job *job, const struct run_result *result)
{
    struct run_record *run = job_run(job);
    worker->fresh_engine = true;
    record_end(job->record, job->run, TRIAL_RUNNING, result); // keeps the reason
    if (++run->attempts < ATTEMPTS)
        return try_again(worker, job, result->failure);
    progress_say(&worker->search->progress, "%s, run %d of %d: failed: %s", job->record->cell.name,
                 job->run + 1, job->record->cell.until, result->failure);
    run->state = TRIAL_FAIL;
    return end_run(worker, job, NULL);
}

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    struct worker *worker = context;
    const struct job *job = &worker->pack.jobs[slot];
    bool done;
    worker->gone[slot] = true;
    pthread_mutex_lock(&worker->search->lock);
    if (result->failure) {
        done = fail_run(worker, job, result);
    } else {
        record_end(job->record, job->run, result->halted ? TRIAL_PRUNED : TRIAL_COMPLETE, result);
        done = end_run(worker, job, weights);
    }
    pthread_mutex_unlock(&worker->search->lock);
    return done;
}

// The device is gone with all runs that were on it.
static bool lose_device(struct worker *worker)
{
    struct search *search = worker->search;
    char *why = text_copy(error_text());
    bool done = true;
    pthread_mutex_lock(&search->lock);
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
    pthread_mutex_unlock(&search->lock);
    free(why);
    return done;
}

// A checkpoint that is not what was written: the run begins again, which costs time and no bit.
static bool drop_damaged(struct worker *worker)
{
    struct search *search = worker->search;
    char *why = text_copy(error_text());
    bool done = true;
    int dropped = 0;
    for (int i = 0; done && i < worker->pack.count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        struct run_record *run = job_run(job);
        char *name = pack_checkpoints(search->checkpoints, job);
        if (run->checkpoint.step > 0 && !checkpoint_check(name, &run->checkpoint)) {
            run->checkpoint = (struct run_state){0};
            pthread_mutex_lock(&search->lock);
            done = try_again(worker, job, why);
            pthread_mutex_unlock(&search->lock);
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
    return &worker->known[worker->pack.group - worker->search->open];
}

// The device gave less memory than it said it had: others use it, or its driver needs more than is
// counted. The runs go on from their checkpoints, half as many at once; one alone is tried for some
// minutes, since memory comes back.
static bool halve_packs(struct worker *worker)
{
    struct search *search = worker->search;
    struct device_group *known = known_of(worker);
    const struct group *group = worker->pack.group->group;
    const int count = worker->pack.count, most = count / 2;
    bool done = true;
    if (count == 1 && ++known->failures == MEMORY_ATTEMPTS)
        return false;
    if (count == 1)
        progress_say(&search->progress, "%s: %s: tried again", group->label, error_text());
    else
        progress_say(&search->progress, "%s: %s: from now on at most %d at once", group->label,
                     error_text(), most);
    pthread_mutex_lock(&search->lock);
    for (int i = 0; done && i < count; i++) {
        const struct job *job = &worker->pack.jobs[i];
        if (worker->gone[i] || job_run(job)->epoch_count == job_run(job)->checkpoint.step)
            continue;
        record_rewind(job->record, job->run);
        UNTIL_ROOM(search, journal_rewind(search->store, job), done);
    }
    progress_packs(&search->progress, count == 1
                                          ? 1
                                          : 1 + queue_packs(search, group->run_count, most) -
                                                queue_packs(search, group->run_count, count));
    pthread_mutex_unlock(&search->lock);
    known->most = most > 0 ? most : 1;
    if (count == 1)
        pause_seconds(memory_seconds(known->failures));
    return done;
}

static void show_pack(struct worker *worker)
{
    const struct pack *pack = &worker->pack;
    const struct group *group = pack->group->group;
    const struct job *first = &pack->jobs[0];
    const double work = group->work * pack->count / group->run_count;
    const int step = job_run(first)->checkpoint.step;
    char label[160];
    snprintf(label, sizeof(label), "%s, %d slot%s", group->label, pack->count,
             pack->count == 1 ? "" : "s");
    progress_pack(&worker->progress, label, work,
                  work * step / plan_epochs(&first->record->cell.plan));
}

static bool begin_pack(struct worker *worker)
{
    struct search *search = worker->search;
    bool begun;
    pthread_mutex_lock(&search->lock);
    for (int i = 0; i < worker->pack.count; i++) {
        struct record *record = worker->pack.jobs[i].record;
        record->weights_limit = search->options->keep == KEEP_NONE ? (double)-INFINITY
                                : search->options->keep == KEEP_ALL
                                    ? (double)INFINITY
                                    : search_leader(search, &record->cell)->score.dice;
        if (!record->begun)
            progress_cell(&search->progress, PROGRESS_RUNNING);
        record->begun = true;
    }
    show_pack(worker);
    cJSON *progress = progress_json(&search->progress);
    UNTIL_ROOM(search,
               journal_begin(search->store, worker->pack.jobs, worker->pack.count,
                             engine_device(worker->engine), progress),
               begun);
    cJSON_Delete(progress);
    pthread_mutex_unlock(&search->lock);
    return begun;
}

static bool run_pack(struct worker *worker)
{
    const struct study_options *study = worker->search->options;
    const struct pack_options options = {
        .log_steps = study->log_steps,
        .checkpoints = worker->search->checkpoints,
        .always = study->always,
        .context = worker,
        .epoch_done = on_epoch_done,
        .halt = study->prune != PRUNE_NONE ? on_halt : NULL,
        .finished = on_finished,
        .no_space = on_no_space,
    };
    if (!begin_pack(worker))
        return false;
    worker->gone = mem_grow(worker->gone, (size_t)worker->pack.count, sizeof(*worker->gone));
    memset(worker->gone, 0, (size_t)worker->pack.count * sizeof(*worker->gone));
    if (pack_train(worker->engine, worker->pack.group->dataset, worker->pack.jobs,
                   worker->pack.count, &options, &worker->progress)) {
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
    default:
        return false;
    }
}

static bool rank(struct search *search)
{
    bool written;
    pthread_mutex_lock(&search->lock);
    UNTIL_ROOM(search, ranking_write(search->options->out, search->grid, search->scores), written);
    pthread_mutex_unlock(&search->lock);
    return written;
}

bool worker_run(struct search *search, int device, struct engine **engine)
{
    struct worker worker = {.search = search, .engine = *engine};
    worker.known = mem_zalloc((size_t)search->groups.count, sizeof(*worker.known));
    bool joined = false, done = false;
    *engine = NULL;
    for (;;) {
        if (worker.fresh_engine)
            engine_close(&worker.engine);
        worker.fresh_engine = false;
        if (!worker.engine)
            CHECK(engine_open(device, &worker.engine));
        if (!joined)
            progress_join(&search->progress, &worker.progress, engine_device(worker.engine)->name);
        joined = true;
        CHECK(queue_take(search, worker.engine, worker.known, &worker.pack));
        if (worker.pack.count == 0)
            break;
        const bool trained = run_pack(&worker);
        char *why = trained ? NULL : text_copy(error_text());
        queue_give_back(search, &worker.pack);
        if (!trained)
            error_set("%s", why);
        free(why);
        CHECK(trained && rank(search));
    }
    done = !interrupt_requested() || error_set("interrupted");
error:
    if (joined)
        progress_leave(&worker.progress);
    free(worker.gone);
    free(worker.known);
    engine_close(&worker.engine);
    return done;
}
