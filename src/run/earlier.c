// SPDX-License-Identifier: MIT
#include "run/earlier.h"

#include "run/open_group.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/labels.h"

#include <math.h>
#include <stdlib.h>

// --- Cells that are finished --------------------------------------------------------------------

static bool tell_cells(struct campaign *campaign, const int *cells, int count)
{
    int *finished = mem_alloc(sizeof(*finished) * (size_t)(count + 1)),
        states[] = {[PROGRESS_PRUNED] = 0}, number = 0;
    struct groups groups;
    double work = 0;
    for (int i = 0; i < count; i++) {
        const struct score *score = &campaign->trials.scores[cells[i]];
        if (!score_finished(score) || score->again || score->reopened || score->unable)
            continue;
        finished[number++] = cells[i];
        states[score->state == TRIAL_FAIL     ? PROGRESS_FAILED
               : score->state == TRIAL_PRUNED ? PROGRESS_PRUNED
                                              : PROGRESS_DONE]++;
    }
    const bool made = groups_make(campaign->trials.grid, finished, number, &groups);
    for (int i = 0; made && i < groups.count; i++)
        work += groups.items[i].effort;
    if (made)
        progress_earlier(&campaign->progress, states, work);
    if (made)
        groups_free(&groups);
    free(finished);
    return made;
}

// --- Runs and epochs of the others --------------------------------------------------------------

struct done {
    double over, epochs; // runs, and epochs of runs that go on; then the work of both
};

// Runs that are over make no packs.
static void drop_packs(struct campaign *campaign, struct open_group *open, int over)
{
    const int runs = open->group->run_count, left = runs - over,
              packs = (int)(((int64_t)open->packs * left + runs - 1) / runs);
    progress_packs(&campaign->progress, packs - open->packs);
    open->packs = packs;
}

static bool add_run(void *context, const struct store_run *run)
{
    struct done *done = context;
    done->over += run->state == TRIAL_COMPLETE || run->state == TRIAL_FAIL;
    return true;
}

static bool add_checkpoint(void *context, int run, const struct run_state *state)
{
    struct done *done = context;
    (void)run;
    done->epochs += state->epochs_done;
    return true;
}

// over: counts the runs that are.
static bool tell_begun(struct campaign *campaign, struct open_group *open, int cell, int *over)
{
    const struct group *group = open->group;
    struct done done = {0};
    const struct store_reader reader = {
        .context = &done, .run = add_run, .checkpoint = add_checkpoint};
    const double work = group->effort / group->run_count;
    if (!store_read_cell(campaign->store, cell, &reader))
        return false;
    *over += (int)done.over;
    done.over *= work;
    done.epochs *= work / group->epoch_count;
    progress_resumed(&campaign->progress, done.over, done.epochs);
    open->earlier_over += done.over;
    open->resumed += done.epochs;
    return true;
}

// --- The best so far ----------------------------------------------------------------------------

static bool tell_best(struct campaign *campaign)
{
    struct leaders *leaders = &campaign->trials.leaders;
    if (!leaders_read_labels(leaders, campaign->store))
        return false;
    for (int i = 0; i < leaders->count; i++) {
        const struct leader *leader = &leaders->items[i];
        char *labels = labels_text(leader->labels);
        if (score_ranks(&leader->score))
            progress_best(&campaign->progress, leader->task, leader->score.cell, leader->score.loss,
                          leader->score.value, labels);
        free(labels);
    }
    return true;
}

// It goes on, from its checkpoints.
static bool goes_on(const struct score *score)
{
    return score->state == TRIAL_RUNNING || (score->state == TRIAL_PRUNED && score->again) ||
           score->reopened;
}

bool earlier_tell(struct campaign *campaign, const int *cells, int count)
{
    bool told = tell_cells(campaign, cells, count) && tell_best(campaign);
    for (int i = 0; told && i < campaign->groups.count; i++) {
        const struct group *group = &campaign->groups.items[i];
        int over = 0;
        for (int k = 0; told && k < group->cell_count; k++)
            if (goes_on(&campaign->trials.scores[group->cells[k]]))
                told = tell_begun(campaign, &campaign->open[i], group->cells[k], &over);
        drop_packs(campaign, &campaign->open[i], over);
    }
    return told;
}
