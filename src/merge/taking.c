// SPDX-License-Identifier: MIT
#include "vkgrid/merge/taking.h"

#include "merge/copy.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/cell_compare.h"
#include "vkgrid/store/grow.h"
#include "vkgrid/store/join.h"
#include "vkgrid/study/cell_files.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/saved.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// --- Which study it is --------------------------------------------------------------------------

// Those that make no other bits of a cell that is complete.
static void drop_free_settings(cJSON *settings)
{
    static const char *const names[] = {"sampler", "prune"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(settings, names[i]);
}

static bool check_other(const char *folder, const struct identity *mine, struct identity *theirs)
{
    const char *sampler = cJSON_GetStringValue(json_member(theirs->settings, "sampler"));
    struct identity ours = {mine->numerics, cJSON_Duplicate(mine->grid, true),
                            cJSON_Duplicate(mine->settings, true)};
    struct text list = {0};
    if (sampler && strcmp(sampler, sampler_name(SAMPLER_CELL)) == 0) {
        identity_free(&ours);
        return error_set("%s: is one training (vkgrid train): cells are taken from a search",
                         folder);
    }
    drop_free_settings(ours.settings);
    drop_free_settings(theirs->settings);
    identity_match(&ours, theirs);
    identity_compare(&list, &ours, theirs);
    const bool same =
        !list.bytes || error_set("%s: no cell can be taken from there: %s", folder, list.bytes + 2);
    free(list.bytes);
    identity_free(&ours);
    return same;
}

static bool open_other(struct taking *taking, const struct identity *mine, const struct grid *grid,
                       struct grid **other)
{
    struct identity theirs = {0};
    char *path = study_path(taking->folder, STUDY_DATABASE);
    const bool opened =
        store_open(path, &taking->store) &&
        (store_current(taking->store) ||
         error_set("%s: is of an older format: vkgrid search -o %s brings it to that of today",
                   taking->folder, taking->folder)) &&
        identity_read(taking->store, &theirs) && check_other(taking->folder, mine, &theirs) &&
        grid_of_study(theirs.grid, grid, path, other);
    identity_free(&theirs);
    free(path);
    return opened;
}

// --- Cells that wait here -----------------------------------------------------------------------

// Why a cell is not taken although the other study has it.
enum why { WHY_NOTHING, WHY_UNFINISHED, WHY_OTHER_RUNS, WHY_OTHER_DATA };

struct wanted {
    char *key;
    int cell, runs;
    bool taken;
    enum why why;
};

// What is trained, and where the grid varies the data, on which. The caller frees it.
static char *wanted_key(const struct cell *cell)
{
    char *training = cell_training_key(cell);
    if (!cell->data_varies)
        return training;
    char *data = cell_data_key(cell), *key = text_format("%s\n%s", training, data);
    free(training);
    free(data);
    return key;
}

static int compare_wanted(const void *left, const void *right)
{
    const struct wanted *a = left, *b = right;
    const int order = strcmp(a->key, b->key);
    return order ? order : (a->cell > b->cell) - (a->cell < b->cell);
}

// Data sets of which it is known whether both studies have the same.
struct known_data {
    char *key;
    bool same;
};

struct chooser {
    struct taking *taking;
    struct grid *grid, *other;
    struct wanted *wanted;
    struct known_data *data;
    int data_count;
};

static bool list_wanted(struct chooser *chooser, const struct score *scores)
{
    const struct grid *grid = chooser->grid;
    chooser->wanted = mem_zalloc((size_t)grid->cell_count + 1, sizeof(*chooser->wanted));
    for (int i = 0; i < grid->cell_count; i++) {
        struct cell cell;
        if (scores[i].state != TRIAL_WAITING || scores[i].outside)
            continue;
        if (!grid_cell(grid, i, &cell))
            return false;
        chooser->wanted[chooser->taking->wanted++] =
            (struct wanted){.key = wanted_key(&cell), .cell = i, .runs = cell_run_count(&cell)};
        cell_free(&cell);
    }
    qsort(chooser->wanted, (size_t)chooser->taking->wanted, sizeof(*chooser->wanted),
          compare_wanted);
    return true;
}

// The first that is not taken, if there is one with as many runs; NULL: none is left.
static struct wanted *find_wanted(const struct chooser *chooser, const char *key, int runs)
{
    struct wanted *other = NULL;
    int low = 0, high = chooser->taking->wanted;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (strcmp(chooser->wanted[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < chooser->taking->wanted && strcmp(chooser->wanted[low].key, key) == 0; low++) {
        struct wanted *wanted = &chooser->wanted[low];
        if (!wanted->taken && wanted->runs == runs)
            return wanted;
        if (!wanted->taken && !other)
            other = wanted;
    }
    return other;
}

// --- The other study's cells --------------------------------------------------------------------

static void add_data(struct taking *taking, const char *key)
{
    taking->data = mem_grow(taking->data, (size_t)taking->data_count + 1, sizeof(*taking->data));
    taking->data[taking->data_count++] = text_copy(key);
}

// Each data set is read once.
static bool same_data(struct chooser *chooser, const struct cell *cell, bool *same)
{
    char *key = cell_data_key(cell);
    struct dataset *dataset = NULL;
    uint64_t theirs = 0;
    for (int i = 0; i < chooser->data_count; i++) {
        if (strcmp(chooser->data[i].key, key) == 0) {
            free(key);
            *same = chooser->data[i].same;
            return true;
        }
    }
    const bool read = store_get_dataset(chooser->taking->store, key, &theirs) &&
                      (theirs == 0 || cell_load_data(cell, NULL, &dataset));
    *same = read && theirs != 0 && dataset_fingerprint(dataset) == theirs;
    if (*same)
        add_data(chooser->taking, key);
    dataset_free(&dataset);
    chooser->data =
        mem_grow(chooser->data, (size_t)chooser->data_count + 1, sizeof(*chooser->data));
    chooser->data[chooser->data_count++] = (struct known_data){key, *same};
    return read;
}

static void set_stream(struct chooser *chooser, int cell, int stream)
{
    struct grid *grid = chooser->grid;
    if (stream == cell && !grid->streams)
        return;
    if (!grid->streams) {
        grid->streams = mem_alloc(((size_t)grid->cell_count + 1) * sizeof(*grid->streams));
        for (int i = 0; i < grid->cell_count; i++)
            grid->streams[i] = i;
    }
    grid->streams[cell] = stream;
    chooser->taking->streams |= stream != cell;
}

static bool has_weights(const struct taking *taking, const struct cell *cell, int from)
{
    char *folder = study_cell_folder(taking->folder, from);
    bool all = true;
    for (int i = 0; i < cell_network_count(cell); i++) {
        char *path = study_weights(folder, cell, i);
        all = all && file_exists(path);
        free(path);
    }
    free(folder);
    return all;
}

static bool take(struct chooser *chooser, struct wanted *wanted, const struct store_trial *trial)
{
    struct taking *taking = chooser->taking;
    struct taken_cell taken = {.cell = wanted->cell, .from = trial->cell};
    struct cell cell;
    bool ignored, same;
    if (!score_read(trial, taking->folder, &taken.score, &ignored) ||
        !grid_cell(chooser->grid, wanted->cell, &cell))
        return false;
    taken.score.cell = wanted->cell;
    taken.weights = has_weights(taking, &cell, trial->cell);
    const bool known = same_data(chooser, &cell, &same);
    cell_free(&cell);
    if (!known)
        return false;
    if (!same) {
        wanted->why = WHY_OTHER_DATA;
        return true;
    }
    wanted->taken = true;
    taking->items = mem_grow(taking->items, (size_t)taking->count + 1, sizeof(*taking->items));
    taking->items[taking->count++] = taken;
    set_stream(chooser, wanted->cell, trial->stream < 0 ? trial->cell : trial->stream);
    return true;
}

static bool take_if_wanted(void *context, const struct store_trial *trial)
{
    struct chooser *chooser = context;
    struct cell cell;
    cJSON *values = NULL;
    if (!json_parse(trial->options, strlen(trial->options), chooser->taking->folder, &values))
        return false;
    const bool made = grid_cell_of(chooser->other, trial->cell, values, &cell);
    cJSON_Delete(values);
    if (!made)
        return false;
    char *key = wanted_key(&cell);
    struct wanted *wanted = find_wanted(chooser, key, cell_run_count(&cell));
    bool good = true;
    if (wanted && (trial->state != TRIAL_COMPLETE || trial->reopened))
        wanted->why = WHY_UNFINISHED;
    else if (wanted && wanted->runs != cell_run_count(&cell))
        wanted->why = WHY_OTHER_RUNS;
    else if (wanted)
        good = take(chooser, wanted, trial);
    free(key);
    cell_free(&cell);
    return good;
}

bool taking_choose(struct taking *taking, const char *folder, const struct identity *mine,
                   struct grid *grid, const struct score *scores)
{
    *taking = (struct taking){.folder = text_copy(folder)};
    struct chooser chooser = {.taking = taking, .grid = grid};
    const bool chosen = open_other(taking, mine, grid, &chooser.other) &&
                        list_wanted(&chooser, scores) &&
                        store_trials(taking->store, take_if_wanted, &chooser);
    for (int i = 0; i < taking->wanted; i++) {
        const struct wanted *wanted = &chooser.wanted[i];
        taking->unfinished += !wanted->taken && wanted->why == WHY_UNFINISHED;
        taking->other_runs += !wanted->taken && wanted->why == WHY_OTHER_RUNS;
        taking->other_data += !wanted->taken && wanted->why == WHY_OTHER_DATA;
        free(wanted->key);
    }
    for (int i = 0; i < chooser.data_count; i++)
        free(chooser.data[i].key);
    free(chooser.wanted);
    free(chooser.data);
    grid_free(&chooser.other);
    return chosen;
}

// --- Writing ------------------------------------------------------------------------------------

static bool copy_weights(const struct taking *taking, const struct taken_cell *taken,
                         const struct cell *cell, const char *to)
{
    char *folder = study_cell_folder(taking->folder, taken->from);
    bool copied = folder_make(to);
    for (int i = 0; copied && i < cell_network_count(cell); i++) {
        char *from = study_weights(folder, cell, i), *target = study_weights(to, cell, i);
        copied = copy_file(from, target);
        free(from);
        free(target);
    }
    free(folder);
    return copied;
}

// The other study's rows tell of the cell, under its number there.
bool taking_write_files(const struct taking *taking, const struct taken_cell *taken,
                        const struct grid *grid, const char *to, bool weights, bool steps)
{
    struct record record = {0};
    struct cell cell;
    if (!grid_cell(grid, taken->cell, &cell))
        return false;
    bool written = !weights || copy_weights(taking, taken, &cell, to);
    cell.number = taken->from;
    record_open(&record, &cell, to);
    written = written && saved_read(taking->store, &record);
    record.cell.number = taken->cell;
    written = written && cell_files_write(&record, steps);
    record_close(&record);
    return written;
}

// What the trial says of itself by its name and place.
static bool put_names(const struct grid *grid, const struct taken_cell *taken, struct store *store,
                      bool kept)
{
    char name[CELL_NAME], *quoted = text_format("\"%s\"", cell_name(taken->cell, name));
    bool put = store_set_attribute(store, taken->cell, "cell", quoted);
    free(quoted);
    struct cell cell;
    if (!put || !kept)
        return put && store_no_weights(store, taken->cell);
    if (!grid_cell(grid, taken->cell, &cell))
        return false;
    char *path = study_weights(STUDY_CELLS, &cell, 0), *file = strrchr(path, '/') + 1,
         *json = text_format("\"" STUDY_CELLS "/%s/%s\"", name, file);
    put = store_set_attribute(store, taken->cell, "weights", json);
    free(json);
    free(path);
    cell_free(&cell);
    return put;
}

static bool take_rows(const struct taking *taking, const struct grid *grid, struct store *store,
                      const bool *kept)
{
    for (int i = 0; i < taking->count; i++) {
        const struct taken_cell *taken = &taking->items[i];
        const int stream = grid->streams ? grid->streams[taken->cell] : taken->cell;
        if (!store_take_cell_as(store, taken->cell, taken->from) ||
            !put_names(grid, taken, store, kept[i]) ||
            (stream != taken->cell && !store_set_stream(store, taken->cell, stream)))
            return false;
    }
    cJSON *yes = cJSON_CreateTrue();
    bool put = !taking->streams || store_put(store, "renumbered", yes);
    cJSON_Delete(yes);
    for (int i = 0; put && i < taking->data_count; i++)
        put = store_take_dataset(store, taking->data[i]);
    return put;
}

bool taking_write_rows(const struct taking *taking, const struct grid *grid, struct store *store,
                       const bool *kept)
{
    char *path = study_path(taking->folder, STUDY_DATABASE);
    const bool attached = store_attach(store, path);
    bool written = attached && take_rows(taking, grid, store, kept);
    if (attached && !written)
        store_rollback(store);
    written = written && store_detach(store);
    free(path);
    return written;
}

char *taking_text(const struct taking *taking)
{
    struct text text = {0};
    const int others = taking->wanted - taking->count - taking->unfinished - taking->other_runs -
                       taking->other_data;
    text_add(&text, "%d of %d cell%s %s taken from %s", taking->count, taking->wanted,
             taking->wanted == 1 ? "" : "s", taking->count == 1 ? "is" : "are", taking->folder);
    if (others > 0)
        text_add(&text, "; %d it has not", others);
    if (taking->unfinished > 0)
        text_add(&text, "; %d it has not finished", taking->unfinished);
    if (taking->other_runs > 0)
        text_add(&text, "; %d it has with another number of runs", taking->other_runs);
    if (taking->other_data > 0)
        text_add(&text, "; %d it has trained on other data", taking->other_data);
    return text.bytes;
}

void taking_free(struct taking *taking)
{
    store_close(&taking->store);
    for (int i = 0; i < taking->data_count; i++)
        free(taking->data[i]);
    free(taking->data);
    free(taking->items);
    free(taking->led);
    free(taking->folder);
    *taking = (struct taking){0};
}
