// SPDX-License-Identifier: MIT
#include "run/from.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static void note_leaders(struct campaign *campaign)
{
    const struct leaders *leaders = &campaign->trials.leaders;
    struct taking *taking = &campaign->taking;
    taking->led = mem_zalloc((size_t)leaders->count + 1, sizeof(*taking->led));
    for (int i = 0; i < leaders->count; i++)
        if (score_ranks(&leaders->items[i].score))
            taking->led[taking->led_count++] = leaders->items[i].score.cell;
}

bool from_choose(struct campaign *campaign)
{
    struct taking *taking = &campaign->taking;
    struct trials *trials = &campaign->trials;
    const char *from = campaign->options->from;
    if (!from)
        return true;
    if (folder_same(from, campaign->options->out))
        return error_set("--from %s: is the study itself: another one is needed", from);
    struct identity mine = campaign_identity(campaign);
    bool chosen = taking_choose(taking, from, &mine, trials->grid, trials->scores);
    identity_free(&mine);
    note_leaders(campaign);
    for (int i = 0; chosen && i < taking->count; i++) {
        const struct taken_cell *taken = &taking->items[i];
        struct score score = taken->score;
        struct cell cell;
        score_rank(&score, trials->rank_by);
        score.saved = score.value; // from rank_taken() on
        chosen = grid_cell(trials->grid, taken->cell, &cell);
        if (chosen)
            trials_finish(trials, &cell, &score);
        cell_free(&cell);
    }
    return chosen;
}

static bool leads(const struct campaign *campaign, int cell)
{
    const struct leaders *leaders = &campaign->trials.leaders;
    for (int i = 0; i < leaders->count; i++)
        if (leaders->items[i].score.cell == cell)
            return true;
    return false;
}

// The other study may rank by something else.
static bool rank_taken(struct store *store, void *context)
{
    const struct campaign *campaign = context;
    const struct taking *taking = &campaign->taking;
    for (int i = 0; i < taking->count; i++) {
        const struct taken_cell *taken = &taking->items[i];
        const struct score *score = &campaign->trials.scores[taken->cell];
        if (score_ranks(score) && score->value != taken->score.saved &&
            !store_set_value(store, taken->cell, score->value))
            return false;
    }
    return true;
}

static bool put_beaten(struct store *store, void *context)
{
    const struct campaign *campaign = context;
    const struct taking *taking = &campaign->taking;
    for (int i = 0; i < taking->led_count; i++)
        if (!leads(campaign, taking->led[i]) && !store_no_weights(store, taking->led[i]))
            return false;
    return true;
}

// Of cells that led until now no weights are kept.
static bool drop_beaten(struct campaign *campaign)
{
    const struct taking *taking = &campaign->taking;
    if (campaign->options->keep != KEEP_BEST)
        return true;
    if (!store_transaction(campaign->store, put_beaten, campaign))
        return false;
    for (int i = 0; i < taking->led_count; i++)
        if (!leads(campaign, taking->led[i]))
            campaign_remove_weights(campaign, taking->led[i]);
    return true;
}

bool from_write(struct campaign *campaign)
{
    const struct taking *taking = &campaign->taking;
    const struct study_options *options = campaign->options;
    const struct grid *grid = campaign->trials.grid;
    if (!options->from)
        return true;
    bool *kept = mem_zalloc((size_t)taking->count + 1, sizeof(*kept)), written = true;
    for (int i = 0; written && i < taking->count; i++) {
        const struct taken_cell *taken = &taking->items[i];
        char *folder = campaign_cell_folder(campaign, taken->cell);
        kept[i] = taken->weights && options->keep != KEEP_NONE &&
                  (options->keep == KEEP_ALL || leads(campaign, taken->cell));
        written = taking_write_files(taking, taken, grid, folder, kept[i], options->log_steps);
        free(folder);
    }
    written = written && taking_write_rows(taking, grid, campaign->store, kept) &&
              store_transaction(campaign->store, rank_taken, campaign) && drop_beaten(campaign);
    free(kept);
    char *text = taking_text(taking);
    if (written)
        progress_say(&campaign->progress, "%s", text);
    free(text);
    return written;
}
