// SPDX-License-Identifier: MIT
#include "merge/joined.h"

#include "merge/compare.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/grid/cell_compare.h"
#include "vkgrid/grid/growth.h"
#include "vkgrid/store/grow.h"
#include "vkgrid/store/join.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/trials.h"
#include "vkgrid/study/weight_files.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool joined_open(const char *folder, struct store **store)
{
    char *path = study_path(folder, STUDY_DATABASE);
    const bool opened = store_open(path, store);
    free(path);
    return opened;
}

void joined_free(struct joined *joined)
{
    for (int i = 0; joined->identities && i < joined->parts; i++)
        identity_free(&joined->identities[i]);
    free(joined->identities);
    grid_free(&joined->grid);
    matches_free(&joined->matches);
    *joined = (struct joined){0};
}

// --- The parts ----------------------------------------------------------------------------------

static void drop_own_settings(struct identity *identity)
{
    static const char *const own[] = {"shard", "command"};
    char *pretrained = weight_files_pretrained(identity->settings);
    if (pretrained && !json_member(identity->settings, "pretrained"))
        cJSON_AddStringToObject(identity->settings, "pretrained", pretrained);
    free(pretrained);
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(identity->settings, own[i]);
}

// A part that this program may train is brought to its format; another one stays as it is.
static bool migrate_part(const struct joined *joined, int part, struct store *store)
{
    const int numerics = joined->identities[0].numerics;
    if (!store_current(store) && numerics != NUMERICS_VERSION)
        return error_set(
            "%s: is of an older version of vkgrid (numerics %d, this one has %d): "
            "merge it with that",
            joined->folders[part], numerics, NUMERICS_VERSION);
    return store_migrate(store);
}

static bool read_part(struct joined *joined, int part)
{
    struct identity *identity = &joined->identities[part];
    struct store *store = NULL;
    cJSON *renumbered = NULL;
    const bool read = joined_open(joined->folders[part], &store) &&
                      identity_read(store, identity) && store_get(store, "renumbered", &renumbered);
    if (read)
        drop_own_settings(identity);
    joined->plain = joined->plain && !cJSON_IsTrue(renumbered);
    const bool good =
        read && compare_part(joined, part, store) && migrate_part(joined, part, store);
    cJSON_Delete(renumbered);
    store_close(&store);
    return good;
}

// --- The grid -----------------------------------------------------------------------------------

static int trials_of(const struct identity *identity)
{
    const cJSON *trials = json_member(identity->settings, "trials");
    return cJSON_IsNumber(trials) ? trials->valueint : 0;
}

static bool parse_grid(const struct joined *joined, int part, int trials, struct grid **grid)
{
    const struct identity *identity = &joined->identities[part];
    const char *sampler = cJSON_GetStringValue(json_member(identity->settings, "sampler"));
    char *pretrained = weight_files_pretrained(identity->settings),
         *text = json_print(identity->grid),
         *where = text_format("%s/" STUDY_DATABASE ": grid", joined->folders[part]);
    struct grid_settings settings = {.trials = trials,
                                     .pretrained = pretrained ? pretrained : "true"};
    bool parsed = sampler && sampler_parse(sampler, &settings.sampler);
    if (!parsed)
        error_set("%s: its sampler is \"%s\"", joined->folders[part], sampler ? sampler : "?");
    else if (settings.sampler == SAMPLER_CELL)
        parsed = error_set("%s: is one training (vkgrid train): it has no shares to be joined",
                           joined->folders[part]);
    parsed = parsed && grid_parse(text, strlen(text), where, &settings, grid);
    free(pretrained);
    free(text);
    free(where);
    return parsed;
}

// Data that are not where the first part has them may be where another has.
static bool find_data(struct joined *joined)
{
    const char *data = grid_data(joined->grid);
    for (int i = 0; data && !folder_exists(data) && i < joined->parts; i++) {
        const char *other =
            cJSON_GetStringValue(json_member(joined->identities[i].settings, "data"));
        if (!other || !folder_exists(other))
            continue;
        cJSON *settings = joined->identities[0].settings;
        cJSON_DeleteItemFromObjectCaseSensitive(settings, "data");
        cJSON_AddStringToObject(settings, "data", other);
        return grid_set_data(joined->grid, other);
    }
    return true;
}

// --- The cells ----------------------------------------------------------------------------------

