// SPDX-License-Identifier: MIT
// A study: what is still to do, on which devices.
#include "vkgrid/run/run.h"

#include "vkgrid/study/folder.h"
#include "vkgrid/study/ranking.h"
#include "run/campaign.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/pack_size.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *keep_name(enum keep keep)
{
    static const char *const names[] = {"none", "best", "all"};
    return names[keep];
}

bool keep_parse(const char *text, enum keep *keep)
{
    for (int i = KEEP_NONE; i <= KEEP_ALL; i++) {
        if (strcmp(text, keep_name((enum keep)i)) == 0) {
            *keep = (enum keep)i;
            return true;
        }
    }
    return false;
}

// The cells that this process is to have finished at its end.
struct selection {
    int *cells, count;
};

// Cells that Optuna adds are known only now: all of them.
static void select_all(const struct grid *grid, struct selection *selection)
{
    selection->count = grid->cell_count;
    selection->cells = mem_alloc(sizeof(int) * (size_t)(grid->cell_count + 1));
    for (int i = 0; i < grid->cell_count; i++)
        selection->cells[i] = i;
}

static bool select_cells(const struct search *search, struct selection *selection)
{
    const struct study_options *options = search->options;
    if (!options->cells || search->grid->sampler == SAMPLER_OPTUNA) {
        select_all(search->grid, selection);
    } else {
        const size_t size = sizeof(int) * (size_t)options->cell_count;
        selection->count = options->cell_count;
        selection->cells = mem_alloc(size + 1);
        memcpy(selection->cells, options->cells, size);
    }
    if (options->shards < 2)
        return true;
    struct groups groups;
    if (!groups_make(search->grid, selection->cells, selection->count, &groups))
        return false;
    shard_cells(&groups, options->shard, options->shards, selection->cells, &selection->count);
    groups_free(&groups);
    return true;
}

static bool is_pending(const struct score *score)
{
    return !score_finished(score) || score->again;
}

static bool make_groups(struct search *search, const struct selection *selection)
{
    int *pending = mem_alloc(sizeof(*pending) * (size_t)(selection->count + 1)), count = 0;
    for (int i = 0; i < selection->count; i++)
        if (is_pending(&search->scores[selection->cells[i]]))
            pending[count++] = selection->cells[i];
    const bool made = groups_make(search->grid, pending, count, &search->groups);
    free(pending);
    return made;
}

static bool check_inputs(const struct search *search)
{
    for (int i = 0; i < search->groups.count; i++) {
        const struct group *group = &search->groups.items[i];
        for (int j = 0; j < group->cell_count; j++) {
            struct cell cell;
            if (!grid_cell(search->grid, group->cells[j], &cell))
                return false;
            const bool good = folder_check_inputs(&cell, search->grid->where);
            cell_free(&cell);
            if (!good)
                return false;
        }
    }
    return true;
}

// The packs of every group as the first device has them, and the progress over all of them.
static bool plan_packs(struct search *search, struct engine *engine)
{
    double work = 0;
    int packs = 0;
    for (int i = 0; i < search->groups.count; i++) {
        const struct group *group = &search->groups.items[i];
        struct width width;
        if (!group_width(engine, group, search->options->pack, &width))
            return false;
        packs += queue_packs(search, group->run_count, width.slots);
        work += group->work;
    }
    progress_start(&search->progress, search->options->quiet, search->groups.cell_count, packs,
                   work);
    return true;
}

struct thread {
    pthread_t id;
    struct search *search;
    int device;
    bool done;
};

// The first failure stops the other devices; its message is kept.
static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    struct search *search = thread->search;
    struct engine *engine = NULL;
    thread->done = worker_run(search, thread->device, &engine);
    pthread_mutex_lock(&search->lock);
    if (!thread->done && !search->stop) {
        search->stop = true;
        search->failure = text_copy(error_text());
    }
    pthread_mutex_unlock(&search->lock);
    return NULL;
}

static bool run_threads(struct search *search)
{
    const int count = search->options->device_count;
    struct thread *threads = mem_zalloc((size_t)count, sizeof(*threads));
    bool done = true;
    int started = 0;
    for (; started < count; started++) {
        threads[started] =
            (struct thread){.search = search, .device = search->options->devices[started]};
        if (pthread_create(&threads[started].id, NULL, run_thread, &threads[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i].id, NULL);
        done &= threads[i].done;
    }
    free(threads);
    if (started < count)
        return error_set("no thread could be started for a device");
    return done || error_set("%s", search->failure);
}

static bool run_groups(struct search *search)
{
    struct engine *engine = NULL;
    CHECK(engine_open(search->options->devices[0], &engine));
    CHECK(plan_packs(search, engine));
    search->open = mem_zalloc((size_t)search->groups.count, sizeof(*search->open));
    if (search->options->device_count == 1)
        return worker_run(search, search->options->devices[0], &engine);
    engine_close(&engine);
    return run_threads(search);
error:
    engine_close(&engine);
    return false;
}

static void count_results(const struct search *search, const struct selection *selection,
                          struct study_result *result)
{
    result->cells = selection->count;
    result->finished = result->failed_runs = result->failed = result->pruned = 0;
    for (int i = 0; i < selection->count; i++) {
        const struct score *score = &search->scores[selection->cells[i]];
        if (is_pending(score))
            continue;
        result->finished++;
        result->failed_runs += score->failed;
        result->failed += score->state == TRIAL_FAIL;
        result->pruned += score->state == TRIAL_PRUNED;
    }
}

// Moves the names of the models.
static void report_leaders(struct search *search, struct study_result *result)
{
    result->leaders = mem_zalloc((size_t)search->leader_count + 1, sizeof(*result->leaders));
    for (int i = 0; i < search->leader_count; i++) {
        struct leader *leader = &search->leaders[i];
        if (!score_ranks(&leader->score))
            continue;
        result->leaders[result->leader_count++] = (struct study_leader){
            .model = leader->model,
            .cell = leader->score.cell,
            .dice = leader->score.dice,
            .loss = leader->score.loss,
        };
        leader->model = NULL;
    }
}

void study_result_free(struct study_result *result)
{
    for (int i = 0; i < result->leader_count; i++)
        free(result->leaders[i].model);
    free(result->leaders);
    *result = (struct study_result){0};
}

// What `vkgrid status` says once nobody is at work.
static bool note_end(struct search *search)
{
    cJSON *progress = progress_json(&search->progress);
    const bool noted = store_put(search->store, "progress", progress);
    cJSON_Delete(progress);
    return noted;
}

bool study_run(struct grid *grid, const struct study_options *options, struct study_result *result)
{
    struct search search = {.grid = grid, .options = options, .lock_file = -1};
    struct selection selection = {0};
    bool done = false;
    *result = (struct study_result){0};
    pthread_mutex_init(&search.lock, NULL);
    CHECK(search_open(&search));
    CHECK(select_cells(&search, &selection));
    count_results(&search, &selection, result);
    result->earlier = result->finished;
    CHECK(make_groups(&search, &selection));
    CHECK(check_inputs(&search));
    if (search.groups.count > 0)
        CHECK(run_groups(&search));
    else
        CHECK(search_make(&search));
    CHECK(ranking_write(options->out, grid, search.scores));
    CHECK(note_end(&search));
    done = true;
error:
    progress_end(&search.progress);
    count_results(&search, &selection, result);
    report_leaders(&search, result);
    queue_close(&search);
    search_close(&search);
    pthread_mutex_destroy(&search.lock);
    free(selection.cells);
    return done;
}
