// SPDX-License-Identifier: MIT
#include "vkgrid/merge/merge.h"

#include "merge/choice.h"
#include "merge/copy.h"
#include "merge/joined.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/store/grow.h"
#include "vkgrid/base/processors.h"
#include "vkgrid/store/join.h"
#include "vkgrid/study/checkpoints.h"
#include "vkgrid/study/folder.h"
#include "vkgrid/study/lock.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/ranking.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct merge {
    const char *out;
    const char **folders; // of the parts; `out` first if it holds a study
    int *locks, part_count;
    bool in_place; // `out` holds a study
    int out_lock;  // where it holds none
    struct joined joined;
    struct chosen_cells choices;
    struct merge_result *result;
};

// --- The folders --------------------------------------------------------------------------------

// A folder that is named twice counts once.
static bool add_folder(struct merge *merge, const char *folder)
{
    for (int i = 0; i < merge->part_count; i++)
        if (folder_same(merge->folders[i], folder))
            return true;
    if (!folder_exists(folder))
        return error_set("%s: no such folder", folder);
    if (!study_holds(folder, STUDY_DATABASE))
        return error_set("%s: holds no study", folder);
    if (!study_lock(folder, &merge->locks[merge->part_count]))
        return false;
    merge->folders[merge->part_count++] = folder;
    return true;
}

static bool add_folders(struct merge *merge, const struct merge_options *options)
{
    bool holds;
    merge->folders = mem_zalloc((size_t)options->count + 1, sizeof(*merge->folders));
    merge->locks = mem_zalloc((size_t)options->count + 1, sizeof(*merge->locks));
    merge->in_place = study_holds(options->out, STUDY_DATABASE);
    // A first merge that was stopped has left files there.
    if (study_holds(options->out, STUDY_UNFINISHED) ? !folder_check_target(options->out)
                                                    : !study_check_folder(options->out, &holds))
        return false;
    if (merge->in_place && !add_folder(merge, options->out))
        return false;
    for (int i = 0; i < options->count; i++)
        if (!add_folder(merge, options->folders[i]))
            return false;
    return true;
}

// --- The cells -----------------------------------------------------------------------------------

static bool take_choices(struct merge *merge, int part)
{
    struct store *store = NULL;
    const bool taken = joined_open(merge->folders[part], &store) &&
                       choices_take_part(&merge->choices, part, store);
    store_close(&store);
    return taken;
}

static bool choose(struct merge *merge)
{
    struct joined *joined = &merge->joined;
    if (!joined_read(joined, merge->folders, merge->part_count))
        return false;
    choices_init(&merge->choices, merge->folders, joined->grid, &joined->matches, merge->result);
    merge->choices.rank_by = rank_by_of(joined->identities[0].settings);
    if (merge->choices.rank_by == RANK_DEFAULT)
        merge->choices.rank_by = rank_by_default(joined->grid);
    for (int i = 0; i < merge->part_count; i++)
        if (!take_choices(merge, i))
            return false;
    const char *keep = cJSON_GetStringValue(json_member(joined->identities[0].settings, "keep"));
    return choices_keep_weights(&merge->choices, !keep || strcmp(keep, "best") == 0);
}

// --- Writing ------------------------------------------------------------------------------------

// Where it is the first to have a cell, that becomes a new one.
static bool take_cell(const struct merge *merge, struct store *store, int part, int from)
{
    const struct matches *matches = &merge->joined.matches;
    const int cell = matches->maps[part][from];
    if (cell < 0)
        return true;
    const struct chosen_cell *choice = &merge->choices.items[cell];
    const struct matched_cell *matched = matches->cells ? &matches->cells[cell] : NULL;
    if (matched && matched->part == part && matched->cell == from)
        return store_join_cell(store, cell, from, matched->options, matched->outside);
    return choice->part != part || choice->cell != from || store_take_cell(store, cell, from);
}

static bool take_cells(const struct merge *merge, struct store *store, int part)
{
    for (int i = 0; i < merge->joined.matches.counts[part]; i++)
        if (!take_cell(merge, store, part, i))
            return false;
    return store_take_rest(store);
}

static bool take_part(const struct merge *merge, struct store *store, int part)
{
    char *path = study_path(merge->folders[part], STUDY_DATABASE);
    const bool taken =
        store_attach(store, path) && take_cells(merge, store, part) && store_detach(store);
    free(path);
    return taken;
}

static bool put_cells(struct store *store, void *context)
{
    const struct merge *merge = context;
    const struct matches *matches = &merge->joined.matches;
    for (int i = 0; i < matches->count; i++) {
        const struct chosen_cell *choice = &merge->choices.items[i];
        if ((choice->has_weights && !choice->kept && !store_no_weights(store, i)) ||
            (matches->cells && !store_set_stream(store, i, matches->cells[i].stream)))
            return false;
        if (score_ranks(&choice->score) && choice->score.value != choice->score.saved &&
            !store_set_value(store, i, choice->score.value)) // a part that ranks otherwise
            return false;
    }
    return true;
}

