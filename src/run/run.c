// SPDX-License-Identifier: MIT
// A search: what is still to do, on which devices.
#include "vkgrid/run/run.h"

#include "run/begin.h"
#include "run/devices.h"
#include "run/earlier.h"
#include "run/from.h"
#include "run/queue.h"
#include "run/rank.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/shard.h"

#include <stdlib.h>
#include <string.h>

// The cells that this process is to have finished at its end.
struct selection {
    int *cells, count;
};

// Cells that Optuna adds, or that the study has beside those of the grid, are known only now.
static void select_all(const struct grid *grid, struct selection *selection)
{
    selection->count = 0;
    selection->cells = mem_alloc(sizeof(int) * (size_t)(grid->cell_count + 1));
    for (int i = 0; i < grid->cell_count; i++)
        if (!grid_outside(grid, i))
            selection->cells[selection->count++] = i;
}

// Those of the command line that the grid has.
static void select_some(const struct grid *grid, const struct study_options *options,
                        struct selection *selection)
{
    selection->count = 0;
    selection->cells = mem_alloc(sizeof(int) * (size_t)(options->cell_count + 1));
    for (int i = 0; i < options->cell_count; i++)
        if (options->cells[i] < grid->cell_count && !grid_outside(grid, options->cells[i]))
            selection->cells[selection->count++] = options->cells[i];
}

static bool select_cells(const struct campaign *campaign, struct selection *selection)
{
    const struct study_options *options = campaign->options;
    if (!options->cells || campaign->trials.grid->sampler == SAMPLER_OPTUNA) {
        select_all(campaign->trials.grid, selection);
    } else {
        select_some(campaign->trials.grid, options, selection);
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

static int count_refused(const struct trials *trials)
{
    int count = 0;
    for (int i = 0; i < trials->answer_count; i++)
        count += trials->answers[i].refused != NULL;
    return count;
}

static bool is_pending(const struct score *score)
{
    return !score_finished(score) || score->again || score->reopened;
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
    CHECK(from_write(campaign));
    CHECK(begin_note(campaign));
    CHECK(earlier_tell(campaign, selection->cells, selection->count));
    campaign->report.last = seconds_now();
    CHECK(campaign->groups.count == 0 || devices_train(campaign, &engine));
    engine_close(&engine);
    return true;
error:
    engine_close(&engine);
    return false;
}

static void count_results(const struct campaign *campaign, const struct selection *selection,
                          struct study_result *result)
{
    result->refused = count_refused(&campaign->trials);
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
    best_sets_free(&result->sets);
    *result = (struct study_result){0};
}

bool study_run(struct grid *grid, const struct study_options *options, struct study_result *result)
{
    struct campaign campaign;
    struct selection selection = {0};
    bool done = false;
    *result = (struct study_result){0};
    CHECK(campaign_open(&campaign, grid, options));
    CHECK(from_choose(&campaign));
    CHECK(select_cells(&campaign, &selection));
    leave_others(&campaign, &selection);
    count_results(&campaign, &selection, result);
    result->earlier = result->finished;
    CHECK(make_groups(&campaign, &selection));
    CHECK(run_groups(&campaign, &selection));
    CHECK(rank_at_end(&campaign));
    CHECK(leaders_read_labels(&campaign.trials.leaders, campaign.store));
    CHECK(note_progress(&campaign));
    done = true;
error:
    progress_end(&campaign.progress);
    count_results(&campaign, &selection, result);
    result->rank_by = campaign.trials.rank_by;
    result->sets = campaign.sets; // taken over
    campaign.sets = (struct best_sets){0};
    result->leaders = campaign.trials.leaders;
    campaign.trials.leaders = (struct leaders){0};
    queue_close(&campaign);
    campaign_close(&campaign);
    free(selection.cells);
    return done;
}