static bool count_inside(const struct joined *joined, int part, int64_t *cells)
{
    struct store *store = NULL;
    const bool counted =
        joined_open(joined->folders[part], &store) && store_count_inside(store, cells);
    store_close(&store);
    return counted;
}

static bool match_part(struct joined *joined, int part, const struct grid *grid,
                       const char *const *keys)
{
    struct store *store = NULL;
    char *where = study_path(joined->folders[part], STUDY_DATABASE);
    const bool matched = joined_open(joined->folders[part], &store) &&
                         matches_add(&joined->matches, part, grid, store, keys,
                                     joined->grid->sampler == SAMPLER_OPTUNA, where);
    store_close(&store);
    free(where);
    return matched;
}

static bool list_keys(const struct joined *joined, char ***keys)
{
    bool listed = true;
    for (int i = 0; listed && i < joined->parts; i++) {
        struct store *store = NULL;
        char *where = study_path(joined->folders[i], STUDY_DATABASE);
        listed = joined_open(joined->folders[i], &store) && matches_add_keys(store, where, keys);
        store_close(&store);
        free(where);
    }
    return listed;
}

// Matches the cells, and finds the part whose grid has most of them.
static bool match_parts(struct joined *joined, int *widest)
{
    char **keys = NULL;
    static const char *const none[] = {NULL};
    int64_t most = -1;
    bool good = list_keys(joined, &keys);
    for (int i = 0; good && i < joined->parts; i++) {
        struct grid *grid = NULL;
        int64_t cells;
        good = grid_of_study(joined->identities[i].grid, joined->grid, joined->folders[i], &grid) &&
               match_part(joined, i, grid, keys ? (const char *const *)keys : none) &&
               count_inside(joined, i, &cells);
        if (good && cells > most) {
            most = cells;
            *widest = i;
        }
        grid_free(&grid);
    }
    for (int i = 0; keys && keys[i]; i++)
        free(keys[i]);
    free(keys);
    return good;
}

// Gives the grid the numbers of the joined study.
static bool number_cells(struct joined *joined)
{
    struct growth *growth = NULL;
    struct growth_result result;
    bool good = growth_begin(joined->grid, joined->identities[0].grid, joined->folders[0], &growth);
    for (int i = 0; good && i < joined->matches.count; i++) {
        const struct matched_cell *cell = &joined->matches.cells[i];
        cJSON *values = cJSON_Parse(cell->options);
        good = growth_take(growth, values, cell->stream, cell->outside);
        cJSON_Delete(values);
    }
    if (!good) {
        growth_abandon(&growth);
        return false;
    }
    good = growth_end(&growth, &result);
    if (good && result.changes.others.bytes)
        good = error_set("%s: the parts are of different studies: %s", joined->folders[0],
                         result.changes.others.bytes + 2);
    growth_result_free(&result);
    return good;
}

// How many runs or epochs a part's grid has for all cells; 0: cells are told apart by it.
static double amount_of(const cJSON *grid, const char *key, double fallback)
{
    const cJSON *own = json_member(json_member(grid, "static"), key);
    if (own)
        return own->valuedouble;
    return json_member(json_member(grid, "hyper"), key) ? 0 : fallback;
}

static void set_amount(cJSON *grid, const char *key, double amount)
{
    cJSON *values = json_member(grid, "static");
    cJSON_DeleteItemFromObjectCaseSensitive(values, key);
    cJSON_AddNumberToObject(values, key, amount);
}

// Whether cells with so many epochs are the joined study's, with a part of what these train.
static bool check_epochs(const struct joined *joined, int part, const cJSON *whole, double epochs)
{
    cJSON *less = cJSON_Duplicate(whole, true);
    struct grid *now = NULL, *before = NULL;
    struct cell cell = {0}, shorter = {0};
    struct cell_changes changes = {0};
    set_amount(less, "num_epochs", epochs);
    bool good = grid_of_study(whole, joined->grid, joined->folders[part], &now) &&
                grid_of_study(less, joined->grid, joined->folders[part], &before);
    cJSON *values = good ? grid_first_values(now) : NULL;
    good = good && grid_cell_of(now, 0, values, &cell) && grid_cell_of(before, 0, values, &shorter);
    if (good)
        cell_compare(&cell, &shorter, &changes);
    if (changes.others.bytes)
        good = error_set("%s: holds another study than the part with most epochs: %s",
                         joined->folders[part], changes.others.bytes + 2);
    free(changes.others.bytes);
    cell_free(&cell);
    cell_free(&shorter);
    cJSON_Delete(values);
    cJSON_Delete(less);
    grid_free(&now);
    grid_free(&before);
    return good;
}