// A copy of the first part's study.db, with the others' cells.
static bool write_database(struct merge *merge, const char *path)
{
    char *journal = study_journal(path);
    struct store *store = NULL;
    bool written = false;
    unlink(path);
    unlink(journal);
    CHECK(joined_open(merge->folders[0], &store));
    CHECK(store_copy(store, path));
    store_close(&store);
    CHECK(store_open(path, &store));
    for (int i = 1; i < merge->part_count; i++)
        CHECK(take_part(merge, store, i));
    written = store_transaction(store, put_cells, merge) && joined_write(&merge->joined, store);
error:
    store_close(&store);
    free(journal);
    return written;
}

// A part whose checkpoints are copied now.
struct copying {
    const struct merge *merge;
    int part;
};

static bool copy_checkpoint(void *context, int cell, int run, const struct run_state *state)
{
    const struct copying *copying = context;
    const struct merge *merge = copying->merge;
    const struct matches *matches = &merge->joined.matches;
    if (cell < 0 || cell >= matches->counts[copying->part])
        return true;
    const int number = matches->maps[copying->part][cell];
    const struct chosen_cell *choice = number < 0 ? NULL : &merge->choices.items[number];
    return !choice || choice->part != copying->part || choice->cell != cell ||
           copy_checkpoint_files(merge->folders[copying->part], cell, merge->out, number, run,
                                 state);
}

static bool copy_checkpoints(const struct merge *merge, int part)
{
    struct copying copying = {merge, part};
    struct store *store = NULL;
    const bool copied = joined_open(merge->folders[part], &store) &&
                        store_checkpoints(store, copy_checkpoint, &copying);
    store_close(&store);
    return copied;
}

static bool copy_files(struct merge *merge)
{
    for (int i = 0; i < merge->joined.matches.count; i++) {
        const struct chosen_cell *choice = &merge->choices.items[i];
        if (merge->in_place && choice->part == 0)
            continue;
        merge->result->taken += choice->score.state != TRIAL_WAITING;
        if (!copy_cell_files(merge->folders[choice->part], choice->cell, merge->out, i,
                             choice->kept))
            return false;
    }
    for (int part = merge->in_place; part < merge->part_count; part++)
        if (!copy_checkpoints(merge, part))
            return false;
    return true;
}

// What nobody needs any more goes only when the new study.db is in its place.
static bool clean(const struct merge *merge)
{
    struct store *store = NULL;
    bool cleaned = joined_open(merge->out, &store) && checkpoints_sweep(merge->out, store);
    store_close(&store);
    study_sweep(merge->out);
    for (int i = 0; cleaned && i < merge->joined.matches.count; i++)
        cleaned = merge->choices.items[i].kept || copy_remove_weights(merge->out, i);
    return cleaned;
}

static bool put_sets(struct store *store, void *context)
{
    return best_sets_write(context, store);
}

static bool write_ranking(const struct merge *merge)
{
    const struct grid *grid = merge->joined.grid;
    struct best_sets sets = {0};
    struct score *scores = mem_zalloc((size_t)grid->cell_count + 1, sizeof(*scores));
    for (int i = 0; i < grid->cell_count; i++)
        scores[i] = i < merge->joined.matches.count ? merge->choices.items[i].score : score_none(i);
    struct store *store = NULL;
    const bool written =
        joined_open(merge->out, &store) &&
        best_sets_make(store, grid, scores, processor_count(), &sets) &&
        store_transaction(store, put_sets, &sets) &&
        ranking_write(merge->out, grid, scores, merge->choices.rank_by, &sets, store);
    best_sets_free(&sets);
    store_close(&store);
    free(scores);
    return written;
}

static bool write_study(struct merge *merge)
{
    char *path = study_path(merge->out, STUDY_DATABASE),
         *unfinished = study_path(merge->out, STUDY_UNFINISHED);
    const bool written = folder_make(merge->out) &&
                         (merge->in_place || study_lock(merge->out, &merge->out_lock)) &&
                         write_database(merge, unfinished) && copy_files(merge) &&
                         file_rename(unfinished, path) && clean(merge) && write_ranking(merge);
    free(path);
    free(unfinished);
    return written;
}

static void count_cells(const struct merge *merge)
{
    struct merge_result *result = merge->result;
    result->folders = merge->part_count - merge->in_place;
    result->cells = merge->joined.matches.count;
    for (int i = 0; i < result->cells; i++) {
        const enum trial_state state = merge->choices.items[i].score.state;
        result->complete += state == TRIAL_COMPLETE;
        result->failed += state == TRIAL_FAIL;
        result->pruned += state == TRIAL_PRUNED;
    }
}

bool study_merge(const struct merge_options *options, struct merge_result *result)
{
    struct merge merge = {.out = options->out, .out_lock = -1, .result = result};
    *result = (struct merge_result){0};
    const bool merged = add_folders(&merge, options) && choose(&merge) && write_study(&merge);
    if (merged)
        count_cells(&merge);
    for (int i = 0; i < merge.part_count; i++)
        study_unlock(&merge.locks[i]);
    study_unlock(&merge.out_lock);
    free(merge.locks);
    free(merge.folders);
    choices_free(&merge.choices);
    joined_free(&merge.joined);
    return merged;
}

void merge_result_free(struct merge_result *result)
{
    free(result->conflict);
    *result = (struct merge_result){0};
}
