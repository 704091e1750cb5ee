// SPDX-License-Identifier: MIT
#include "vkgrid/merge/merge.h"

#include "vkgrid/study/folder.h"
#include "merge/copy.h"
#include "vkgrid/study/ranking.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/store/join.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Which study it is.
struct identity {
    cJSON *version, *grid;
    cJSON *settings;  // but those that a share has of its own
    char *pretrained; // the file that stood for "pretrained": true
};

// Where a cell got furthest.
struct choice {
    int folder; // index
    struct score score;
    bool weights; // its trial names a file of them
    bool kept;    // weights in its folder are not beaten
};

struct merge {
    const char *out;
    const char **folders; // `out` first if it holds a study
    int *locks, folder_count;
    bool in_place;           // `out` holds a study
    int out_lock;            // where it holds none
    struct identity *common; // that of the first folder
    struct grid *grid;
    struct choice *choices; // [cell]
    int folder, seen;       // the folder that is read now, and how many of its cells have been
    struct merge_result *result;
};

// Opens it to write: SQLite then undoes what a killed process has left half done.
static bool open_database(const char *folder, struct store **store)
{
    char *path = text_format("%s/study.db", folder);
    const bool opened = store_open(path, false, store);
    free(path);
    return opened;
}

static bool holds_file(const char *folder, const char *name)
{
    char *path = text_format("%s/%s", folder, name);
    const bool holds = file_exists(path);
    free(path);
    return holds;
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
    for (int i = 0; i < merge->folder_count; i++)
        if (same_folder(merge->folders[i], folder))
            return true;
    if (!folder_exists(folder))
        return error_set("%s: no such folder", folder);
    if (!holds_file(folder, "study.db"))
        return error_set("%s: holds no study", folder);
    if (!folder_lock(folder, &merge->locks[merge->folder_count]))
        return false;
    merge->folders[merge->folder_count++] = folder;
    return true;
}

static bool add_folders(struct merge *merge, const struct merge_options *options)
{
    bool holds;
    merge->folders = mem_zalloc((size_t)options->count + 1, sizeof(*merge->folders));
    merge->locks = mem_zalloc((size_t)options->count + 1, sizeof(*merge->locks));
    merge->in_place = holds_file(options->out, "study.db");
    // A first merge that was stopped has left files there.
    if (holds_file(options->out, "study.db.new") ? !folder_check_target(options->out)
                                                 : !folder_check_study(options->out, &holds))
        return false;
    if (merge->in_place && !add_folder(merge, options->out))
        return false;
    for (int i = 0; i < options->count; i++)
        if (!add_folder(merge, options->folders[i]))
            return false;
    return true;
}

static void unlock(int file)
{
    if (file < 0)
        return;
    if (ftruncate(file, 0) != 0)
        errno = 0; // what it says is for people
    close(file);
}

// --- One study? ---------------------------------------------------------------------------------

static const char *text_of(const cJSON *value, const char *missing)
{
    return cJSON_IsString(value) ? value->valuestring : missing;
}

static bool read_identity(struct store *store, struct identity *identity)
{
    static const char *const own[] = {"shard", "cells", "command"};
    if (!store_get(store, "version", &identity->version) ||
        !store_get(store, "grid", &identity->grid) ||
        !store_get(store, "settings", &identity->settings))
        return false;
    // The ranking shows the options of the cells, and nothing is read from that file.
    const cJSON *file = json_member(json_member(identity->settings, "command"), "pretrained");
    identity->pretrained = text_copy(text_of(file, "true"));
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(identity->settings, own[i]);
    return true;
}

static void free_identity(struct identity *identity)
{
    cJSON_Delete(identity->version);
    cJSON_Delete(identity->grid);
    cJSON_Delete(identity->settings);
    free(identity->pretrained);
    *identity = (struct identity){0};
}

static bool list_data(const struct merge *merge, struct store *store, struct text *list)
{
    char *path = text_format("%s/study.db", merge->folders[0]);
    int64_t differing = 0;
    const bool compared = store_attach(store, path) && store_compare_datasets(store, &differing) &&
                          store_detach(store);
    free(path);
    if (differing > 0)
        text_add(list, "; data: the files of %lld data set%s", (long long)differing,
                 differing > 1 ? "s" : "");
    return compared;
}

