// SPDX-License-Identifier: MIT
#include "vkgrid/merge/merge.h"

#include "merge/choice.h"
#include "merge/copy.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"
#include "vkgrid/base/version.h"
#include "vkgrid/store/join.h"
#include "vkgrid/study/checkpoints.h"
#include "vkgrid/study/folder.h"
#include "vkgrid/study/identity.h"
#include "vkgrid/study/lock.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/ranking.h"
#include "vkgrid/study/weight_files.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct merge {
    const char *out;
    const char **folders; // of the parts; `out` first if it holds a study
    int *locks, part_count;
    bool in_place;          // `out` holds a study
    int out_lock;           // where it holds none
    struct identity common; // that of the first part, but for what a part has of its own
    char *pretrained;       // the file that stood for "pretrained": true
    struct grid *grid;
    struct chosen_cells choices;
    struct merge_result *result;
};

// Opens it to write: SQLite then undoes what a killed process has left half done.
static bool open_database(const char *folder, struct store **store)
{
    char *path = study_path(folder, STUDY_DATABASE);
    const bool opened = store_open(path, store);
    free(path);
    return opened;
}

// --- The folders --------------------------------------------------------------------------------

static bool same_folder(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

// A folder that is named twice counts once.
static bool add_folder(struct merge *merge, const char *folder)
{
    for (int i = 0; i < merge->part_count; i++)
        if (same_folder(merge->folders[i], folder))
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

// --- One study? ---------------------------------------------------------------------------------

static const char *text_of(const cJSON *value, const char *missing)
{
    return cJSON_IsString(value) ? value->valuestring : missing;
}

static void drop_own_settings(struct identity *identity)
{
    static const char *const own[] = {"shard", "command"};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(identity->settings, own[i]);
}

// Of settings that bind nobody what the joined study shall have is not known.
static void list_settings(const cJSON *mine, const cJSON *theirs, struct text *list)
{
    static const char *const names[] = {"trials", "keep"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const cJSON *here = json_member(mine, names[i]), *there = json_member(theirs, names[i]);
        if (!here || !there || cJSON_Compare(here, there, true))
            continue;
        char *left = json_print_line(here), *right = json_print_line(there);
        text_add(list, "; %s: %s instead of %s", names[i], left, right);
        free(left);
        free(right);
    }
}

// What ranks the cells is no part of a study's identity: the first part decides.
static void take_ranking(struct identity *identity, const struct identity *first)
{
    const cJSON *rank_by = json_member(first->settings, "rank_by");
    cJSON_DeleteItemFromObjectCaseSensitive(identity->settings, "rank_by");
    if (rank_by)
        cJSON_AddItemToObject(identity->settings, "rank_by", cJSON_Duplicate(rank_by, true));
}

static bool list_data(const struct merge *merge, struct store *store, struct text *list)
{
    char *path = study_path(merge->folders[0], STUDY_DATABASE);
    int64_t differing = 0;
    const bool compared = store_attach(store, path) && store_compare_datasets(store, &differing) &&
                          store_detach(store);
    free(path);
    if (differing > 0)
        text_add(list, "; data: the files of %lld data set%s", (long long)differing,
                 differing > 1 ? "s" : "");
    return compared;
}

static bool make_grid(struct merge *merge)
{
    const cJSON *trials = json_member(merge->common.settings, "trials");
    const char *sampler = text_of(json_member(merge->common.settings, "sampler"), "?");
    struct grid_settings settings = {
        .trials = cJSON_IsNumber(trials) ? trials->valueint : 0,
        .pretrained = merge->pretrained,
    };
    if (!sampler_parse(sampler, &settings.sampler))
        return error_set("%s: its sampler is \"%s\"", merge->folders[0], sampler);
    if (settings.sampler == SAMPLER_OPTUNA)
        return error_set("%s: Optuna chose its cells: it has no shares to be joined",
                         merge->folders[0]);
    if (settings.sampler == SAMPLER_CELL)
        return error_set("%s: is one training (vkgrid train): it has no shares to be joined",
                         merge->folders[0]);
    char *text = json_print(merge->common.grid),
         *where = text_format("%s/" STUDY_DATABASE ": grid", merge->folders[0]);
    const bool made = grid_parse(text, strlen(text), where, &settings, &merge->grid);
    free(text);
    free(where);
    if (made)
        choices_init(&merge->choices, merge->folders, merge->grid, merge->result);
    merge->choices.rank_by = rank_by_of(merge->common.settings);
    return made;
}

// The first part says which study it is.
static bool read_first(struct merge *merge, struct store *store)
{
    if (!identity_read(store, &merge->common))
        return false;
    // The ranking shows the options of the cells, and nothing is read from that file.
    merge->pretrained = weight_files_pretrained(merge->common.settings);
    if (!merge->pretrained)
        merge->pretrained = text_copy("true");
    drop_own_settings(&merge->common);
    return make_grid(merge);
}

static bool compare_part(struct merge *merge, int part, struct store *store)
{
    struct identity identity;
    struct text list = {0};
    bool same = identity_read(store, &identity);
    if (same) {
        drop_own_settings(&identity);
        take_ranking(&identity, &merge->common);
        identity_match(&merge->common, &identity);
        identity_compare_grids(&list, &identity, &merge->common);
        identity_compare(&list, &identity, &merge->common);
        list_settings(identity.settings, merge->common.settings, &list);
        weight_files_keep(merge->common.settings, identity.settings);
        same = list_data(merge, store, &list) &&
               (!list.bytes || error_set("%s: holds another study than %s: %s",
                                         merge->folders[part], merge->folders[0], list.bytes + 2));
    }
    free(list.bytes);
    identity_free(&identity);
    return same;
}

// A part that this program may train is brought to its format; another one stays as it is.
static bool migrate_part(const struct merge *merge, int part, struct store *store)
{
    if (!store_current(store) && merge->common.numerics != NUMERICS_VERSION)
        return error_set(
            "%s: is of an older version of vkgrid (numerics %d, this one has %d): "
            "merge it with that",
            merge->folders[part], merge->common.numerics, NUMERICS_VERSION);
    return store_migrate(store);
}

static bool read_part(struct merge *merge, int part)
{
    struct store *store = NULL;
    const bool read = open_database(merge->folders[part], &store) &&
                      (part == 0 ? read_first(merge, store) : compare_part(merge, part, store)) &&
                      choices_take_part(&merge->choices, part, store) &&
                      migrate_part(merge, part, store);
    store_close(&store);
    return read;
}

static bool choose(struct merge *merge)
{
    for (int i = 0; i < merge->part_count; i++)
        if (!read_part(merge, i))
            return false;
    const char *keep = text_of(json_member(merge->common.settings, "keep"), "best");
    return choices_keep_weights(&merge->choices, strcmp(keep, "best") == 0);
}

// --- Writing ------------------------------------------------------------------------------------

static bool take_cells(const struct merge *merge, struct store *store, int part)
{
    for (int i = 0; i < merge->grid->cell_count; i++)
        if (merge->choices.items[i].part == part && !store_take_cell(store, i))
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

static bool put_settings(struct store *store, void *context)
{
    const struct merge *merge = context;
    if (!store_put(store, "settings", merge->common.settings) || !store_remove(store, "progress"))
        return false;
    for (int i = 0; i < merge->grid->cell_count; i++) {
        const struct chosen_cell *choice = &merge->choices.items[i];
        if (choice->has_weights && !choice->kept && !store_no_weights(store, i))
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
    CHECK(open_database(merge->folders[0], &store));
    CHECK(store_copy(store, path));
    store_close(&store);
    CHECK(store_open(path, &store));
    for (int i = 1; i < merge->part_count; i++)
        CHECK(take_part(merge, store, i));
    written = store_transaction(store, put_settings, merge);
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
    return cell < 0 || cell >= merge->grid->cell_count ||
           merge->choices.items[cell].part != copying->part ||
           copy_checkpoint_files(merge->folders[copying->part], merge->out, cell, run, state);
}

static bool copy_checkpoints(const struct merge *merge, int part)
{
    struct copying copying = {merge, part};
    struct store *store = NULL;
    const bool copied = open_database(merge->folders[part], &store) &&
                        store_checkpoints(store, copy_checkpoint, &copying);
    store_close(&store);
    return copied;
}

static bool copy_files(struct merge *merge)
{
    for (int i = 0; i < merge->grid->cell_count; i++) {
        const struct chosen_cell *choice = &merge->choices.items[i];
        if (merge->in_place && choice->part == 0)
            continue;
        merge->result->taken += choice->score.state != TRIAL_WAITING;
        if (!copy_cell_files(merge->folders[choice->part], merge->out, i, choice->kept))
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
    bool cleaned = open_database(merge->out, &store) && checkpoints_sweep(merge->out, store);
    store_close(&store);
    study_sweep(merge->out);
    for (int i = 0; cleaned && i < merge->grid->cell_count; i++)
        cleaned = merge->choices.items[i].kept || copy_remove_weights(merge->out, i);
    return cleaned;
}

static bool put_sets(struct store *store, void *context)
{
    return best_sets_write(context, store);
}

static bool write_ranking(const struct merge *merge)
{
    struct best_sets sets = {0};
    struct score *scores = mem_zalloc((size_t)merge->grid->cell_count + 1, sizeof(*scores));
    for (int i = 0; i < merge->grid->cell_count; i++)
        scores[i] = merge->choices.items[i].score;
    struct store *store = NULL;
    const bool written =
        open_database(merge->out, &store) &&
        best_sets_make(store, merge->grid, scores, processor_count(), &sets) &&
        store_transaction(store, put_sets, &sets) &&
        ranking_write(merge->out, merge->grid, scores, merge->choices.rank_by, &sets, store);
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
    result->cells = merge->grid->cell_count;
    for (int i = 0; i < merge->grid->cell_count; i++) {
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
    free(merge.pretrained);
    choices_free(&merge.choices);
    grid_free(&merge.grid);
    identity_free(&merge.common);
    return merged;
}

void merge_result_free(struct merge_result *result)
{
    free(result->conflict);
    *result = (struct merge_result){0};
}
