// SPDX-License-Identifier: MIT
#include "merge/choice.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"

#include <stdlib.h>

void choices_init(struct chosen_cells *choices, const char *const *folders, const struct grid *grid,
                  struct merge_result *result)
{
    *choices = (struct chosen_cells){.folders = folders, .grid = grid, .result = result};
    choices->items = mem_zalloc((size_t)grid->cell_count + 1, sizeof(*choices->items));
}

void choices_free(struct chosen_cells *choices)
{
    free(choices->items);
    *choices = (struct chosen_cells){0};
}

// Of a cell that could not be trained nothing is there but the reason.
static int rank(const struct score *score)
{
    static const int ranks[] = {
        [TRIAL_WAITING] = 0, [TRIAL_RUNNING] = 2,  [TRIAL_PRUNED] = 3,
        [TRIAL_FAIL] = 4,    [TRIAL_COMPLETE] = 5,
    };
    return score->unable ? 1 : ranks[score->state];
}

static void note_conflict(struct chosen_cells *choices, const struct chosen_cell *a,
                          const struct chosen_cell *b)
{
    char left[NUMBER_TEXT], right[NUMBER_TEXT];
    if (a->score.state != TRIAL_COMPLETE || b->score.state != TRIAL_COMPLETE ||
        a->score.dice == b->score.dice)
        return;
    if (choices->result->conflicts++ == 0)
        choices->result->conflict =
            text_format("grid%05d has dice loss %s in %s and %s in %s: the first is taken",
                        a->score.cell, number_text(a->score.dice, left), choices->folders[a->part],
                        number_text(b->score.dice, right), choices->folders[b->part]);
}

// The part that is read now.
struct reader {
    struct chosen_cells *choices;
    int part, seen; // cells so far
};

static bool take_trial(void *context, const struct store_trial *trial)
{
    struct reader *reader = context;
    struct chosen_cells *choices = reader->choices;
    const char *folder = choices->folders[reader->part];
    struct chosen_cell choice = {.part = reader->part};
    if (trial->cell != reader->seen || trial->cell >= choices->grid->cell_count)
        return error_set("%s/" STUDY_DATABASE ": has a cell %d, where cell %d of %d was to come",
                         folder, trial->cell, reader->seen, choices->grid->cell_count);
    char *where = text_format("%s/" STUDY_DATABASE ": cell %d", folder, trial->cell);
    const bool read = score_read(trial, where, &choice.score, &choice.has_weights);
    free(where);
    if (!read)
        return false;
    score_rank(&choice.score, choices->rank_by);
    struct chosen_cell *best = &choices->items[reader->seen++];
    if (reader->part == 0 || rank(&choice.score) > rank(&best->score))
        *best = choice;
    else
        note_conflict(choices, best, &choice);
    return true;
}

bool choices_take_part(struct chosen_cells *choices, int part, struct store *store)
{
    struct reader reader = {choices, part, 0};
    const int cells = choices->grid->cell_count;
    return store_trials(store, take_trial, &reader) &&
           (reader.seen == cells || error_set("%s/" STUDY_DATABASE ": has %d cells, its grid %d",
                                              choices->folders[part], reader.seen, cells));
}

bool choices_keep_weights(struct chosen_cells *choices, bool best_only)
{
    struct leaders leaders = {0};
    bool read = true;
    for (int i = 0; read && i < choices->grid->cell_count; i++) {
        struct chosen_cell *choice = &choices->items[i];
        struct cell cell;
        choice->kept = !best_only || !score_ranks(&choice->score);
        if (choice->kept)
            continue;
        read = grid_cell(choices->grid, i, &cell);
        if (read)
            leaders_take(&leaders, &cell, &choice->score);
        cell_free(&cell);
    }
    for (int i = 0; i < leaders.count; i++)
        choices->items[leaders.items[i].score.cell].kept = true;
    leaders_free(&leaders);
    return read;
}
