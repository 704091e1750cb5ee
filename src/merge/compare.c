// SPDX-License-Identifier: MIT
#include "merge/compare.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/cell_compare.h"
#include "vkgrid/store/join.h"
#include "vkgrid/study/grown.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weight_files.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *hyper_of(const struct identity *identity)
{
    return json_member(identity->grid, "hyper");
}

// --- What all cells have ------------------------------------------------------------------------

// Keys of the first cells that say whether two studies are one: not those that grow.
static bool is_compared(const struct identity *one, const struct identity *other, const char *key)
{
    static const char *const others[] = {"cell", "data_cache_path", "until", "num_epochs", NULL},
                             *const of_sets[] = {"features", "normalize", NULL};
    for (const char *const *name = others; *name; name++)
        if (strcmp(key, *name) == 0)
            return false;
    const bool sets =
        json_member(hyper_of(one), "inputs") || json_member(hyper_of(other), "inputs") ||
        json_member(hyper_of(one), "prediction") || json_member(hyper_of(other), "prediction");
    for (const char *const *name = of_sets; sets && *name; name++)
        if (strcmp(key, *name) == 0)
            return false;
    return !json_member(hyper_of(one), key) && !json_member(hyper_of(other), key);
}

// Sets of features and labels that both name: no cell shows those of the others.
static void list_sets(const struct identity *one, const struct identity *other, struct text *list)
{
    static const char *const kinds[] = {"inputs", "prediction"};
    const cJSON *mine = json_member(json_member(one->grid, "static"), "features"),
                *theirs = json_member(json_member(other->grid, "static"), "features"), *set;
    for (int i = 0; i < 2; i++)
        cJSON_ArrayForEach(set, json_member(mine, kinds[i]))
        {
            const cJSON *there = json_member(json_member(theirs, kinds[i]), set->string);
            char *left = json_print_line(set), *right = there ? json_print_line(there) : NULL;
            if (right && strcmp(left, right) != 0) // their order counts, too
                cell_add_difference(list, set->string, set, there);
            free(left);
            free(right);
        }
}

static bool first_cell(const struct joined *joined, int part, struct cell *cell)
{
    struct grid *grid = NULL;
    if (!grid_of_study(joined->identities[part].grid, joined->grid, joined->folders[part], &grid))
        return false;
    cJSON *values = grid_first_values(grid);
    const bool made = grid_cell_of(grid, 0, values, cell);
    cJSON_Delete(values);
    grid_free(&grid);
    return made;
}

// What a plan leaves out is that of other keys, which may vary or grow.
static bool same_key(const struct cell *mine, const struct cell *theirs, const char *key)
{
    const cJSON *here = json_member(mine->options, key), *there = json_member(theirs->options, key);
    if (strcmp(key, "plan") != 0)
        return cell_same_key(mine, theirs, key);
    return (!here && !there) || (here && there && cJSON_Compare(here, there, true));
}

static bool list_keys(const struct joined *joined, int part, struct text *list)
{
    const struct identity *here = &joined->identities[part], *there = &joined->identities[0];
    struct cell mine, theirs;
    if (!first_cell(joined, part, &mine))
        return false;
    if (!first_cell(joined, 0, &theirs)) {
        cell_free(&mine);
        return false;
    }
    const struct cell *cells[] = {&mine, &theirs};
    for (int i = 0; i < 2; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, cells[i]->options)
        {
            const char *key = item->string;
            if (is_compared(here, there, key) && !same_key(&mine, &theirs, key))
                cell_add_difference(list, key, json_member(mine.options, key),
                                    json_member(theirs.options, key));
        }
    }
    cell_free(&mine);
    cell_free(&theirs);
    return true;
}

// --- The rest -----------------------------------------------------------------------------------

// A setting that binds nobody: what the joined study shall have is not known.
static void list_keep(const cJSON *mine, const cJSON *theirs, struct text *list)
{
    const char *here = cJSON_GetStringValue(json_member(mine, "keep")),
               *there = cJSON_GetStringValue(json_member(theirs, "keep"));
    if (here && there && strcmp(here, there) != 0)
        text_add(list, "; keep: \"%.40s\" instead of \"%.40s\"", here, there);
}

static bool list_data(const struct joined *joined, struct store *store, struct text *list)
{
    char *path = study_path(joined->folders[0], STUDY_DATABASE);
    int64_t differing = 0;
    const bool compared = store_attach(store, path) && store_compare_datasets(store, &differing) &&
                          store_detach(store);
    free(path);
    if (differing > 0)
        text_add(list, "; data: the files of %lld data set%s", (long long)differing,
                 differing > 1 ? "s" : "");
    return compared;
}

bool compare_part(struct joined *joined, int part, struct store *store)
{
    struct identity *first = &joined->identities[0], *identity = &joined->identities[part];
    struct text list = {0};
    if (part == 0)
        return true;
    identity_match(first, identity);
    const cJSON *mine = json_member(identity->settings, "trials"),
                *theirs = json_member(first->settings, "trials");
    const bool same_grid = grown_same_grid(identity->grid, first->grid);
    joined->plain =
        joined->plain && same_grid && ((!mine && !theirs) || cJSON_Compare(mine, theirs, true));
    bool same = same_grid || list_keys(joined, part, &list);
    if (!same_grid)
        list_sets(identity, first, &list);
    identity_compare(&list, identity, first);
    list_keep(identity->settings, first->settings, &list);
    weight_files_keep(first->settings, identity->settings);
    same = same && list_data(joined, store, &list) &&
           (!list.bytes || error_set("%s: holds another study than %s: %s", joined->folders[part],
                                     joined->folders[0], list.bytes + 2));
    free(list.bytes);
    return same;
}