static bool compare_study(const struct merge *merge, struct store *store,
                          const struct identity *identity)
{
    static const char *const parts[] = {"static", "hyper"};
    const struct identity *first = merge->common;
    struct text list = {0};
    if (!cJSON_Compare(identity->version, first->version, true))
        text_add(&list, "; vkgrid %s instead of %s", text_of(identity->version, "?"),
                 text_of(first->version, "?"));
    for (int i = 0; i < 2; i++) {
        char *prefix = text_format("%s.", parts[i]);
        folder_differences(&list, prefix, json_member(identity->grid, parts[i]),
                           json_member(first->grid, parts[i]));
        free(prefix);
    }
    folder_differences(&list, "", identity->settings, first->settings);
    const bool same = list_data(merge, store, &list) &&
                      (!list.bytes ||
                       error_set("%s: holds another study than %s: %s",
                                 merge->folders[merge->folder], merge->folders[0], list.bytes + 2));
    free(list.bytes);
    return same;
}

static bool make_grid(struct merge *merge)
{
    const cJSON *trials = json_member(merge->common->settings, "trials");
    const char *sampler = text_of(json_member(merge->common->settings, "sampler"), "?");
    struct grid_settings settings = {
        .trials = cJSON_IsNumber(trials) ? trials->valueint : 0,
        .pretrained = merge->common->pretrained,
    };
    if (!sampler_parse(sampler, &settings.sampler))
        return error_set("%s: its sampler is \"%s\"", merge->folders[0], sampler);
    if (settings.sampler == SAMPLER_OPTUNA)
        return error_set("%s: Optuna chose its cells: it has no shares to be joined",
                         merge->folders[0]);
    char *text = json_print(merge->common->grid),
         *where = text_format("%s/study.db: grid", merge->folders[0]);
    const bool made = grid_parse(text, strlen(text), where, &settings, &merge->grid);
    free(text);
    free(where);
    if (made)
        merge->choices = mem_zalloc((size_t)merge->grid->cell_count + 1, sizeof(*merge->choices));
    return made;
}

// The first folder says which study it is.
static bool check_study(struct merge *merge, struct store *store)
{
    struct identity identity = {0};
    bool good;
    if (merge->folder == 0)
        return read_identity(store, merge->common) && make_grid(merge);
    good = read_identity(store, &identity) && compare_study(merge, store, &identity);
    free_identity(&identity);
    return good;
}

// --- The cells ----------------------------------------------------------------------------------

static int rank(enum trial_state state)
{
    static const int ranks[] = {
        [TRIAL_WAITING] = 0, [TRIAL_RUNNING] = 1,  [TRIAL_PRUNED] = 2,
        [TRIAL_FAIL] = 3,    [TRIAL_COMPLETE] = 4,
    };
    return ranks[state];
}

static double number_of(const cJSON *attributes, const char *key, double missing)
{
    const cJSON *value = json_member(attributes, key);
    return cJSON_IsNumber(value) ? value->valuedouble : missing;
}

static bool read_choice(const struct merge *merge, const struct store_trial *trial,
                        struct choice *choice)
{
    cJSON *attributes = NULL;
    char *where = text_format("%s/study.db: cell %d", merge->folders[merge->folder], trial->cell);
    const bool read = json_parse(trial->attributes, strlen(trial->attributes), where, &attributes);
    free(where);
    if (!read)
        return false;
    *choice = (struct choice){
        .folder = merge->folder,
        .weights = cJSON_IsString(json_member(attributes, "weights")),
        .score =
            {
                .cell = trial->cell,
                .state = trial->state,
                .failed = (int)number_of(attributes, "failed_runs", 0),
                .dice = isnan(trial->value) ? INFINITY : trial->value,
                .loss = number_of(attributes, "loss", INFINITY),
                .run = (int)number_of(attributes, "run", -1),
                .round = (int)number_of(attributes, "round", 0),
                .epoch = (int)number_of(attributes, "epoch", 0),
            },
    };
    cJSON_Delete(attributes);
    return true;
}

static void note_conflict(struct merge *merge, const struct choice *a, const struct choice *b)
{
    char left[NUMBER_TEXT], right[NUMBER_TEXT];
    if (a->score.state != TRIAL_COMPLETE || b->score.state != TRIAL_COMPLETE ||
        a->score.dice == b->score.dice)
        return;
    if (merge->result->conflicts++ == 0)
        merge->result->conflict =
            text_format("grid%05d has dice %s in %s and %s in %s: the first is taken",
                        a->score.cell, number_text(a->score.dice, left), merge->folders[a->folder],
                        number_text(b->score.dice, right), merge->folders[b->folder]);
}

