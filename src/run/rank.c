// SPDX-License-Identifier: MIT
#include "run/rank.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/processors.h"
#include "vkgrid/study/ranking.h"

#define SECONDS 30.0 // between two comparisons of a search that runs
#define SHARE 0.01   // of the time, at most

static bool put_sets(struct store *store, void *context)
{
    return best_sets_write(context, store);
}

static bool make_sets(struct campaign *campaign, int threads)
{
    const double start = seconds_now();
    best_sets_free(&campaign->sets);
    const bool made = best_sets_make(campaign->store, campaign->trials.grid,
                                     campaign->trials.scores, threads, &campaign->sets) &&
                      store_transaction(campaign->store, put_sets, &campaign->sets);
    campaign->sets_made = seconds_now();
    campaign->sets_took = campaign->sets_made - start;
    return made;
}

static bool write_files(void *context)
{
    const struct campaign *campaign = context;
    return ranking_write(campaign->options->out, campaign->trials.grid, campaign->trials.scores,
                         campaign->trials.rank_by, &campaign->sets, campaign->store);
}

// Of one training there is nothing to rank.
static bool ranks(const struct campaign *campaign)
{
    return campaign->trials.grid->sampler != SAMPLER_CELL;
}

bool rank_now_and_then(struct campaign *campaign)
{
    const double now = seconds_now(), least = campaign->sets_took / SHARE,
                 since = now - campaign->sets_made;
    if (campaign->sets_made == 0)
        campaign->sets_made = now; // the first comparison is worth waiting for
    else if (ranks(campaign) && since >= SECONDS && since >= least && !make_sets(campaign, 1))
        return false;
    return room_write(&campaign->room, write_files, campaign);
}

bool rank_at_end(struct campaign *campaign)
{
    return (!ranks(campaign) || make_sets(campaign, processor_count())) &&
           room_write(&campaign->room, write_files, campaign);
}
