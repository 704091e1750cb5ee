// SPDX-License-Identifier: MIT
// A search: what is still to do, on which devices.
#include "vkgrid/run/run.h"

#include "run/begin.h"
#include "run/earlier.h"
#include "run/queue.h"
#include "run/worker.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/pack_size.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/study/ranking.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

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

static bool select_cells(const struct campaign *campaign, struct selection *selection)
{
    const struct study_options *options = campaign->options;
    if (!options->cells || campaign->trials.grid->sampler == SAMPLER_OPTUNA) {
        select_all(campaign->trials.grid, selection);
    } else {
        const size_t size = sizeof(int) * (size_t)options->cell_count;
        selection->count = options->cell_count;
        selection->cells = mem_alloc(size + 1);
        memcpy(selection->cells, options->cells, size);
    }
    if (options->shards < 2)
        return true;
    struct groups groups;
    if (!groups_make(campaign->trials.grid, selection->cells, selection->count, &groups))
        return false;
    shard_cells(&groups, options->shard, options->shards, selection->cells, &selection->count);
    groups_free(&groups);
    return true;
}

// Cells of others are not tried again.
static void leave_others(struct campaign *campaign, const struct selection *selection)
{
    const int count = campaign->trials.grid->cell_count;
    bool *mine = mem_zalloc((size_t)count + 1, sizeof(*mine));
    for (int i = 0; i < selection->count; i++)
        mine[selection->cells[i]] = true;
    for (int i = 0; i < count; i++)
        campaign->trials.scores[i].again &= mine[i];
    free(mine);
}

static bool is_pending(const struct score *score)
{
    return !score_finished(score) || score->again;
}

static bool make_groups(struct campaign *campaign, const struct selection *selection)
{
    int *pending = mem_alloc(sizeof(*pending) * (size_t)(selection->count + 1)), count = 0;
    for (int i = 0; i < selection->count; i++)
        if (is_pending(&campaign->trials.scores[selection->cells[i]]))
            pending[count++] = selection->cells[i];
    const bool made = groups_make(campaign->trials.grid, pending, count, &campaign->groups);
    free(pending);
    return made;
}

// The packs of every group as the first device that can hold it has them, and the progress over all of them.
static bool plan_packs(struct campaign *campaign, struct engine *engine)
{
    double work = 0;
    int packs = 0;
    for (int i = 0; i < campaign->groups.count; i++) {
        const struct group *group = &campaign->groups.items[i];
        struct pack_size size = {.slots = group->elsewhere};
        if (size.slots == 0 && !pack_size_of(engine, group, campaign->options->pack, &size))
            return false;
        campaign->open[i].packs = queue_group_packs(campaign, group, size.slots);
        packs += campaign->open[i].packs;
        work += group->effort;
    }
    progress_start(&campaign->progress, campaign->options->quiet, campaign->groups.cell_count,
                   packs, work);
    return true;
}

struct thread {
    pthread_t id;
    struct campaign *campaign;
    int device;
    bool done;
};

// The first failure stops the other devices; its message is kept.
static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    struct campaign *campaign = thread->campaign;
    struct engine *engine = NULL;
    thread->done = worker_run(campaign, thread->device, &engine);
    pthread_mutex_lock(&campaign->lock);
    if (!thread->done && !campaign->stop) {
        campaign->stop = true;
        campaign->failure = text_copy(error_text());
    }
    pthread_cond_broadcast(&campaign->changed);
    pthread_mutex_unlock(&campaign->lock);
    return NULL;
}

static bool run_threads(struct campaign *campaign)
{
    const int count = campaign->options->device_count;
    struct thread *threads = mem_zalloc((size_t)count, sizeof(*threads));
    bool done = true;
    int started = 0;
    for (; started < count; started++) {
        threads[started] =
            (struct thread){.campaign = campaign, .device = campaign->options->devices[started]};
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
    return done ? queue_is_done(campaign) : error_set("%s", campaign->failure);
}

// Trains the groups that are left. The check comes before anything is written.
static bool run_groups(struct campaign *campaign, const struct selection *selection)
{
    const int *devices = campaign->options->devices;
    struct engine *engine = NULL;
    CHECK(campaign->groups.count == 0 || engine_open(devices[0], &engine));
    CHECK(begin_check(campaign, engine));
    CHECK(queue_open(campaign));
    CHECK(plan_packs(campaign, engine));
    CHECK(campaign_create(campaign));
    CHECK(begin_note(campaign));
    CHECK(earlier_tell(campaign, selection->cells, selection->count));
    campaign->report.last = seconds_now();
    if (campaign->groups.count == 0) {
        engine_close(&engine);
        return true;
    }
    if (campaign->options->device_count == 1)
        return worker_run(campaign, devices[0], &engine);
    engine_close(&engine);
    return run_threads(campaign);
error:
    engine_close(&engine);
    return false;
}

static void count_results(const struct campaign *campaign, const struct selection *selection,
                          struct study_result *result)
{
    result->cells = selection->count;
    result->finished = result->failed_runs = result->failed = result->pruned = result->unable = 0;
    for (int i = 0; i < selection->count; i++) {
        const struct score *score = &campaign->trials.scores[selection->cells[i]];
        result->unable += score->unable && !score->again;
        if (is_pending(score) || score->unable)
            continue;
        result->finished++;
        result->failed_runs += score->failed;
        result->failed += score->state == TRIAL_FAIL;
        result->pruned += score->state == TRIAL_PRUNED;
    }
}

void study_result_free(struct study_result *result)
{
    leaders_free(&result->leaders);
    *result = (struct study_result){0};
}

static bool put_progress(struct store *store, void *context)
{
    return store_put(store, "progress", context);
}

// What `vkgrid status` says once nobody is at work.
static bool note_end(struct campaign *campaign)
{
    cJSON *progress = progress_json(&campaign->progress);
    const bool noted = store_transaction(campaign->store, put_progress, progress);
    cJSON_Delete(progress);
    return noted;
}

bool study_run(struct grid *grid, const struct study_options *options, struct study_result *result)
{
    struct campaign campaign;
    struct selection selection = {0};
    bool done = false;
    *result = (struct study_result){0};
    CHECK(campaign_open(&campaign, grid, options));
    CHECK(select_cells(&campaign, &selection));
    leave_others(&campaign, &selection);
    count_results(&campaign, &selection, result);
    result->earlier = result->finished;
    CHECK(make_groups(&campaign, &selection));
    CHECK(run_groups(&campaign, &selection));
    CHECK(ranking_write(options->out, grid, campaign.trials.scores, campaign.store));
    CHECK(leaders_read_labels(&campaign.trials.leaders, campaign.store));
    CHECK(note_end(&campaign));
    done = true;
error:
    progress_end(&campaign.progress);
    count_results(&campaign, &selection, result);
    result->leaders = campaign.trials.leaders; // taken over
    campaign.trials.leaders = (struct leaders){0};
    queue_close(&campaign);
    campaign_close(&campaign);
    free(selection.cells);
    return done;
}