static bool take_trial(void *context, const struct store_trial *trial)
{
    struct merge *merge = context;
    struct choice choice;
    if (trial->cell != merge->seen || trial->cell >= merge->grid->cell_count)
        return error_set("%s/study.db: has a cell %d, where cell %d of %d was to come",
                         merge->folders[merge->folder], trial->cell, merge->seen,
                         merge->grid->cell_count);
    if (!read_choice(merge, trial, &choice))
        return false;
    struct choice *best = &merge->choices[merge->seen++];
    if (merge->folder == 0 || rank(choice.score.state) > rank(best->score.state))
        *best = choice;
    else
        note_conflict(merge, best, &choice);
    return true;
}

static bool read_folder(struct merge *merge)
{
    const char *folder = merge->folders[merge->folder];
    struct store *store = NULL;
    merge->seen = 0;
    const bool read = open_database(folder, &store) && check_study(merge, store) &&
                      store_trials(store, take_trial, merge);
    store_close(&store);
    return read && (merge->seen == merge->grid->cell_count ||
                    error_set("%s/study.db: has %d cells, its grid %d", folder, merge->seen,
                              merge->grid->cell_count));
}

// The best cell of a model so far.
struct leader {
    char *model;
    int cell;
};

static bool find_leaders(const struct merge *merge, struct leader **leaders, int *count)
{
    for (int i = 0; i < merge->grid->cell_count; i++) {
        const struct score *score = &merge->choices[i].score;
        struct cell cell;
        int at = 0;
        if (!score_ranks(score))
            continue;
        if (!grid_cell(merge->grid, i, &cell))
            return false;
        char *model = text_format("%s_%s", cell.inputs, cell.prediction);
        cell_free(&cell);
        while (at < *count && strcmp((*leaders)[at].model, model) != 0)
            at++;
        if (at == *count) {
            *leaders = mem_grow(*leaders, (size_t)*count + 1, sizeof(**leaders));
            (*leaders)[(*count)++] = (struct leader){model, i};
            continue;
        }
        free(model);
        if (score_before(score, &merge->choices[(*leaders)[at].cell].score))
            (*leaders)[at].cell = i;
    }
    return true;
}

// Says which weights stay: those of a cell that is not over are of runs that are.
static bool choose_weights(struct merge *merge)
{
    const char *keep = text_of(json_member(merge->common->settings, "keep"), "best");
    struct leader *leaders = NULL;
    int count = 0;
    const bool found = find_leaders(merge, &leaders, &count);
    for (int i = 0; i < merge->grid->cell_count; i++)
        merge->choices[i].kept =
            strcmp(keep, "best") != 0 || !score_ranks(&merge->choices[i].score);
    for (int i = 0; i < count; i++) {
        merge->choices[leaders[i].cell].kept = true;
        free(leaders[i].model);
    }
    free(leaders);
    return found;
}

// --- Writing ------------------------------------------------------------------------------------

static bool take_cells(const struct merge *merge, struct store *store, int folder)
{
    for (int i = 0; i < merge->grid->cell_count; i++)
        if (merge->choices[i].folder == folder && !store_take_cell(store, i))
            return false;
    return store_take_rest(store);
}

static bool take_folder(const struct merge *merge, struct store *store, int folder)
{
    char *path = text_format("%s/study.db", merge->folders[folder]);
    const bool taken =
        store_attach(store, path) && take_cells(merge, store, folder) && store_detach(store);
    free(path);
    return taken;
}

static bool write_settings(const struct merge *merge, struct store *store)
{
    if (!store_begin(store) || !store_put(store, "settings", merge->common->settings) ||
        !store_remove(store, "progress"))
        return false;
    for (int i = 0; i < merge->grid->cell_count; i++) {
        const struct choice *choice = &merge->choices[i];
        if (choice->weights && !choice->kept && !store_set_attribute(store, i, "weights", "null"))
            return false;
    }
    return store_commit(store);
}