// Runs and epochs as the part has them that asks for most.
static bool raise_amounts(struct joined *joined, int widest)
{
    static const struct {
        const char *key;
        double fallback;
    } amounts[] = {{"until", 1}, {"num_epochs", 10}}; // of grids that leave them out
    cJSON *grid = joined->identities[widest].grid;
    double *own = mem_zalloc((size_t)joined->parts + 1, sizeof(*own));
    bool good = true;
    for (size_t k = 0; k < sizeof(amounts) / sizeof(*amounts); k++) {
        double most = 0;
        for (int i = 0; i < joined->parts; i++) {
            own[i] = amount_of(joined->identities[i].grid, amounts[k].key, amounts[k].fallback);
            most = fmax(most, own[i]);
        }
        if (json_member(json_member(grid, "hyper"), amounts[k].key))
            continue;
        set_amount(grid, amounts[k].key, most);
        for (int i = 0; good && k == 1 && i < joined->parts; i++)
            good = own[i] == 0 || own[i] == most || check_epochs(joined, i, grid, own[i]);
    }
    free(own);
    return good;
}

static bool join_cells(struct joined *joined)
{
    int widest = 0, trials = 0;
    for (int i = 0; i < joined->parts; i++)
        if (trials_of(&joined->identities[i]) > trials)
            trials = trials_of(&joined->identities[i]);
    if (!match_parts(joined, &widest))
        return false;
    if (trials > 0)
        cJSON_ReplaceItemInObjectCaseSensitive(joined->identities[0].settings, "trials",
                                               cJSON_CreateNumber(trials));
    if (!raise_amounts(joined, widest))
        return false;
    grid_free(&joined->grid);
    return parse_grid(joined, widest, trials, &joined->grid) && number_cells(joined);
}

bool joined_read(struct joined *joined, const char *const *folders, int parts)
{
    *joined = (struct joined){.folders = folders, .parts = parts, .plain = true};
    joined->identities = mem_zalloc((size_t)parts + 1, sizeof(*joined->identities));
    for (int i = 0; i < parts; i++)
        if (!read_part(joined, i) ||
            (i == 0 && !parse_grid(joined, 0, trials_of(&joined->identities[0]), &joined->grid)))
            return false;
    joined->plain = joined->plain && joined->grid->sampler != SAMPLER_OPTUNA;
    if (joined->plain)
        matches_plain(&joined->matches, parts, joined->grid->cell_count);
    return (joined->plain || join_cells(joined)) && find_data(joined);
}

// --- Writing ------------------------------------------------------------------------------------

struct writing {
    const struct joined *joined;
    struct trials *trials; // NULL: nothing grew
};

static bool put_study(struct store *store, void *context)
{
    const struct writing *writing = context;
    const struct joined *joined = writing->joined;
    cJSON *grid = grid_record(joined->grid);
    const bool put = (!writing->trials || trials_write(writing->trials, store)) &&
                     store_put(store, "settings", joined->identities[0].settings) &&
                     store_put(store, "grid", grid) && store_remove(store, "progress");
    cJSON_Delete(grid);
    return put;
}

// As a search with the joined study's grid would do it: parts may have less than that asks for.
static bool grow(const struct joined *joined, struct store *store, struct trials *trials)
{
    const char *where = joined->folders[0];
    if (!trials_place(trials, store, joined->identities[0].grid, where))
        return false;
    trials->grown.changed = true;
    trials->grown.cells.changes.more_runs = trials->grown.cells.changes.more_epochs = true;
    return trials_read(trials, store, where, false, false);
}

bool joined_write(const struct joined *joined, struct store *store)
{
    struct writing writing = {.joined = joined};
    struct trials trials;
    if (joined->plain)
        return store_transaction(store, put_study, &writing);
    cJSON *renumbered = cJSON_CreateTrue();
    trials_init(&trials, joined->grid);
    writing.trials = &trials;
    const bool written = store_put(store, "renumbered", renumbered) &&
                         grow(joined, store, &trials) &&
                         store_transaction(store, put_study, &writing);
    cJSON_Delete(renumbered);
    trials_free(&trials);
    return written;
}
