// SPDX-License-Identifier: MIT
#include "merge/choice.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/store/grow.h"
#include "vkgrid/study/paths.h"

#include <stdlib.h>

void choices_init(struct chosen_cells *choices, const char *const *folders, const struct grid *grid,
                  const struct matches *matches, struct merge_result *result)
{
    *choices = (struct chosen_cells){
        .folders = folders, .grid = grid, .matches = matches, .result = result};
    choices->items = mem_zalloc((size_t)matches->count + 1, sizeof(*choices->items));
    for (int i = 0; i < matches->count; i++)
        choices->items[i].part = -1;
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

// Of studies that grew one may have more runs or epochs than the other.
static bool is_further(const struct chosen_cell *a, const struct chosen_cell *b)
{
    const int one = rank(&a->score), other = rank(&b->score);
    return one > other || (one == other && a->epochs > b->epochs);
}

static void note_conflict(struct chosen_cells *choices, const struct chosen_cell *a,
                          const struct chosen_cell *b)
{
    char left[NUMBER_TEXT], right[NUMBER_TEXT];
    if (a->score.state != TRIAL_COMPLETE || b->score.state != TRIAL_COMPLETE ||
        a->epochs != b->epochs || a->score.dice == b->score.dice)
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
    int part, seen;  // cells so far
    int64_t *epochs; // [cell of the part]
};

static bool add_epochs(void *context, const struct store_length *run)
{
    struct reader *reader = context;
    if (run->cell >= 0 && run->cell < reader->choices->matches->counts[reader->part])
        reader->epochs[run->cell] += run->epochs;
    return true;
}

static bool take_trial(void *context, const struct store_trial *trial)
{
    struct reader *reader = context;
    struct chosen_cells *choices = reader->choices;
    const char *folder = choices->folders[reader->part];
    struct chosen_cell choice = {.part = reader->part, .cell = trial->cell};
    const int count = choices->matches->counts[reader->part];
    if (trial->cell != reader->seen || trial->cell >= count)
        return error_set("%s/" STUDY_DATABASE ": has a cell %d, where cell %d of %d was to come",
                         folder, trial->cell, reader->seen, count);
    char *where = text_format("%s/" STUDY_DATABASE ": cell %d", folder, trial->cell);
    const bool read = score_read(trial, where, &choice.score, &choice.has_weights);
    free(where);
    if (!read)
        return false;
    score_rank(&choice.score, choices->rank_by);
    choice.epochs = reader->epochs[trial->cell];
    const int number = choices->matches->maps[reader->part][reader->seen++];
    if (number < 0)
        return true;
    choice.score.cell = number;
    choice.score.outside = grid_outside(choices->grid, number);
    struct chosen_cell *best = &choices->items[number];
    if (best->part < 0 || is_further(&choice, best))
        *best = choice;
    else
        note_conflict(choices, best, &choice);
    return true;
}

bool choices_take_part(struct chosen_cells *choices, int part, struct store *store)
{
    struct reader reader = {.choices = choices, .part = part};
    const int cells = choices->matches->counts[part];
    reader.epochs = mem_zalloc((size_t)cells + 1, sizeof(*reader.epochs));
    const bool taken =
        store_lengths(store, add_epochs, &reader) && store_trials(store, take_trial, &reader);
    free(reader.epochs);
    return taken &&
           (reader.seen == cells || error_set("%s/" STUDY_DATABASE ": has %d cells, its grid %d",
                                              choices->folders[part], reader.seen, cells));
}

bool choices_keep_weights(struct chosen_cells *choices, bool best_only)
{
    struct leaders leaders = {0};
    bool read = true;
    for (int i = 0; read && i < choices->matches->count; i++) {
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