// study.db.new: a copy of the first folder's, with the others' cells.
static bool write_database(struct merge *merge, const char *path)
{
    char *journal = text_format("%s-journal", path);
    struct store *store = NULL;
    bool written = false;
    unlink(path);
    unlink(journal);
    CHECK(open_database(merge->folders[0], &store));
    CHECK(store_copy(store, path));
    store_close(&store);
    CHECK(store_open(path, false, &store));
    for (int i = 1; i < merge->folder_count; i++)
        CHECK(take_folder(merge, store, i));
    written = write_settings(merge, store);
error:
    store_close(&store);
    free(journal);
    return written;
}

static bool copy_checkpoint(void *context, int cell, int run, const struct run_state *state)
{
    const struct merge *merge = context;
    return cell < 0 || cell >= merge->grid->cell_count ||
           merge->choices[cell].folder != merge->folder ||
           merge_checkpoint_files(merge->folders[merge->folder], merge->out, cell, run, state);
}

static bool copy_files(struct merge *merge)
{
    struct store *store = NULL;
    bool copied = true;
    for (int i = 0; copied && i < merge->grid->cell_count; i++) {
        const struct choice *choice = &merge->choices[i];
        if (merge->in_place && choice->folder == 0)
            continue;
        merge->result->taken += choice->score.state != TRIAL_WAITING;
        copied = merge_cell_files(merge->folders[choice->folder], merge->out, i, choice->kept);
    }
    for (merge->folder = merge->in_place; copied && merge->folder < merge->folder_count;
         merge->folder++) {
        copied = open_database(merge->folders[merge->folder], &store) &&
                 store_checkpoints(store, copy_checkpoint, merge);
        store_close(&store);
    }
    return copied;
}

// What nobody needs any more goes only when the new study.db is in its place.
static bool clean(const struct merge *merge)
{
    struct store *store = NULL;
    bool cleaned = open_database(merge->out, &store) &&
                   merge_sweep_checkpoints(merge->out, store) && merge_sweep_unfinished(merge->out);
    store_close(&store);
    for (int i = 0; cleaned && i < merge->grid->cell_count; i++)
        cleaned = merge->choices[i].kept || merge_remove_weights(merge->out, i);
    return cleaned;
}

static bool write_ranking(const struct merge *merge)
{
    struct score *scores = mem_zalloc((size_t)merge->grid->cell_count + 1, sizeof(*scores));
    for (int i = 0; i < merge->grid->cell_count; i++)
        scores[i] = merge->choices[i].score;
    const bool written = ranking_write(merge->out, merge->grid, scores);
    free(scores);
    return written;
}

static bool write_study(struct merge *merge)
{
    char *path = text_format("%s/study.db", merge->out),
         *unfinished = text_format("%s/study.db.new", merge->out);
    const bool written = folder_make(merge->out) &&
                         (merge->in_place || folder_lock(merge->out, &merge->out_lock)) &&
                         write_database(merge, unfinished) && copy_files(merge) &&
                         file_rename(unfinished, path) && clean(merge) && write_ranking(merge);
    free(path);
    free(unfinished);
    return written;
}

static void count_cells(const struct merge *merge)
{
    struct merge_result *result = merge->result;
    result->folders = merge->folder_count - merge->in_place;
    result->cells = merge->grid->cell_count;
    for (int i = 0; i < merge->grid->cell_count; i++) {
        const enum trial_state state = merge->choices[i].score.state;
        result->complete += state == TRIAL_COMPLETE;
        result->failed += state == TRIAL_FAIL;
        result->pruned += state == TRIAL_PRUNED;
    }
}

bool study_merge(const struct merge_options *options, struct merge_result *result)
{
    struct identity common = {0};
    struct merge merge = {.out = options->out, .out_lock = -1, .common = &common, .result = result};
    *result = (struct merge_result){0};
    bool merged = add_folders(&merge, options);
    for (; merged && merge.folder < merge.folder_count; merge.folder++)
        merged = read_folder(&merge);
    merged = merged && choose_weights(&merge) && write_study(&merge);
    if (merged)
        count_cells(&merge);
    for (int i = 0; i < merge.folder_count; i++)
        unlock(merge.locks[i]);
    unlock(merge.out_lock);
    free(merge.locks);
    free(merge.folders);
    free(merge.choices);
    grid_free(&merge.grid);
    free_identity(&common);
    return merged;
}

void merge_result_free(struct merge_result *result)
{
    free(result->conflict);
    *result = (struct merge_result){0};
}
